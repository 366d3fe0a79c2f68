"""Report sales by day, with running totals and a moving average, each currency for itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import Count, F, Min, Q, Sum, Window
from django.db.models.functions import TruncDate

from core.application.report_period import SOLD, Period
from core.domain.errors import InvalidInput
from core.domain.money import round_half_up
from core.models import Order
from core.models.expressions import DayNumber, PastDays, Total

_MOST_DAYS: Final = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesOfDay:
    """What was sold on one day. Amounts in minor units of ``currency``.

    ``running_minor`` adds up ``total_minor`` from the report's first day; ``average_minor`` is the
    mean total of the last days, rounded half up: days without a sale and days before the report
    are among them.
    """

    currency: str
    day: date
    orders: int
    goods_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    running_minor: int
    average_minor: int


def report_sales(period: Period, *, average_days: int = 7) -> tuple[SalesOfDay, ...]:
    """Return the days on which something was sold, by currency and day, in one statement.

    A sale belongs to the day on which its order was placed; what is given back later isn't taken
    off. The average moves over ``average_days``, the day itself included.

    Raises:
        InvalidInput: the average is over less than one day, or over more than a year.
    """
    if not 1 <= average_days <= _MOST_DAYS:
        raise InvalidInput(f"An average is over 1 to {_MOST_DAYS} days.", field="average_days")
    return tuple(
        SalesOfDay(
            currency=row["currency"],
            day=row["day"],
            orders=row["orders"],
            goods_minor=row["goods"],
            shipping_minor=row["shipping"],
            tax_minor=row["tax"],
            total_minor=row["total"],
            running_minor=row["running"],
            average_minor=round_half_up(row["moving"], average_days),
        )
        for row in _days(period, average_days)
        if row["day"] >= period.since
    )


def _days(period: Period, average_days: int) -> Iterable[Mapping[str, Any]]:
    """The first average looks back at days before the report; the running total doesn't.

    Windows go over aggregates only: a parameter of a grouped expression, such as the time zone,
    would be another one in the window, and PostgreSQL wouldn't know the group again.
    """
    earliest = period.moment(period.since - timedelta(days=average_days - 1))
    day = TruncDate("placed_at", tzinfo=period.time_zone)
    per_currency: dict[str, Any] = {"partition_by": F("currency"), "order_by": F("number").asc()}
    return (
        Order.objects.filter(status__in=SOLD, placed_at__gte=earliest, placed_at__lt=period.ends_at)
        .annotate(day=day)
        .values("currency", "day")
        .annotate(
            number=Min(DayNumber(day)),
            orders=Count("id"),
            goods=Sum("goods_minor"),
            shipping=Sum("shipping_minor"),
            tax=Sum("tax_minor"),
            total=Sum("total_minor"),
            reported=Sum("total_minor", filter=Q(placed_at__gte=period.begins_at)),
        )
        .annotate(
            running=Window(Total(F("reported")), **per_currency),
            moving=Window(Total(F("total")), frame=PastDays(average_days), **per_currency),
        )
        .order_by("currency", "day")
    )
