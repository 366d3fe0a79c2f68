"""A breaker as an object with a clock: when it opens, who probes, how long it rests."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.hooks.breaker import Admission, Breaker, BreakerKey, Breakers, News, Thresholds

pytestmark = pytest.mark.once

KEY = BreakerKey("pay", "payment", "till-1")
QUICK = Thresholds(failures=5, window=60.0, wait=30.0, longest=600.0)


def breaker(thresholds: Thresholds = QUICK) -> Breaker:
    return Breaker(KEY, version="1.0", thresholds=thresholds)


def fail(one: Breaker, *, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        one.note(failed=True, now=now, cause="no route")


def opened(now: float = 0.0) -> Breaker:
    one = breaker()
    fail(one, times=5, now=now)
    one.news = None
    return one


@pytest.mark.parametrize(
    ("well", "ill", "is_open"),
    [(0, 4, False), (0, 5, True), (5, 5, True), (6, 5, False), (100, 99, False), (0, 6, True)],
)
def test_it_opens_at_five_failures_that_are_half_of_the_calls(
    well: int, ill: int, is_open: bool
) -> None:
    one = breaker()
    for _ in range(well):
        one.note(failed=False, now=1.0)

    fail(one, times=ill, now=1.0)

    assert one.is_open is is_open
    assert one.news is (News.OPENED if is_open else None)
    assert bool(one.admit(1.0)) is not is_open


def test_what_failed_a_minute_ago_is_forgotten() -> None:
    one = breaker()

    fail(one, times=4, now=0.0)
    fail(one, times=4, now=61.0)

    assert not one.is_open


def test_it_rests_until_somebody_grants_a_probe_and_then_admits_one() -> None:
    one = opened()

    before = one.to_tell(29.9), one.admit(29.9)
    due = one.to_tell(30.0), one.admit(30.0)
    one.grant(30.0, ticket=7, wait=30.0)
    admitted = [one.admit(31.0) for _ in range(3)]

    assert before == (None, Admission.NO)
    assert due == (News.DUE, Admission.NO)
    assert admitted == [Admission.PROBE, Admission.NO, Admission.NO]
    assert one.ticket == 7


def test_a_probe_that_goes_well_closes_it() -> None:
    one = opened()
    one.grant(30.0, ticket=1, wait=30.0)

    one.note(failed=False, now=31.0, admitted=one.admit(31.0))

    assert one.news is News.PROBED_WELL
    assert one.admit(31.0) is Admission.YES


def test_probes_that_fail_double_the_rest_up_to_ten_minutes() -> None:
    one, now, rests = opened(), 30.0, []

    for ticket in range(7):
        one.grant(now, ticket=ticket, wait=one.wait)
        one.note(failed=True, now=now, cause="still", admitted=one.admit(now))
        assert one.news is News.PROBED_ILL
        one.news = None
        rests.append(one.wait)
        now += one.wait

    assert rests == [60, 120, 240, 480, 600, 600, 600]


def test_only_the_probe_counts_while_it_is_not_closed() -> None:
    one = opened()
    one.grant(30.0, ticket=1, wait=30.0)

    one.note(failed=False, now=31.0)  # a refund, or a call that began long before

    assert one.is_open
    assert one.admit(31.0) is Admission.PROBE


def test_a_probe_that_never_ends_gives_its_turn_back() -> None:
    one = opened()
    one.grant(30.0, ticket=1, wait=30.0)
    late = one.admit(31.0)

    due = one.to_tell(60.0)
    one.ask_later(60.0, wait=1.0)
    one.note(failed=False, now=61.0, admitted=late)

    assert due is News.DUE
    assert one.is_open


def test_what_others_found_is_taken_over_and_what_they_found_well_closes() -> None:
    breakers = Breakers(QUICK)
    ill, well = breakers.of(KEY, version="1.0"), breakers.of(KEY._replace(kind="tell"), version="1")
    fail(well, times=5)
    well.news = None
    stranger = BreakerKey("gone", "tell")

    breakers.adopt([(KEY, "1.0", 60.0), (stranger, "1", 1.0)], now=0.0)

    assert (ill.is_open, ill.news, ill.wait) == (True, None, 60.0)
    assert not well.is_open
    assert [news for _, news in breakers.to_tell(60.0)] == [News.DUE]


def test_another_version_is_not_ill_and_news_untold_are_kept() -> None:
    breakers = Breakers(QUICK)
    newer, found = (
        breakers.of(KEY, version="2.0"),
        breakers.of(BreakerKey("b", "tell"), version="1"),
    )
    fail(found, times=5)

    breakers.adopt([(KEY, "1.0", 60.0)], now=0.0)

    assert not newer.is_open
    assert (found.is_open, found.news) == (True, News.OPENED)


class BreakerMachine(RuleBasedStateMachine):
    """Whatever is called when: a model that counts by hand agrees."""

    def __init__(self) -> None:
        super().__init__()
        self.one = breaker()
        self.now = 0.0
        self.calls: list[tuple[float, bool]] = []
        self.probing = False

    @rule(seconds=st.floats(0.1, 40))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(failed=st.booleans())
    def call(self, failed: bool) -> None:
        admitted = self.one.admit(self.now)
        if admitted is Admission.YES:
            self.one.note(failed=failed, now=self.now, cause="x", admitted=admitted)
            self.calls.append((self.now, failed))
        elif admitted is Admission.PROBE:
            assert self.probing
            self.probing = False
            wait = self.one.wait
            self.one.note(failed=failed, now=self.now, cause="x", admitted=admitted)
            assert self.one.is_open is failed
            assert self.one.wait == (min(wait * 2, 600) if failed else 30)
            self.calls.clear()

    @rule()
    def exempt_call_fails(self) -> None:
        was_open = self.one.is_open
        self.one.note(failed=True, now=self.now, cause="x")
        if not was_open:
            self.calls.append((self.now, True))

    @precondition(lambda self: self.one.news is not None)
    @rule()
    def tell(self) -> None:
        self.one.news = None

    @precondition(lambda self: self.one.to_tell(self.now) is News.DUE)
    @rule(ours=st.booleans())
    def ask_to_probe(self, ours: bool) -> None:
        if ours:
            self.one.grant(self.now, ticket=1, wait=self.one.wait)
        else:
            self.one.ask_later(self.now, wait=1.0)
        self.probing = ours

    @invariant()
    def it_is_open_only_for_a_reason(self) -> None:
        """No window of a minute without five failures has ever opened it."""
        failures = [at for at, failed in self.calls if failed]
        assert not self.one.is_open or len(failures) >= 5 or not self.calls

    @invariant()
    def it_is_never_closed_while_it_fails(self) -> None:
        """The window is counted in twelfths: what is surely inside it counts."""
        if self.one.is_open:
            return
        inside = [failed for at, failed in self.calls if at > self.now - 55]
        every = [failed for at, failed in self.calls if at > self.now - 65]
        assert not (inside and inside[-1] and sum(inside) >= 5 and sum(inside) * 2 >= len(every))


BreakerMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=False,
)
TestBreaker: Any = BreakerMachine.TestCase
