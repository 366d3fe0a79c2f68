"""Report how fast the stock of each product turns over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce

from core.application.report_period import Period
from core.domain.lifecycle import StockState
from core.models import OrderLine, Stock, StockReceipt

_HOLDS: Final = (StockState.HELD, StockState.KEPT, StockState.SHIPPED)
_ZERO: Final = {"during": 0, "after": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class StockTurnover:
    """One product over a period, in units that were free to sell.

    ``turnover`` is how often the mean of opening and closing stock was sold; ``days_left`` how
    long the closing stock lasts at the period's pace. None where that can't be said: nothing lay
    there, or nothing sold.
    """

    sku: str
    name: str
    opening: int
    received: int
    sold: int
    closing: int
    turnover: float | None
    days_left: float | None


def report_stock(period: Period) -> Iterator[StockTurnover]:
    """Yield every product by sku, in three statements.

    Stock is told backwards from what is free today: a receipt counts when it was booked, an order
    when it was placed, and one that was cancelled or has expired not at all.
    """
    sold = _moved(OrderLine.objects.filter(order__stock__in=_HOLDS), "order__placed_at", period)
    received = _moved(StockReceipt.objects.all(), "received_at", period)
    days = (period.until - period.since).days
    rows = Stock.objects.order_by("product__sku").values_list(
        "product_id", "product__sku", "product__name", F("on_hand") - F("reserved")
    )
    for product_id, sku, name, free in rows.iterator():
        out, came = sold.get(product_id, _ZERO), received.get(product_id, _ZERO)
        closing = free + out["after"] - came["after"]
        opening = closing + out["during"] - came["during"]
        lay = opening + closing
        yield StockTurnover(
            sku=sku,
            name=name,
            opening=opening,
            received=came["during"],
            sold=out["during"],
            closing=closing,
            turnover=round(2 * out["during"] / lay, 2) if lay > 0 else None,
            days_left=round(closing * days / out["during"], 1) if out["during"] else None,
        )


def _moved(rows: Any, moment: str, period: Period) -> Mapping[UUID, Mapping[str, int]]:
    """Return the units moved during the period and after it, by product."""
    began: datetime = period.begins_at
    during = Q(**{f"{moment}__lt": period.ends_at})
    summed = (
        rows.filter(**{f"{moment}__gte": began})
        .values("product_id")
        .annotate(
            during=Coalesce(Sum("quantity", filter=during), 0),
            after=Coalesce(Sum("quantity", filter=~during), 0),
        )
    )
    return {row["product_id"]: row for row in summed}
