"""Price 100 lines by 20 rules, and say what each rule costs; CPU time, so that neighbours don't count.

``make bench BENCH=bench_pricing`` runs it; it needs no database.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import django

django.setup()

from pydantic_core import to_json  # noqa: E402

from core.domain.pricing import compose  # noqa: E402
from core.hooks.registry import Registry  # noqa: E402
from core.testing.registries import FakePlugin, registry_of  # noqa: E402
from hookspecs import (  # noqa: E402
    Adjustment,
    Money,
    Phase,
    Quote,
    QuoteLine,
    RuleInfo,
    Target,
)
from tests.speed.bench_place_order import FlatTax, Never, PercentOff  # noqa: E402

LINES = 100


class OffTheOrder:
    """A percentage off the whole order, spread over its lines."""

    def __init__(self, key: str) -> None:
        self.info = RuleInfo(key=key, label=key, phase=Phase.ORDER)

    def propose(self, quote: Quote, /) -> list[Adjustment]:
        amount = -quote.subtotal.percent(Decimal(1))
        return [Adjustment(target=Target.ORDER, amount=amount, reason="1 %")]


def registry(*rules: Any) -> Registry:
    """Return these rules, guarded as those of installed plugins are."""
    return registry_of(*(FakePlugin(name=f"p{n}", rules=(one,)) for n, one in enumerate(rules)))


def quote(lines: int) -> Quote:
    """Return a quote of so many lines, each of another price and quantity."""
    nothing = Money(0, "EUR")

    def line(n: int) -> QuoteLine:
        price, quantity = Money(1_000 + 7 * n, "EUR"), n % 5 + 1
        return QuoteLine(
            line_id=str(n), sku=f"s{n}", quantity=quantity, list_price=price,
            amount=price * quantity, floor=nothing,
        )  # fmt: skip

    return Quote(
        tenant="default", currency="EUR", now=datetime.now(UTC), customer=None,
        lines=tuple(map(line, range(lines))), shipping=nothing, fees=nothing, tax=nothing,
        rounding=nothing,
    )  # fmt: skip


def milliseconds(act: Callable[[], Any], *, rounds: int) -> float:
    """Return the median CPU time of an act."""
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        act()
        taken.append(time.process_time() - began)
    return statistics.median(taken) * 1000


def main() -> None:
    """Price, and print JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_known_args()[0].rounds * 20
    on_lines = [PercentOff(f"line-{n}", Phase.LINE) for n in range(20)]
    mixed = [*on_lines[:7], *(OffTheOrder(f"order-{n}") for n in range(6))]
    mixed += [Never(f"never-{n}") for n in range(6)]
    sets = {
        "20_rules_mixed": registry(*mixed, FlatTax()),
        "20_rules_on_every_line": registry(*on_lines),
        "20_rules_that_skip": registry(*(Never(f"never-{n}") for n in range(20))),
        "no_rules": registry(),
    }
    long, result = quote(LINES), {}
    for name, plugins in sets.items():
        price = lambda plugins=plugins: compose(  # noqa: E731
            quote=long, rules=plugins.rules, taxes=plugins.taxes
        )
        priced = price()
        result[name] = {
            "price_ms": round(milliseconds(price, rounds=rounds), 3),
            "receipt_ms": round(
                milliseconds(lambda p=priced: to_json(p.receipt()), rounds=rounds), 3
            ),
            "receipt_bytes": len(to_json(priced.receipt())),
        }
    bare = result["no_rules"]["price_ms"]
    for name in sets:
        result[name]["per_rule_ms"] = round((result[name]["price_ms"] - bare) / 20, 4)
    print(json.dumps({"lines": LINES, **result}, indent=1))


if __name__ == "__main__":
    main()
