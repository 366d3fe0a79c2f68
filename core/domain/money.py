"""Exact sharing of amounts: over lines by largest remainder, and over the units of a line."""

from __future__ import annotations

from collections.abc import Mapping


def spread(
    *, amount: int, weights: Mapping[str, int], caps: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Share `amount` minor units by largest remainder, in proportion to `weights`.

    A share never exceeds its cap: what is full stays so, and the rest is shared again among the
    others. Weights that are all 0 share evenly. The shares add up to `amount`, or to the sum of
    the caps if that is less; while no cap binds, each is less than one unit off the exact share.
    Ties go by key, so the order of the mapping can't matter.

    Args:
        amount: what to share, in minor units, at least 0.
        weights: by key, each at least 0.
        caps: by the same keys, each at least 0; without them nothing is capped.

    """
    shares = dict.fromkeys(weights, 0)
    still = list(weights)
    if caps is not None:
        amount, still = _fill(amount, weights, caps, shares)
    if not amount or not still:
        return shares
    weigh = sum(weights[key] for key in still)
    rests: list[tuple[int, str]] = []
    missing = amount
    for key in still:
        share, rest = divmod(amount * weights[key], weigh) if weigh else divmod(amount, len(still))
        shares[key] = share
        missing -= share
        rests.append((-rest, key))
    if missing:
        rests.sort()
        for _, key in rests[:missing]:
            shares[key] += 1
    return shares


def _fill(
    amount: int, weights: Mapping[str, int], caps: Mapping[str, int], shares: dict[str, int]
) -> tuple[int, list[str]]:
    """Fix whatever reaches its cap; return what is left to share, and among whom."""
    still = [key for key in weights if caps[key] > 0]
    left = min(amount, sum(caps[key] for key in still))
    while left and still:
        weigh = sum(weights[key] for key in still)
        if weigh:
            full = {key for key in still if left * weights[key] >= caps[key] * weigh}
        else:
            full = {key for key in still if left >= caps[key] * len(still)}
        if not full:
            break
        for key in full:
            shares[key] = caps[key]
            left -= caps[key]
        still = [key for key in still if key not in full]
    return left, still


def round_half_up(numerator: int, denominator: int, /) -> int:
    """Return the quotient rounded half up by magnitude, then signed; the denominator is above 0."""
    share = (2 * abs(numerator) + denominator) // (2 * denominator)
    return share if numerator >= 0 else -share


def units_minor(*, amount: int, quantity: int, start: int, stop: int) -> int:
    """Return what the units `start` … `stop - 1` of a line cost, in minor units, counted from 0.

    Each unit costs ⌊amount / quantity⌋, the first (amount mod quantity) one more, and the answer
    is a difference of cumulative sums: parts always add up to the whole.

    Raises:
        ValueError: the units aren't within 0 … quantity.

    """
    if not 0 <= start <= stop <= quantity or quantity < 1:
        raise ValueError(f"units {start} to {stop} of {quantity}: expected a part of the line")
    each, extra = divmod(amount, quantity)
    return each * (stop - start) + min(stop, extra) - min(start, extra)


def unit_amounts(*, amount: int, quantity: int) -> tuple[int, ...]:
    """Return what each unit of a line costs, in minor units; they add up to `amount`."""
    each, extra = divmod(amount, quantity)
    return tuple(each + 1 if unit < extra else each for unit in range(quantity))
