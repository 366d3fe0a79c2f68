"""Whatever order facts come in, and however often: the fold is the same."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.payments import ROWS, Folded, PaymentState, fold
from hookspecs import Fact, FactKind, Money

ASKED = Money(1000, "EUR")
IDS = st.sampled_from(["x", "y", "z"])
MAYBE_IDS = st.none() | IDS
FACTS = st.builds(
    Fact,
    kind=st.sampled_from(list(FactKind)),
    object_id=IDS,
    amount=st.builds(Money, st.integers(0, 1500), st.sampled_from(["EUR", "EUR", "EUR", "USD"])),
    parent_id=MAYBE_IDS,
    operation_id=st.none() | st.sampled_from(["op-1", "op-2"]),
    account=st.none() | st.sampled_from(["mine", "mine", "other"]),
    sequence=st.integers(0, 2),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
)


def folded(facts: list[Fact]) -> Folded:
    return fold(facts, asked=ASKED, account="mine")


@settings(max_examples=400, deadline=None)
@given(st.lists(FACTS, max_size=14), st.randoms(use_true_random=False))
def test_any_permutation_with_any_repetition_folds_to_the_same(
    facts: list[Fact], shuffler: random.Random
) -> None:
    again = [replace(fact, at=datetime(2020, 1, 1, tzinfo=UTC)) for fact in facts]
    arrived = facts + [fact for fact in again if shuffler.random() < 0.5]
    shuffler.shuffle(arrived)

    assert folded(arrived) == folded(facts)


@settings(max_examples=400, deadline=None)
@given(st.lists(FACTS, max_size=14))
def test_the_sums_hold_whatever_the_facts(facts: list[Fact]) -> None:
    outcome = folded(facts)

    gone = outcome.refunded + outcome.refunding + outcome.disputed + outcome.charged_back
    assert outcome.refundable == max(0, outcome.captured - gone)
    assert outcome.authorized >= 0
    assert (outcome.captured > 0) or outcome.state not in {
        PaymentState.CAPTURED,
        PaymentState.PARTIALLY_CAPTURED,
        PaymentState.REFUNDED,
        PaymentState.PARTIALLY_REFUNDED,
    }


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """Return what a provider said of its objects, and the last word on each alone."""
    said, last = [], []
    for kinds in ROWS.values():
        for object_id in draw(st.lists(IDS, unique=True, max_size=2)):
            parent_id, amount = draw(MAYBE_IDS), Money(draw(st.integers(1, 1000)), "EUR")
            end = draw(st.integers(0, len(kinds) - 1))
            chain = [
                Fact(kind=kind, object_id=object_id, amount=amount, parent_id=parent_id)
                for kind in kinds[: end + 1]
            ]
            said += chain
            last.append(chain[-1])
    return said, last


@settings(max_examples=400, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_losing_news_in_between_changes_nothing_if_the_last_arrives(
    history: tuple[list[Fact], list[Fact]], shuffler: random.Random
) -> None:
    said, last = history
    arrived = last + [fact for fact in said if shuffler.random() < 0.5]
    shuffler.shuffle(arrived)

    whole, partial = folded(said), folded(arrived)

    assert (partial.state, partial.objects) == (whole.state, whole.objects)
    assert (partial.captured, partial.refundable) == (whole.captured, whole.refundable)


def test_a_control_that_lets_the_first_fact_win_depends_on_arrival() -> None:
    facts = [
        Fact(kind=FactKind.AUTHORIZED, object_id="a", amount=Money(minor, "EUR"))
        for minor in (400, 900)
    ]

    def first_wins(arrived: list[Fact]) -> int:
        kept: dict[tuple[str, FactKind, int], Fact] = {}
        for fact in arrived:
            kept.setdefault((fact.object_id, fact.kind, fact.sequence), fact)
        return folded(list(kept.values())).authorized

    assert first_wins(facts) != first_wins(facts[::-1])
    assert folded(facts).authorized == folded(facts[::-1]).authorized == 900
