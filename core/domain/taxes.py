"""The sum behind a tax rate: included or added, rounded per line or by sum, exact either way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from math import lcm

from core.domain.money import round_half_up
from hookspecs import Tax


class TaxRounding(StrEnum):
    """Where a tax is rounded half up: on every line, or once on the sum of a code and rate."""

    PER_LINE = "PER_LINE"
    BY_SUM = "BY_SUM"


def levied(
    *,
    taxes: Sequence[Tax],
    amounts: Mapping[str, int],
    included: bool,
    rounding: TaxRounding,
) -> list[int]:
    """Return the tax of each of `taxes`, in minor units, in their order.

    Included tax is amount · rate / (100 + the sum of the target's rates), added tax is
    amount · rate / 100.

    Args:
        taxes: every code at most once per target.
        amounts: by target, in minor units, at least 0.
        included: whether the amounts hold the tax already.
        rounding: BY_SUM rounds the sum of a code and rate, and shares it by largest remainder.

    """
    if not taxes:
        return []
    scale, rates = _whole_rates(taxes)
    hundred = 100 * scale
    divisors = _divisors(taxes, rates, hundred) if included else dict.fromkeys(amounts, hundred)
    if rounding is TaxRounding.PER_LINE:
        return [
            round_half_up(amounts[tax.target] * rates[tax.rate], divisors[tax.target])
            for tax in taxes
        ]
    return _by_sum(taxes, amounts, rates, divisors)


def _whole_rates(taxes: Sequence[Tax]) -> tuple[int, dict[Decimal, int]]:
    """Return every rate as a whole number of 1/scale per cent."""
    ratios = {tax.rate: tax.rate.as_integer_ratio() for tax in taxes}
    scale = lcm(*(below for _, below in ratios.values()))
    return scale, {rate: above * (scale // below) for rate, (above, below) in ratios.items()}


def _divisors(taxes: Sequence[Tax], rates: Mapping[Decimal, int], hundred: int) -> dict[str, int]:
    divisors: dict[str, int] = {}
    for tax in taxes:
        divisors[tax.target] = divisors.get(tax.target, hundred) + rates[tax.rate]
    return divisors


def _by_sum(
    taxes: Sequence[Tax],
    amounts: Mapping[str, int],
    rates: Mapping[Decimal, int],
    divisors: Mapping[str, int],
) -> list[int]:
    groups: dict[tuple[str, Decimal], dict[str, int]] = {}
    for position, tax in enumerate(taxes):
        groups.setdefault((tax.code, tax.rate), {})[str(tax.target)] = position
    levies = [0] * len(taxes)
    for (_, rate), positions in groups.items():
        below = lcm(*(divisors[target] for target in positions))
        exact = {
            target: amounts[target] * rates[rate] * (below // divisors[target])
            for target in positions
        }
        whole = round_half_up(sum(exact.values()), below)
        for target, share in _shared(whole, exact, below).items():
            levies[positions[target]] = share
    return levies


def _shared(whole: int, exact: Mapping[str, int], below: int) -> dict[str, int]:
    """Share a rounded sum: each target has its whole units, the largest remainders one more.

    In proportion to the rounded sum a share could be a unit off its own exact tax.
    """
    shares = {target: above // below for target, above in exact.items()}
    missing = whole - sum(shares.values())
    largest = sorted(exact, key=lambda target: (-(exact[target] % below), target))
    for target in largest[:missing]:
        shares[target] += 1
    return shares
