"""The published products, with the prices that hold now, as doors and plugins read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from core.conf import conf
from core.domain.errors import NotFound, UnknownProduct
from core.domain.lifecycle import ProductStatus
from core.models import Category, Price
from core.models import Product as ProductRow
from hookspecs import Money, Product

_PAGE: Final = 500


def published_products(
    *,
    now: datetime,
    after: str = "",
    limit: int = 50,
    category: str = "",
    search: str = "",
    family: str = "",
    one_per_family: bool = False,
) -> tuple[Product, ...]:
    """Return published products in order of sku, those greater than ``after``.

    ``category`` is a name or a slug; what lies below it is in it. ``one_per_family`` shows of the
    variants that are found the first one only.
    """
    rows = ProductRow.objects.filter(status=ProductStatus.PUBLISHED)
    if search:
        rows = rows.filter(name__icontains=search)
    if category:
        named = Category.objects.filter(slug=category).values_list("name", flat=True).first()
        rows = rows.filter(categories__has_item=named or category)
    if family:
        rows = rows.filter(family__name=family)
    if one_per_family:
        # Whoever is published in a family is a variant: said here, an index of a few rows serves.
        kin = rows.exclude(variant="")
        rows = rows.filter(~Exists(kin.filter(family=OuterRef("family"), sku__lt=OuterRef("sku"))))
    page = rows.filter(sku__gt=after).order_by("sku")[: max(1, min(limit, _PAGE))]
    return products_seen(page.select_related("stock", "family"), now=now)


def published_product(sku: str, *, now: datetime) -> Product:
    """Return one published product.

    Raises:
        UnknownProduct: none has this sku, or it isn't published.
    """
    rows = ProductRow.objects.filter(status=ProductStatus.PUBLISHED, sku=sku)
    found = products_seen(rows.select_related("stock", "family"), now=now)
    if not found:
        raise UnknownProduct(f"There is no product {sku}.", sku=sku)
    return found[0]


def categories() -> Mapping[str, str]:
    """Return the categories in their order, each with the name of the one above it."""
    return Category.objects.tree().above


def category_list() -> list[dict[str, Any]]:
    """Return the categories in their order, with slug and parent."""
    rows = Category.objects.select_related("parent").order_by("position", "name")
    return [_category(row) for row in rows]


def category_shown(slug: str) -> dict[str, Any]:
    """Return one category.

    Raises:
        NotFound: none has this slug.
    """
    row = Category.objects.select_related("parent").filter(slug=slug).first()
    if row is None:
        raise NotFound("There is no such category.", field="slug")
    return _category(row)


def _category(row: Category) -> dict[str, Any]:
    parent = row.parent.name if row.parent else ""
    return {"name": row.name, "slug": row.slug, "parent": parent, "position": row.position}


def products_seen(rows: Iterable[ProductRow], *, now: datetime) -> tuple[Product, ...]:
    """Return published products, read with their stock and family, as plugins see them.

    Prices are those of the shop's currency; what has none there shows its own.
    """
    found = list(rows)
    listed = _listed([row.pk for row in found], now)
    return tuple(_seen(row, listed.get(row.pk, {})) for row in found)


def _listed(ids: Sequence[UUID], now: datetime) -> Mapping[UUID, dict[int, int]]:
    """Return by product what a unit costs from each quantity on; the dated price wins."""
    rows = Price.objects.filter(
        Q(valid_from__isnull=True) | Q(valid_from__lte=now),
        Q(valid_until__isnull=True) | Q(valid_until__gt=now),
        product_id__in=ids,
        currency=conf().currency,
    ).values_list("product_id", "from_quantity", "minor", "valid_from", "valid_until")
    tiers: dict[UUID, dict[int, int]] = {}
    for product_id, quantity, minor, *_ in sorted(rows, key=lambda row: any(row[3:])):
        tiers.setdefault(product_id, {})[quantity] = minor
    return tiers


def _seen(row: ProductRow, listed: Mapping[int, int]) -> Product:
    currency, tiers = conf().currency, dict(listed)
    if row.currency == currency and row.price_minor is not None:
        tiers.setdefault(1, row.price_minor)
    price = Money(tiers[1], currency) if 1 in tiers else Money(row.price_minor or 0, row.currency)
    shown = {n: Money(tiers[n], currency) for n in sorted(tiers)}
    return Product(
        sku=row.sku,
        name=row.name,
        price=price,
        available=row.stock.on_hand - row.stock.reserved,
        tax_class=row.tax_class,
        categories=frozenset(row.categories),
        attributes=row.attributes,
        description=row.description,
        picture=row.picture,
        family=row.family.name if row.family else "",
        variant=row.variant,
        tiers=shown if len(shown) > 1 else {},
    )
