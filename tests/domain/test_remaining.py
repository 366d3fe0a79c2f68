"""How much may be taken and given back, as tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import errors
from core.domain.payments import Folded, fold
from core.domain.remaining import (
    Part,
    part_to_capture,
    parts_to_refund,
    spread,
    to_capture,
    to_refund,
)
from hookspecs import Fact, FactKind, Feature, Money

ALL = frozenset(Feature)
HELD, CLOSED = FactKind.AUTHORIZED, FactKind.AUTHORIZATION_CLOSED
TAKEN, TAKING, REVERSED = FactKind.CAPTURED, FactKind.CAPTURE_PENDING, FactKind.CAPTURE_REVERSED
BACK, GOING_BACK, SENT_BACK = FactKind.REFUNDED, FactKind.REFUND_PENDING, FactKind.REFUND_FAILED

Said = tuple[FactKind, str, int] | tuple[FactKind, str, int, str]


def folded(*said: Said) -> Folded:
    """Fold facts written as kind, object, minor units and parent."""
    facts = [
        Fact(
            kind=kind,
            object_id=named,
            amount=Money(minor, "EUR"),
            parent_id=parent[0] if parent else None,
        )
        for kind, named, minor, *parent in said
    ]
    return fold(facts, asked=Money(1000, "EUR"), account=None)


def whole(parts: tuple[Part, ...]) -> list[tuple[str, int, int]]:
    return [(part.object_id, part.minor, part.whole) for part in parts]


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ((), []),
        (((HELD, "a", 1000),), [("a", 1000, 1000)]),
        (((HELD, "a", 1000), (CLOSED, "a", 0)), []),
        (((HELD, "a", 1000), (TAKEN, "c", 400, "a")), [("a", 600, 1000)]),
        (((HELD, "a", 1000), (TAKING, "c", 400, "a")), [("a", 600, 1000)]),
        (((HELD, "a", 1000), (REVERSED, "c", 400, "a")), [("a", 600, 1000)]),
        (((HELD, "a", 1000), (FactKind.CAPTURE_FAILED, "c", 400, "a")), [("a", 1000, 1000)]),
        (((HELD, "a", 1000), (TAKEN, "c", 1000, "a")), []),
        (((HELD, "a", 1000), (TAKEN, "c", 1001, "a")), []),
        (((HELD, "a", 1000), (TAKEN, "c", 400, "other")), [("a", 1000, 1000)]),
        (((FactKind.APPROVED, "o", 1000), (HELD, "a", 1000)), [("a", 1000, 1000)]),
    ],
)
def test_what_is_held_is_what_captures_left(
    said: tuple[Said, ...], left: list[tuple[str, int, int]]
) -> None:
    assert whole(to_capture(folded(*said))) == left


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (((TAKEN, "c", 900),), [("c", 900, 900)]),
        (((TAKING, "c", 900),), []),
        (((TAKEN, "c", 900), (BACK, "r", 300, "c")), [("c", 600, 900)]),
        (((TAKEN, "c", 900), (GOING_BACK, "r", 300, "c")), [("c", 600, 900)]),
        (((TAKEN, "c", 900), (SENT_BACK, "r", 300, "c")), [("c", 900, 900)]),
        (((TAKEN, "c", 900), (FactKind.DISPUTE_OPENED, "d", 300, "c")), [("c", 600, 900)]),
        (((TAKEN, "c", 900), (FactKind.DISPUTE_LOST, "d", 300, "c")), [("c", 600, 900)]),
        (((TAKEN, "c", 900), (FactKind.DISPUTE_WON, "d", 300, "c")), [("c", 900, 900)]),
        (((TAKEN, "c", 900), (BACK, "r", 900, "c")), []),
    ],
)
def test_what_can_go_back_is_what_refunds_and_disputes_left(
    said: tuple[Said, ...], left: list[tuple[str, int, int]]
) -> None:
    assert whole(to_refund(folded(*said))) == left


TWO = folded((HELD, "a", 300), (HELD, "b", 700))
USED = folded((HELD, "a", 1000), (TAKEN, "c", 400, "a"))


@pytest.mark.parametrize(
    ("after", "minor", "final", "features", "taken"),
    [
        (TWO, None, True, (), ("b", 700)),
        (TWO, 700, True, (), ("b", 700)),
        (TWO, 700, False, (), ("b", 700)),
        (TWO, 1, True, (Feature.PARTIAL_CAPTURE,), ("b", 1)),
        (TWO, 1, False, (Feature.PARTIAL_CAPTURE, Feature.MULTIPLE_CAPTURES), ("b", 1)),
        (TWO, 701, True, ALL, errors.AmountTooHigh),
        (TWO, 0, True, ALL, errors.InvalidInput),
        (TWO, -1, True, ALL, errors.InvalidInput),
        (TWO, 1, True, ALL - {Feature.PARTIAL_CAPTURE}, errors.FeatureMissing),
        (TWO, 1, False, ALL - {Feature.MULTIPLE_CAPTURES}, errors.FeatureMissing),
        (USED, None, True, ALL - {Feature.MULTIPLE_CAPTURES}, errors.FeatureMissing),
        (USED, None, True, (Feature.MULTIPLE_CAPTURES,), ("a", 600)),
        (folded(), None, True, ALL, errors.NothingToCapture),
    ],
)
def test_a_capture_is_within_one_authorisation_and_its_features(
    after: Folded, minor: int | None, final: bool, features: Any, taken: Any
) -> None:
    found: Any
    try:
        part = part_to_capture(after, minor=minor, final=final, features=features)
        found = (part.object_id, part.minor)
        assert part.whole == {"a": 1000, "b": 700}[part.object_id]
    except errors.Refusal as refusal:
        found = type(refusal)

    assert found == taken


PAIR = folded((TAKEN, "c", 400), (TAKEN, "d", 500))
PARTLY = folded((TAKEN, "c", 900), (BACK, "r", 300, "c"))
LOOSE = folded((TAKEN, "c", 900), (BACK, "r", 300))


@pytest.mark.parametrize(
    ("after", "minor", "features", "given"),
    [
        (PAIR, None, (), [("c", 400), ("d", 500)]),
        (PAIR, 900, (), [("c", 400), ("d", 500)]),
        (PAIR, 400, (), [("c", 400)]),
        (PAIR, 450, ALL, [("d", 450)]),
        (PAIR, 401, ALL, [("d", 401)]),
        (PAIR, 501, ALL, [("c", 400), ("d", 101)]),
        (PAIR, 901, ALL, errors.AmountTooHigh),
        (PAIR, 0, ALL, errors.InvalidInput),
        (PAIR, 399, (), errors.FeatureMissing),
        (PARTLY, None, ALL, [("c", 600)]),
        (PARTLY, None, (), errors.FeatureMissing),
        (LOOSE, None, ALL, [("c", 600)]),
        (folded((TAKEN, "c", 1)), None, (), [("c", 1)]),
        (LOOSE, 601, ALL, errors.AmountTooHigh),
        (folded(), None, ALL, errors.NothingToRefund),
        (folded((TAKEN, "c", 9), (BACK, "r", 9, "c")), None, ALL, errors.NothingToRefund),
    ],
)
def test_a_refund_is_borne_by_captures_and_their_features(
    after: Folded, minor: int | None, features: Any, given: Any
) -> None:
    found: Any
    try:
        parts = parts_to_refund(after, minor=minor, features=features)
        found = [(part.object_id, part.minor) for part in parts]
    except errors.Refusal as refusal:
        found = type(refusal)

    assert found == given


@pytest.mark.parametrize(
    ("refused", "code", "text", "details"),
    [
        (
            lambda: part_to_capture(folded(), minor=1, final=True, features=ALL),
            "NOTHING_TO_CAPTURE",
            "Nothing that was authorised is left to capture.",
            {},
        ),
        (
            lambda: parts_to_refund(folded(), minor=1, features=ALL),
            "NOTHING_TO_REFUND",
            "Nothing that was paid is left to give back.",
            {},
        ),
        (
            lambda: parts_to_refund(PAIR, minor=0, features=ALL),
            "INVALID_INPUT",
            "An amount is at least one minor unit.",
            {"field": "amount"},
        ),
        (
            lambda: parts_to_refund(PAIR, minor=901, features=ALL),
            "AMOUNT_TOO_HIGH",
            "901 is more than what is left: 900.",
            {"amount_minor": 901, "most_minor": 900},
        ),
        (
            lambda: parts_to_refund(PAIR, minor=1, features=()),
            "FEATURE_NOT_SUPPORTED",
            "This way to pay has no partial refund.",
            {"feature": "PARTIAL_REFUND"},
        ),
    ],
)
def test_a_refusal_says_why(
    refused: Callable[[], object], code: str, text: str, details: dict[str, Any]
) -> None:
    with pytest.raises(errors.Refusal) as refusal:
        refused()

    assert (refusal.value.code, refusal.value.text) == (code, text)
    assert refusal.value.details == details


@given(
    captures=st.lists(st.integers(1, 500), min_size=1, max_size=5),
    data=st.data(),
)
def test_parts_add_up_and_no_capture_bears_more_than_it_has(
    captures: list[int], data: st.DataObject
) -> None:
    after = folded(*((TAKEN, f"c{i}", minor) for i, minor in enumerate(captures)))
    minor = data.draw(st.integers(1, sum(captures)))

    parts = spread(after, minor=minor)

    assert sum(part.minor for part in parts) == minor
    assert all(0 < part.minor <= captures[int(part.object_id[1:])] for part in parts)
    assert len({part.object_id for part in parts}) == len(parts)
