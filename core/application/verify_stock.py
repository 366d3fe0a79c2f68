"""Compare the stock counters with the orders and receipts that account for them."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import tenant
from core.models import Stock
from core.models.accounts import StockDifference, differing_stock


@dataclass(frozen=True, slots=True, kw_only=True)
class StockVerified:
    """How many products were looked at, and those whose counters are wrong."""

    products: int
    differences: tuple[StockDifference, ...]


def verify_stock() -> StockVerified:
    """Say where counters and rows disagree; nothing is changed.

    ``reserved`` has to be what orders hold or keep, ``on_hand`` what there was to begin with, plus
    receipts, less what was shipped.
    """
    return StockVerified(
        products=Stock.objects.count(), differences=tuple(differing_stock(tenant().id))
    )
