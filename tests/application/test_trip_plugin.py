"""Many processes, one finding: who writes it down, who probes, and what a quarantine keeps out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connections

from core.application.lift_quarantine import lift_quarantine
from core.application.plugin_states import read_states
from core.application.switch_plugin import SwitchPlugin, switch_plugin
from core.application.trip_plugin import trip_plugin
from core.context import TenantRef
from core.domain.errors import RuleFailedError
from core.hooks.breaker import Admission, Breaker, BreakerKey, Breakers, Thresholds
from core.hooks.registry import Registry
from core.hooks.states import Ailment, State
from core.models import PluginChange, PluginGeneration, PluginHealth
from core.testing.registries import FakePlugin, registry_of
from hookspecs import (
    Adjustment,
    Call,
    Done,
    InquireRequest,
    Money,
    NotSent,
    PaymentInfo,
    Phase,
    Quote,
    RuleInfo,
    Unknown,
)
from tests.hooks.test_pool import INQUIRY, START, soon
from tests.hooks.test_registry import QUOTE

KEY = BreakerKey("till", "payment", "main")
WAIT = 0.05


class Till:
    """A way to pay that answers nothing that helps, until it is mended."""

    info = PaymentInfo(code="till", label="Till", account="main")

    def __init__(self) -> None:
        self.broken = True
        self.calls = 0

    def start(self, request: Any, call: Call) -> Done | Unknown:
        self.calls += 1
        return Unknown(cause="no route") if self.broken else Done(reference="r")

    def inquire(self, request: InquireRequest, call: Call) -> Unknown:
        self.calls += 1
        return Unknown(cause="no route")


class Rule:
    """A rule that raises."""

    def __init__(self, *, optional: bool) -> None:
        self.info = RuleInfo(key="r", label="R", phase=Phase.LINE, optional=optional)
        self.calls = 0

    def propose(self, quote: Quote) -> list[Adjustment]:
        self.calls += 1
        raise OSError("no rule")


class Process:
    """What one worker has in memory."""

    def __init__(self, till: Till | None = None, *, wait: float = WAIT) -> None:
        self.breakers = Breakers(Thresholds(wait=wait, longest=4 * wait))
        self.till = till or Till()
        self.adopt()

    def adopt(self) -> None:
        """Look at the database, as a refresh does when the generation has moved."""
        states = read_states("default", generation=0)
        self.registry = self.built(states.ailing)
        resting = [
            (BreakerKey(one.plugin, one.kind, one.account), one.version, one.wait)
            for one in states.ailing
            if one.rests
        ]
        self.breakers.adopt(resting, time.monotonic())

    def built(self, ailing: tuple[Ailment, ...]) -> Registry:
        plugin = FakePlugin(name="till", strategies=(self.till,))
        return registry_of(plugin, breakers=self.breakers, ailing=ailing)

    @property
    def breaker(self) -> Breaker:
        return self.breakers.of(KEY, version="1.0")

    def start(self, times: int = 1) -> Any:
        serving = self.registry.serving["till", "till"]
        return [serving.start(START, soon()) for _ in range(times)][-1]

    def tell(self, now: datetime) -> int:
        return trip_plugin(breakers=self.breakers, now=now)


def generation() -> int:
    return PluginGeneration.objects.get().generation


def open_once(one: Process, now: datetime) -> None:
    one.till.broken = True
    one.start(5)
    one.tell(now)


def mend(one: Process, now: datetime) -> None:
    one.till.broken = False
    time.sleep(WAIT * 1.2)
    assert one.tell(now) == 1
    one.start()
    assert one.tell(now) == 1


def test_five_unknowns_open_it_and_nothing_is_sent_any_more(shop: TenantRef) -> None:
    one = Process()
    one.start(5)

    answer = one.start()

    assert one.till.calls == 5
    assert isinstance(answer, NotSent)
    assert answer.cause == "rests after it failed too often: no route"


def test_of_two_processes_that_find_the_same_one_writes_it_down(
    shop: TenantRef, now: datetime
) -> None:
    first, second = Process(wait=60), Process(wait=60)
    before = generation()
    for each in (first, second):
        each.start(5)

    for each in (first, second):
        each.tell(now)

    row = PluginHealth.objects.get()
    assert (row.plugin, row.kind, row.account, row.is_open) == (*KEY, True)
    assert row.opened_before_at is None
    assert row.cause == "no route"
    assert generation() == before + 1
    assert first.tell(now) == second.tell(now) == 0


def test_a_process_without_failures_of_its_own_hears_of_it(shop: TenantRef, now: datetime) -> None:
    first, second = Process(wait=60), Process(wait=60)
    open_once(first, now)

    second.adopt()

    assert isinstance(second.start(), NotSent)
    assert second.till.calls == 0


def test_one_of_many_probes(shop: TenantRef, now: datetime) -> None:
    processes = [Process() for _ in range(4)]
    open_once(processes[0], now)
    for each in processes:
        each.adopt()
    time.sleep(WAIT * 1.2)
    barrier = threading.Barrier(len(processes))

    def ask(each: Process) -> None:
        barrier.wait(5)
        try:
            each.tell(now)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask, args=(each,)) for each in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    admitted = [each.breaker.admit(time.monotonic()) for each in processes]
    assert sorted(admitted) == [Admission.NO] * 3 + [Admission.PROBE]


def test_a_probe_that_goes_well_opens_the_way_everywhere(shop: TenantRef, now: datetime) -> None:
    first, second = Process(), Process()
    open_once(first, now)
    second.adopt()

    mend(first, now)
    second.till.broken = False
    second.adopt()

    assert not PluginHealth.objects.get().is_open
    assert first.start() == second.start() == Done(reference="r")


def test_a_probe_that_fails_rests_twice_as_long(shop: TenantRef, now: datetime) -> None:
    one = Process()
    open_once(one, now)

    waits = []
    for _ in range(3):
        time.sleep(one.breaker.wait * 1.2)
        one.tell(now)
        one.start()
        one.tell(now)
        waits.append(PluginHealth.objects.get().wait)

    assert waits == [2 * WAIT, 4 * WAIT, 4 * WAIT]


def quarantined(now: datetime) -> Process:
    one = Process()
    for opening in range(3):
        if opening:
            mend(one, now)
        open_once(one, now)
    one.adopt()
    return one


def test_the_third_opening_in_an_hour_puts_it_into_quarantine(
    shop: TenantRef, now: datetime
) -> None:
    one = quarantined(now)

    view = one.registry.plugin("till")
    change = PluginChange.objects.get(kind="QUARANTINED")

    assert view is not None
    assert view.state is State.QUARANTINED
    assert view.why == "payment (main): no route"
    assert "till" not in one.registry.strategies
    assert ("till", "till") in one.registry.serving
    assert (change.plugin, change.who, change.generation) == ("till", "the breaker", generation())


def test_three_openings_that_are_far_apart_don_t(
    shop: TenantRef, now: datetime, settings: Any
) -> None:
    settings.ORDERLOOM_QUARANTINE_SECONDS = 0.01

    one = quarantined(now)

    assert PluginHealth.objects.get().quarantined_at is None
    assert "till" in one.registry.strategies


def test_who_switches_it_on_lifts_the_quarantine_in_every_process(
    shop: TenantRef, now: datetime
) -> None:
    one = quarantined(now)
    command = SwitchPlugin(plugin="till", on=True, who="kim", reason="mended")

    done = switch_plugin(command, plugins=one.registry, now=now)
    one.adopt()
    one.till.broken = False

    lifted = PluginChange.objects.get(kind="LIFTED")
    assert done.changed
    assert done.generation == generation() == lifted.generation
    assert (lifted.who, lifted.reason) == ("kim", "mended")
    assert one.registry.strategies["till"].start(START, soon()) == Done(reference="r")
    assert lift_quarantine("till", who="kim", now=now) is None


def test_another_version_begins_anew(shop: TenantRef, now: datetime) -> None:
    one = quarantined(now)
    newer = FakePlugin(name="till", strategies=(Till(),), version="1.1")

    plugins = registry_of(newer, ailing=read_states("default", generation=0).ailing)

    view = plugins.plugin("till")
    assert view is not None
    assert view.state is State.ENABLED
    assert "till" in plugins.strategies
    assert "till" not in one.registry.strategies


def test_another_account_is_not_ill(shop: TenantRef, now: datetime) -> None:
    one = quarantined(now)
    other = Till()
    other.info = PaymentInfo(code="till", label="Till", account="branch")

    plugins = registry_of(
        FakePlugin(name="till", strategies=(other,)),
        breakers=one.breakers,
        ailing=read_states("default", generation=0).ailing,
    )

    assert "till" in plugins.strategies
    assert plugins.strategies["till"].start(START, soon()) == Unknown(cause="no route")


def test_look_ups_are_never_cut_off(shop: TenantRef, now: datetime) -> None:
    one = quarantined(now)
    before = one.till.calls

    answers = [one.registry.serving["till", "till"].inquire(INQUIRY, soon()) for _ in range(20)]

    assert set(answers) == {Unknown(cause="no route")}
    assert one.till.calls == before + 20


@pytest.mark.parametrize(("optional", "calls"), [(False, 20), (True, 5)])
def test_a_mandatory_rule_is_never_cut_off(optional: bool, calls: int) -> None:
    rule = Rule(optional=optional)
    breakers = Breakers()
    ill = Ailment(plugin="p", kind="pricing", account="", version="1.0", quarantined=True)
    plugins = registry_of(FakePlugin(name="p", rules=(rule,)), breakers=breakers)
    ask = quoting(plugins, optional=optional)

    for _ in range(20):
        ask()

    left = registry_of(FakePlugin(name="p", rules=(rule,)), ailing=(ill,))
    assert rule.calls == calls
    assert [each.info.key for each in left.rules] == ([] if optional else ["r"])


def quoting(plugins: Registry, *, optional: bool) -> Callable[[], None]:
    def ask() -> None:
        try:
            assert plugins.rules[0].propose(QUOTE)
        except RuleFailedError:
            assert not optional

    return ask


def test_a_slow_rule_counts_as_a_failure(shop: TenantRef) -> None:
    class Slow(Rule):
        def propose(self, quote: Quote) -> list[Adjustment]:
            self.calls += 1
            time.sleep(0.06)
            return [Adjustment(target="1", amount=Money(-1, "EUR"), reason="slowly")]

    rule = Slow(optional=True)
    plugins = registry_of(FakePlugin(name="p", rules=(rule,)), breakers=Breakers())

    for _ in range(7):
        plugins.rules[0].propose(QUOTE)

    assert rule.calls == 5
