"""Call a plugin barely, through pluggy and through the guard, turn by turn in one run.

``make bench BENCH=bench_guard`` needs no database.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django

django.setup()

import pluggy  # noqa: E402

from core.hooks.breaker import Breakers  # noqa: E402
from core.hooks.pool import Pools  # noqa: E402
from core.hooks.tally import Tally  # noqa: E402
from core.infrastructure.outside import close_connections, in_transaction  # noqa: E402
from core.testing.registries import FakePlugin, registry_of  # noqa: E402
from hookspecs import Call, Done, NotFound, PaymentInfo, Phase, Quote, RuleInfo  # noqa: E402
from tests.hooks.test_pool import START  # noqa: E402
from tests.hooks.test_registry import QUOTE  # noqa: E402

spec, impl = pluggy.HookspecMarker("bench"), pluggy.HookimplMarker("bench")


class Rule:
    """A rule that has nothing to do."""

    def __init__(self, *, optional: bool) -> None:
        key = "optional" if optional else "mandatory"
        self.info = RuleInfo(key=key, label=key, phase=Phase.LINE, optional=optional)

    def propose(self, quote: Quote) -> tuple[()]:
        return ()


class Till:
    """A way to pay that has nothing to do."""

    info = PaymentInfo(code="till", label="Till")

    def start(self, request: Any, call: Call) -> Done:
        return Done(reference="r")

    def inquire(self, request: Any, call: Call) -> NotFound:
        return NotFound()


class Spec:
    """The same as a hook."""

    @spec
    def propose(self, quote: Quote) -> Any:
        """Propose."""


class Impl:
    """The same as an implementation of a hook."""

    @impl
    def propose(self, quote: Quote) -> Any:
        return ()


def variants() -> dict[str, Callable[[], Any]]:
    """Return what is measured against what, each as one call."""
    manager = pluggy.PluginManager("bench")
    manager.add_hookspecs(Spec)
    manager.register(Impl())
    plugin = FakePlugin(
        name="bench",
        rules=(Rule(optional=False), Rule(optional=True)),
        strategies=(Till(),),
    )
    pools = Pools(size=2, after=close_connections, in_transaction=in_transaction)
    plugins = registry_of(plugin, report=Tally(), pools=pools, breakers=Breakers())
    unheard = registry_of(plugin, pools=pools, breakers=Breakers())
    rules = {rule.info.key: rule.propose for rule in plugins.rules}
    start, bare = plugins.strategies["till"].start, Rule(optional=False).propose
    call, till = Call(deadline=time.monotonic() + 1e6), Till()
    executor = ThreadPoolExecutor(1)
    return {
        "pure: direct": lambda: bare(QUOTE),
        "pure: pluggy": lambda: manager.hook.propose(quote=QUOTE),
        "pure: guard, nobody told": lambda: unheard.rules[0].propose(QUOTE),
        "pure: guard": lambda: rules["mandatory"](QUOTE),
        "pure: guard and breaker": lambda: rules["optional"](QUOTE),
        "I/O: direct": lambda: till.start(START, call),
        "I/O: executor": lambda: executor.submit(till.start, START, call).result(5),
        "I/O: guard": lambda: start(START, call),
    }


def measure(rounds: int, calls: int) -> dict[str, list[float]]:
    """Return microseconds per call, one figure a round, all variants in turn in every round.

    What is pure is measured in this process's own time, what waits for a thread in everybody's.
    """
    measured: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, act in variants().items():
            times = calls if name.startswith("pure") else calls // 10
            clock = time.process_time if name.startswith("pure") else time.perf_counter
            act()
            began = clock()
            for _ in range(times):
                act()
            took = (clock() - began) / times * 1e6
            measured.setdefault(name, []).append(took)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    measured = measure(given.rounds, given.calls)
    if given.json:
        print(json.dumps(measured, indent=2))
        return
    for name, figures in measured.items():
        kind = name.partition(":")[0]
        beside = measured[f"{kind}: direct"]
        more = [one - other for one, other in zip(figures, beside, strict=True)]
        print(
            f"{name:<26} {statistics.median(figures):8.2f} µs"
            f"   over direct {statistics.median(more):+8.2f} µs"
            f"   ({min(figures):.2f} to {max(figures):.2f})"
        )


if __name__ == "__main__":
    main()
