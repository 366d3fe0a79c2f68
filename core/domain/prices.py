"""Prices beside a product's own: in other currencies, from a quantity on, for a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from core.domain.errors import InvalidInput, Refusal
from core.domain.lines import MAX_MINOR, MAX_QUANTITY
from core.domain.products import PriceNotPositive
from hookspecs import Money

MAX_PRICES: Final = 500
"""Prices of one product; more is a mistake in the data."""


class PricesOverlap(Refusal):
    """Two prices for the same currency and quantity hold at one moment."""

    code = "PRICES_OVERLAP"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPrice:
    """What one costs from ``from_quantity`` on, from one moment until another, or always."""

    currency: str
    from_quantity: int = 1
    minor: int
    valid_from: datetime | None = None
    valid_until: datetime | None = None


def check_prices(prices: Sequence[ListedPrice]) -> None:
    """Refuse a list in which a price can't be, or two hold at one moment.

    A price without times and one with times may stand side by side: the one with times wins.

    Raises:
        InvalidInput: no currency, no quantity, times the wrong way round, or too many prices.
        PriceNotPositive: a price isn't at least one minor unit.
        PricesOverlap: two for the same currency and quantity hold at one moment.
    """
    if len(prices) > MAX_PRICES:
        raise InvalidInput(f"A product has {MAX_PRICES} prices at most.", field="prices")
    for price in prices:
        _check(price)
    kinds: dict[tuple[str, int, bool], list[ListedPrice]] = {}
    for price in prices:
        dated = price.valid_from is not None or price.valid_until is not None
        kinds.setdefault((price.currency, price.from_quantity, dated), []).append(price)
    for (currency, quantity, _), same in kinds.items():
        same.sort(key=lambda one: (one.valid_from is not None, one.valid_from))
        for earlier, later in pairwise(same):
            if _meet(earlier, later):
                raise PricesOverlap(
                    f"Two prices in {currency} from {quantity} on hold at one moment.",
                    currency=currency,
                    from_quantity=quantity,
                )


def _meet(earlier: ListedPrice, later: ListedPrice) -> bool:
    begins, ends = later.valid_from, earlier.valid_until
    return begins is None or ends is None or begins < ends


def _check(price: ListedPrice) -> None:
    try:
        Money(price.minor, price.currency)
    except ValueError as exc:
        raise InvalidInput(f"{exc}.", field="prices") from None
    if not 1 <= price.from_quantity <= MAX_QUANTITY:
        raise InvalidInput(
            f"A price holds from a quantity of 1 or more on, not {price.from_quantity}.",
            field="from_quantity",
        )
    times = [time for time in (price.valid_from, price.valid_until) if time is not None]
    if any(time.tzinfo is None for time in times):
        raise InvalidInput("The times of a price need a time zone.", field="valid_from")
    if len(times) == 2 and times[0] >= times[1]:
        raise InvalidInput("A price has to begin before it ends.", field="valid_until")
    if not 1 <= price.minor <= MAX_MINOR:
        raise PriceNotPositive(
            f"A price has to be above zero, not {Money(price.minor, price.currency)}.",
            field="prices",
        )
