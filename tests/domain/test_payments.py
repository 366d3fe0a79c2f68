"""The fold of facts, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain.payments import (
    ABSORBING,
    ROWS,
    Folded,
    IncidentCode,
    ObjectKind,
    PaymentState,
    digest,
    fold,
    object_kind,
)
from hookspecs import Fact, FactKind, Money

K = FactKind


def fact(kind: FactKind, object_id: str, minor: int = 1000, **more: Any) -> Fact:
    currency = more.pop("currency", "EUR")
    return Fact(kind=kind, object_id=object_id, amount=Money(minor, currency), **more)


def folded(*facts: Fact, asked: int = 1000, account: str | None = None) -> Folded:
    return fold(facts, asked=Money(asked, "EUR"), account=account)


def codes(outcome: Folded) -> list[str]:
    return [incident.code.value for incident in outcome.incidents]


def test_every_kind_of_fact_stands_in_exactly_one_row() -> None:
    kinds = [kind for row in ROWS.values() for kind in row]

    assert sorted(kinds) == sorted(FactKind)
    assert object_kind(K.REFUND_FAILED) is ObjectKind.REFUND


def test_no_facts_are_an_open_payment() -> None:
    assert folded().state is PaymentState.OPEN
    assert folded().refundable == 0


# 1. Facts are a set; identity is everything but the time.


def test_facts_that_differ_in_their_time_only_are_one() -> None:
    early = fact(K.CAPTURED, "c1", at=datetime(2026, 1, 1, tzinfo=UTC))
    late = replace(early, at=datetime(2026, 1, 2, tzinfo=UTC))

    outcome = folded(early, late, early)

    assert outcome.captured == 1000
    assert digest("card", early) == digest("card", late)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": K.CAPTURE_PENDING},
        {"object_id": "c2"},
        {"amount": Money(999, "EUR")},
        {"amount": Money(1000, "USD")},
        {"parent_id": "a1"},
        {"operation_id": "op"},
        {"account": "acct"},
        {"sequence": 1},
    ],
)
def test_the_digest_tells_facts_apart(changes: dict[str, Any]) -> None:
    one = fact(K.CAPTURED, "c1")

    assert digest("card", replace(one, **changes)) != digest("card", one)
    assert digest("paypal", one) != digest("card", one)
    assert len(digest("card", one)) == 64


def test_the_digest_cant_be_confused_by_where_one_word_ends() -> None:
    one = fact(K.CAPTURED, "ab", parent_id="c", operation_id=None)
    other = fact(K.CAPTURED, "ab", parent_id=None, operation_id="c")

    assert digest("x", one) != digest("x", other)
    assert digest("x", fact(K.CAPTURED, 'a","b')) != digest(
        "x", fact(K.CAPTURED, "a", parent_id="b")
    )


def test_the_digest_is_what_older_rows_have() -> None:
    one = fact(K.CAPTURED, "ç1", parent_id="a1", account="acct", sequence=2)

    assert digest("card", one) == "b8ffc5db403a767409e78bfa6aec27edc2f385ba67999137222c22c7952db3b2"


# 2. Foreign currency or account counts nowhere.


@pytest.mark.parametrize(
    ("more", "account", "foreign"),
    [
        ({"currency": "USD"}, None, True),
        ({"account": "other"}, "mine", True),
        ({"account": "mine"}, "mine", False),
        ({"account": "mine"}, None, False),
        ({}, "mine", False),
    ],
)
def test_a_foreign_fact_is_set_aside(
    more: dict[str, Any], account: str | None, foreign: bool
) -> None:
    outcome = folded(fact(K.CAPTURED, "c1", **more), account=account)

    assert codes(outcome) == (["FOREIGN"] if foreign else [])
    assert outcome.captured == (0 if foreign else 1000)
    assert outcome.state is (PaymentState.OPEN if foreign else PaymentState.CAPTURED)


# 3. Objects are told apart by row and id.


def test_an_authorisation_and_a_capture_may_share_one_id() -> None:
    outcome = folded(fact(K.AUTHORIZED, "x"), fact(K.CAPTURED, "x", parent_id="x"))

    assert [one.kind for one in outcome.objects] == [K.AUTHORIZED, K.CAPTURED]
    assert (outcome.authorized, outcome.captured) == (0, 1000)


# 4. Standing: absorbing, then sequence, then rank.


@pytest.mark.parametrize("row", list(ROWS))
def test_the_later_in_its_row_stands(row: ObjectKind) -> None:
    kinds = ROWS[row]
    for place, kind in enumerate(kinds):
        facts = [fact(one, "x") for one in kinds[: place + 1]]

        assert folded(*reversed(facts)).objects[0].kind is kind


@pytest.mark.parametrize(
    ("facts", "stands"),
    [
        ([(K.CAPTURED, 0), (K.CAPTURE_FAILED, 1)], K.CAPTURE_FAILED),
        ([(K.CAPTURED, 0), (K.CAPTURE_FAILED, 0)], K.CAPTURED),
        ([(K.REFUNDED, 0), (K.REFUND_FAILED, 0)], K.REFUND_FAILED),
        ([(K.REFUNDED, 2), (K.REFUND_FAILED, 1)], K.REFUNDED),
        ([(K.DISPUTE_LOST, 0), (K.DISPUTE_WON, 0)], K.DISPUTE_LOST),
        ([(K.DISPUTE_LOST, 0), (K.DISPUTE_WON, 1)], K.DISPUTE_WON),
        ([(K.APPROVAL_CLOSED, 0), (K.APPROVED, 9)], K.APPROVAL_CLOSED),
        ([(K.AUTHORIZATION_CLOSED, 0), (K.AUTHORIZED, 9)], K.AUTHORIZATION_CLOSED),
        ([(K.CAPTURE_REVERSED, 0), (K.CAPTURED, 1)], K.CAPTURED),
    ],
)
def test_a_closing_beats_any_sequence_and_a_sequence_beats_any_rank(
    facts: list[tuple[FactKind, int]], stands: FactKind
) -> None:
    outcome = folded(*(fact(kind, "x", sequence=sequence) for kind, sequence in facts))

    assert outcome.objects[0].kind is stands
    assert {K.APPROVAL_CLOSED, K.AUTHORIZATION_CLOSED} == ABSORBING


# 5. Amount: greatest (sequence, amount) among the facts of that kind.


@pytest.mark.parametrize(
    ("facts", "amount"),
    [
        ([(300, 0), (700, 0), (500, 0)], 700),
        ([(1000, 0), (600, 1)], 600),
        ([(1000, 1), (600, 1)], 1000),
    ],
)
def test_the_amount_is_the_greatest_of_the_latest_sequence(
    facts: list[tuple[int, int]], amount: int
) -> None:
    outcome = folded(*(fact(K.AUTHORIZED, "a", minor, sequence=seq) for minor, seq in facts))

    assert outcome.authorized == amount


def test_the_amount_of_another_kind_doesnt_count() -> None:
    outcome = folded(fact(K.CAPTURE_PENDING, "c", 900), fact(K.CAPTURED, "c", 400))

    assert (outcome.captured, outcome.capturing) == (400, 0)


# 6. The parent is the one that was named.


def test_a_parent_named_once_is_kept() -> None:
    outcome = folded(
        fact(K.AUTHORIZED, "a"),
        fact(K.CAPTURE_PENDING, "c", parent_id="a"),
        fact(K.CAPTURED, "c"),
    )

    assert outcome.objects[1].parent_id == "a"
    assert outcome.authorized == 0


def test_several_parents_are_an_incident_and_the_smallest_is_taken() -> None:
    outcome = folded(
        fact(K.CAPTURED, "c", parent_id="b"), fact(K.CAPTURE_PENDING, "c", parent_id="a")
    )

    assert codes(outcome) == ["TWO_PARENTS"]
    assert outcome.objects[0].parent_id == "a"


# 7. What is authorised, less what was captured of it.


@pytest.mark.parametrize(
    ("child", "left"),
    [
        (K.CAPTURED, 600),
        (K.CAPTURE_PENDING, 600),
        (K.CAPTURE_REVERSED, 600),
        (K.CAPTURE_FAILED, 1000),
    ],
)
def test_captures_use_up_their_authorisation_even_when_reversed(child: FactKind, left: int) -> None:
    outcome = folded(fact(K.AUTHORIZED, "a"), fact(child, "c", 400, parent_id="a"))

    assert outcome.authorized == left


def test_a_capture_of_another_authorisation_uses_nothing_up() -> None:
    outcome = folded(fact(K.AUTHORIZED, "a"), fact(K.CAPTURED, "c", 400, parent_id="b"))

    assert outcome.authorized == 1000


# 8. The sums.


def test_every_sum_counts_its_own_standing_and_refundable_is_what_they_leave() -> None:
    outcome = folded(
        fact(K.CAPTURED, "c1", 1000),
        fact(K.CAPTURED, "c2", 500),
        fact(K.CAPTURE_PENDING, "c3", 70),
        fact(K.CAPTURE_FAILED, "c4", 9999),
        fact(K.REFUNDED, "r1", 100, parent_id="c1"),
        fact(K.REFUND_PENDING, "r2", 30, parent_id="c1"),
        fact(K.REFUND_FAILED, "r3", 9999, parent_id="c1"),
        fact(K.DISPUTE_OPENED, "d1", 200, parent_id="c2"),
        fact(K.DISPUTE_LOST, "d2", 40, parent_id="c2"),
        fact(K.DISPUTE_WON, "d3", 9999, parent_id="c2"),
        asked=1500,
    )

    assert (outcome.captured, outcome.capturing) == (1500, 70)
    assert (outcome.refunded, outcome.refunding) == (100, 30)
    assert (outcome.disputed, outcome.charged_back) == (200, 40)
    assert outcome.refundable == 1500 - 100 - 30 - 200 - 40
    assert codes(outcome) == []


def test_sums_arent_clamped_but_refundable_never_falls_below_nothing() -> None:
    outcome = folded(fact(K.CAPTURED, "c", 100), fact(K.REFUNDED, "r", 300, parent_id="c"))

    assert (outcome.captured, outcome.refunded, outcome.refundable) == (100, 300, 0)


# 9. Incidents.


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([fact(K.CAPTURED, "c", 1001)], ["OVER_CAPTURED"]),
        ([fact(K.CAPTURED, "c", 600), fact(K.CAPTURED, "d", 600)], ["OVER_CAPTURED"]),
        (
            [fact(K.AUTHORIZED, "a", 500), fact(K.CAPTURED, "c", 501, parent_id="a")],
            ["OVER_AUTHORIZATION"],
        ),
        (
            [
                fact(K.AUTHORIZED, "a", 500),
                fact(K.AUTHORIZATION_CLOSED, "a", 0),
                fact(K.CAPTURED, "c", 501, parent_id="a"),
            ],
            ["OVER_AUTHORIZATION"],
        ),
        (
            [
                fact(K.AUTHORIZED, "a", 500),
                fact(K.AUTHORIZATION_CLOSED, "a", 0),
                fact(K.CAPTURED, "c", 500, parent_id="a"),
            ],
            [],
        ),
        (
            [
                fact(K.CAPTURED, "c", 600),
                fact(K.CAPTURED, "d", 400),
                fact(K.REFUNDED, "r", 500, parent_id="d"),
            ],
            ["OVER_REFUNDED"],
        ),
        (
            [
                fact(K.CAPTURED, "c", 600),
                fact(K.REFUNDED, "r", 400, parent_id="c"),
                fact(K.REFUND_PENDING, "s", 400, parent_id="c"),
            ],
            ["OVER_REFUNDED", "OVER_REFUNDED"],
        ),
        (
            [
                fact(K.CAPTURED, "c", 600),
                fact(K.REFUNDED, "r", 600, parent_id="c"),
                fact(K.DISPUTE_LOST, "d", 600, parent_id="c"),
            ],
            ["OVER_REFUNDED", "OVER_REFUNDED"],
        ),
        ([fact(K.REFUNDED, "r", 5, parent_id="c")], ["ORPHAN", "OVER_REFUNDED"]),
        ([fact(K.REFUND_PENDING, "r", 5)], ["ORPHAN", "OVER_REFUNDED"]),
        ([fact(K.REFUND_FAILED, "r", 5, parent_id="c")], []),
        ([fact(K.CAPTURED, "c"), fact(K.REFUNDED, "r", 5, parent_id="x")], ["ORPHAN"]),
        ([fact(K.CAPTURED, "c"), fact(K.REFUNDED, "r", 5)], []),
        ([fact(K.CAPTURED, "c"), fact(K.REFUNDED, "r", parent_id="c")], []),
        (
            [fact(K.CAPTURED, "c", 501, parent_id="a"), fact(K.AUTHORIZED, "a", 500)],
            ["OVER_AUTHORIZATION"],
        ),
        (
            [
                fact(K.AUTHORIZED, "a", 600),
                fact(K.CAPTURED, "c", 300, parent_id="a"),
                fact(K.CAPTURED, "d", 300, parent_id="a"),
                fact(K.REFUNDED, "r", 301, parent_id="d"),
            ],
            ["OVER_REFUNDED"],
        ),
    ],
)
def test_what_doesnt_add_up_is_an_incident(facts: list[Fact], expected: list[str]) -> None:
    assert codes(folded(*facts)) == expected


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            [fact(K.CAPTURED, "c", currency="USD")],
            [("c", "CAPTURED over 10.00 USD doesn't belong to this payment")],
        ),
        (
            [fact(K.CAPTURED, "c", account="other")],
            [("c", "CAPTURED over 10.00 EUR of account other doesn't belong to this payment")],
        ),
        (
            [fact(K.CAPTURED, "c", parent_id="b"), fact(K.CAPTURE_PENDING, "c", parent_id="a")],
            [("c", "said to belong to a, b")],
        ),
        (
            [fact(K.AUTHORIZED, "a", 500), fact(K.CAPTURED, "c", 501, parent_id="a")],
            [("a", "501 captured of 500 authorized")],
        ),
        ([fact(K.CAPTURED, "c", 1001)], [("", "1001 captured of 1000 asked")]),
        (
            [fact(K.CAPTURED, "c", 600), fact(K.REFUNDED, "r", 601, parent_id="c")],
            [
                ("", "601 given back of 600 captured in all"),
                ("c", "601 given back of 600 captured"),
            ],
        ),
        (
            [fact(K.CAPTURED, "c"), fact(K.REFUNDED, "r", 5, parent_id="x")],
            [("r", "a refund, but no capture x")],
        ),
        (
            [fact(K.CAPTURE_FAILED, "c"), fact(K.REFUND_PENDING, "r", 5)],
            [
                ("r", "a refund, but no capture at all"),
                ("", "5 given back of 0 captured in all"),
            ],
        ),
    ],
)
def test_an_incident_says_of_what_and_why(facts: list[Fact], said: list[tuple[str, str]]) -> None:
    outcome = folded(*facts, account="mine")

    assert [(one.object_id, one.text) for one in outcome.incidents] == said


def test_an_orphan_clears_when_its_capture_arrives() -> None:
    refund = fact(K.REFUNDED, "r", 5, parent_id="c")

    assert IncidentCode.ORPHAN in codes(folded(refund))
    assert codes(folded(refund, fact(K.CAPTURED, "c"))) == []


# 10. The state, first that holds.


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ([(K.CAPTURED, "c", 1000), (K.DISPUTE_OPENED, "d", 1)], "DISPUTED"),
        ([(K.CAPTURED, "c", 1000), (K.REFUNDED, "r", 1000)], "REFUNDED"),
        ([(K.CAPTURED, "c", 1000), (K.REFUNDED, "r", 600), (K.DISPUTE_LOST, "d", 400)], "REFUNDED"),
        ([(K.CAPTURED, "c", 400), (K.REFUNDED, "r", 400)], "REFUNDED"),
        ([(K.CAPTURED, "c", 1000), (K.REFUNDED, "r", 1)], "PARTIALLY_REFUNDED"),
        ([(K.CAPTURED, "c", 1000), (K.DISPUTE_LOST, "d", 1)], "PARTIALLY_REFUNDED"),
        ([(K.CAPTURED, "c", 1000), (K.REFUND_PENDING, "r", 1000)], "CAPTURED"),
        ([(K.CAPTURED, "c", 1000), (K.REFUND_FAILED, "r", 1000)], "CAPTURED"),
        ([(K.CAPTURED, "c", 1000), (K.DISPUTE_WON, "d", 1000)], "CAPTURED"),
        ([(K.CAPTURED, "c", 1001)], "CAPTURED"),
        ([(K.CAPTURED, "c", 999)], "PARTIALLY_CAPTURED"),
        ([(K.CAPTURED, "c", 999), (K.AUTHORIZED, "a", 1)], "PARTIALLY_CAPTURED"),
        ([(K.AUTHORIZED, "a", 1000), (K.CAPTURE_PENDING, "c", 5)], "AUTHORIZED"),
        ([(K.CAPTURE_PENDING, "c", 1000)], "PROCESSING"),
        ([(K.AUTHORIZATION_PENDING, "a", 1000)], "PROCESSING"),
        ([(K.AUTHORIZATION_CLOSED, "a", 1000), (K.APPROVED, "o", 1000)], "CLOSED"),
        ([(K.APPROVAL_CLOSED, "o", 1000)], "CLOSED"),
        ([(K.CAPTURE_REVERSED, "c", 1000), (K.APPROVED, "o", 1000)], "CLOSED"),
        ([(K.APPROVED, "o", 1000)], "APPROVED"),
        ([(K.APPROVED, "o", 1000), (K.AUTHORIZATION_FAILED, "a", 1000)], "APPROVED"),
        ([(K.AUTHORIZATION_FAILED, "a", 1000)], "OPEN"),
        ([(K.CAPTURE_FAILED, "c", 1000)], "OPEN"),
        ([(K.REFUNDED, "r", 1000)], "OPEN"),
    ],
)
def test_the_state_is_the_first_that_holds(
    facts: list[tuple[FactKind, str, int]], state: str
) -> None:
    outcome = folded(*(fact(kind, object_id, minor) for kind, object_id, minor in facts))

    assert outcome.state.value == state


@pytest.mark.parametrize(
    ("facts", "asked", "state"),
    [
        ([fact(K.CAPTURED, "c", 1), fact(K.REFUNDED, "r", 1, parent_id="c")], 2, "REFUNDED"),
        ([fact(K.CAPTURED, "c", 1)], 1, "CAPTURED"),
        ([fact(K.CAPTURED, "c", 1)], 2, "PARTIALLY_CAPTURED"),
        ([fact(K.AUTHORIZED, "a", 1)], 1, "AUTHORIZED"),
        ([], 0, "OPEN"),
    ],
)
def test_one_minor_unit_is_money_and_nothing_is_not(
    facts: list[Fact], asked: int, state: str
) -> None:
    assert folded(*facts, asked=asked).state.value == state


# 11. Times never decide.


def test_a_later_time_doesnt_make_a_failure_of_a_success() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)

    outcome = folded(fact(K.CAPTURED, "c", at=early), fact(K.CAPTURE_FAILED, "c", at=late))

    assert outcome.state is PaymentState.CAPTURED
