"""A pure call that never returns is found by looking at what threads do."""

from __future__ import annotations

import threading
import time

from core.hooks.breaker import BreakerKey, Breakers, News
from core.hooks.watchdog import hanging
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Phase, Quote, RuleInfo
from tests.hooks.test_registry import QUOTE


class Waits:
    """A rule that waits for somebody."""

    info = RuleInfo(key="waits", label="Waits", phase=Phase.LINE, optional=True)

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def propose(self, quote: Quote) -> list[object]:
        self.begun.set()
        self.go_on.wait(20)
        return []


def test_a_call_that_hangs_is_found_and_rests_everywhere() -> None:
    rule, breakers = Waits(), Breakers()
    plugins = registry_of(FakePlugin(name="p", rules=(rule,)), breakers=breakers)
    thread = threading.Thread(target=plugins.rules[0].propose, args=(QUOTE,), daemon=True)
    thread.start()
    assert rule.begun.wait(5)
    now = time.monotonic()

    early, late = hanging(seconds=60, now=now), hanging(seconds=60, now=now + 61)
    assert late is not None
    late.give_up(now, "never came back")
    rule.go_on.set()
    thread.join(5)

    assert early is None
    assert late.called == ("p", "1.0", "propose", "waits")
    assert breakers.of(BreakerKey("p", "pricing"), version="1.0").news is News.OPENED
    assert hanging(seconds=0, now=time.monotonic() + 999) is None
