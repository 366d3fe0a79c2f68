"""Sharing amounts exactly."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import round_half_up, spread, unit_amounts, units_minor

AMOUNTS = st.integers(0, 10**9)
WEIGHTS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.integers(0, 10**6), max_size=12
)


@given(AMOUNTS, WEIGHTS.filter(bool))
def test_shares_without_caps_add_up_and_are_less_than_a_unit_off(
    amount: int, weights: dict[str, int]
) -> None:
    shares = spread(amount=amount, weights=weights)

    assert sum(shares.values()) == amount
    total = sum(weights.values())
    for key, share in shares.items():
        exact = Fraction(amount * weights[key], total) if total else Fraction(amount, len(weights))
        assert abs(share - exact) < 1


@given(AMOUNTS, WEIGHTS.filter(bool), st.data())
def test_shares_stop_at_their_caps_and_the_rest_is_shared_again(
    amount: int, weights: dict[str, int], data: st.DataObject
) -> None:
    caps = {key: data.draw(st.integers(0, 10**8)) for key in weights}

    shares = spread(amount=amount, weights=weights, caps=caps)

    assert sum(shares.values()) == min(amount, sum(caps.values()))
    assert all(0 <= shares[key] <= caps[key] for key in weights)


@given(AMOUNTS, WEIGHTS.filter(bool), st.data())
def test_shares_among_those_not_full_keep_the_proportion_of_their_weights(
    amount: int, weights: dict[str, int], data: st.DataObject
) -> None:
    caps = {key: data.draw(st.integers(0, 10**6)) for key in weights}

    shares = spread(amount=amount, weights=weights, caps=caps)

    open_keys = [key for key in weights if shares[key] < caps[key] and weights[key]]
    for one in open_keys:
        for other in open_keys:
            exact = Fraction(shares[one] * weights[other], weights[one])
            per_unit = Fraction(weights[other], weights[one])
            assert abs(shares[other] - exact) <= 1 + per_unit


@given(AMOUNTS, WEIGHTS.filter(bool), st.randoms())
def test_shares_dont_depend_on_the_order_they_stand_in(
    amount: int, weights: dict[str, int], random: object
) -> None:
    keys = list(weights)
    random.shuffle(keys)  # type: ignore[attr-defined]

    shuffled = spread(amount=amount, weights={key: weights[key] for key in keys})

    assert shuffled == spread(amount=amount, weights=weights)


@pytest.mark.parametrize(
    ("amount", "weights", "caps", "expected"),
    [
        (100, {"a": 1, "b": 1, "c": 1}, None, {"a": 34, "b": 33, "c": 33}),
        (10, {"b": 0, "a": 0, "c": 0}, None, {"a": 4, "b": 3, "c": 3}),
        (0, {"a": 5}, None, {"a": 0}),
        (7, {}, None, {}),
        (100, {"a": 50, "b": 50}, {"a": 10, "b": 200}, {"a": 10, "b": 90}),
        (100, {"a": 50, "b": 50}, {"a": 10, "b": 20}, {"a": 10, "b": 20}),
        (100, {"a": 100, "b": 0, "c": 0}, {"a": 40, "b": 9, "c": 99}, {"a": 40, "b": 9, "c": 51}),
        (100, {"a": 0, "b": 0}, {"a": 10, "b": 99}, {"a": 10, "b": 90}),
        (5, {"a": 3, "b": 3}, {"a": 0, "b": 0}, {"a": 0, "b": 0}),
        (1, {"b": 7, "a": 7}, None, {"a": 1, "b": 0}),
    ],
)
def test_shares_by_table(
    amount: int, weights: dict[str, int], caps: dict[str, int] | None, expected: dict[str, int]
) -> None:
    assert spread(amount=amount, weights=weights, caps=caps) == expected


@given(AMOUNTS, st.integers(1, 200), st.data())
def test_units_refunded_in_any_parts_add_up_to_what_the_line_cost(
    amount: int, quantity: int, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, quantity), max_size=6)))
    borders = [0, *cuts, quantity]

    parts = [
        units_minor(amount=amount, quantity=quantity, start=start, stop=stop)
        for start, stop in pairwise(borders)
    ]

    assert sum(parts) == amount
    assert all(part >= 0 for part in parts)


@given(AMOUNTS, st.integers(1, 200))
def test_units_differ_by_one_minor_unit_at_most_and_the_first_cost_more(
    amount: int, quantity: int
) -> None:
    units = unit_amounts(amount=amount, quantity=quantity)

    assert sum(units) == amount
    assert max(units) - min(units) <= 1
    assert list(units) == sorted(units, reverse=True)
    assert units == tuple(
        units_minor(amount=amount, quantity=quantity, start=unit, stop=unit + 1)
        for unit in range(quantity)
    )


@pytest.mark.parametrize(
    ("start", "stop", "quantity"), [(-1, 1, 2), (0, 3, 2), (2, 1, 2), (0, 0, 0)]
)
def test_units_outside_the_line_are_refused(start: int, stop: int, quantity: int) -> None:
    with pytest.raises(ValueError, match="expected a part of the line"):
        units_minor(amount=10, quantity=quantity, start=start, stop=stop)


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [
        (5, 2, 3),
        (-5, 2, -3),
        (4, 3, 1),
        (5, 3, 2),
        (0, 7, 0),
        (1, 2, 1),
        (-1, 2, -1),
        (149, 100, 1),
    ],
)
def test_rounding_goes_half_up_by_magnitude(numerator: int, denominator: int, rounded: int) -> None:
    assert round_half_up(numerator, denominator) == rounded
