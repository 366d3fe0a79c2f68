"""Report which products sold best, each ranked within its category."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Max, OuterRef, Subquery, Sum, TextField, Value, Window
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Rank

from core.application.report_period import SOLD, Period
from core.domain.errors import InvalidInput
from core.models import OrderLine, Product
from core.models.expressions import Total


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSales:
    """What one product sold in one currency. Amounts in minor units.

    ``rank`` counts within category and currency, by total; those that sold the same share a rank.
    ``share`` is the product's part of what its category sold, from 0 to 1.
    """

    currency: str
    category: str
    rank: int
    sku: str
    name: str
    units: int
    total_minor: int
    share: float


def report_products(period: Period, *, top: int | None = None) -> tuple[ProductSales, ...]:
    """Return the products sold, by currency, category and rank; with ``top``, those up to a rank.

    A product counts in the first of its categories, as they are today. One statement.

    Raises:
        InvalidInput: a rank below 1.
    """
    if top is not None and top < 1:
        raise InvalidInput("Ranks begin at 1.", field="top")
    return tuple(
        ProductSales(
            currency=row["currency"],
            category=row["category"],
            rank=row["rank"],
            sku=row["sku"],
            name=row["sold_as"],
            units=row["units"],
            total_minor=row["total"],
            share=row["total"] / row["of_category"] if row["of_category"] else 0.0,
        )
        for row in _ranked(period, top)
    )


def _ranked(period: Period, top: int | None) -> Iterable[Mapping[str, Any]]:
    first = Product.objects.filter(pk=OuterRef("product_id")).values(first=KT("categories__0"))
    group = [F("currency"), F("category")]
    ranked = (
        OrderLine.objects.filter(
            order__status__in=SOLD,
            order__placed_at__gte=period.begins_at,
            order__placed_at__lt=period.ends_at,
        )
        .annotate(currency=F("order__currency"))
        .values("currency", "sku")
        .annotate(
            category=Coalesce(Max(Subquery(first[:1])), Value(""), output_field=TextField()),
            sold_as=Max("name"),
            units=Sum("quantity"),
            total=Sum("total_minor"),
        )
        .annotate(
            rank=Window(Rank(), partition_by=group, order_by=F("total").desc()),
            of_category=Window(Total(F("total")), partition_by=group),
        )
        .order_by("currency", "category", "rank", "sku")
    )
    return ranked if top is None else ranked.filter(rank__lte=top)
