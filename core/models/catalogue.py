"""Products with their prices and their stock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, models
from django.db.models import F, Q
from pydantic_core import from_json, to_json

from core.domain.lifecycle import ProductStatus
from core.domain.lines import Shelved
from core.models.assortment import Family
from core.models.ids import new_id
from core.models.sheet import Move
from core.models.tenancy import Owned, OwnedManager, OwnedQuerySet


class ProductQuerySet(OwnedQuerySet["Product"]):
    """Named reads and moves of products."""

    # Mutators

    def move(self, sku: str, target: ProductStatus, sources: Iterable[ProductStatus]) -> int:
        """Move a product if it stands in one of ``sources``; return the rows changed."""
        return self.filter(sku=sku, status__in=list(sources)).update(status=target)

    def delete_draft(self, sku: str) -> int:
        """Delete a product that was never published, with all that hangs on it; return how many.

        It is locked first, so that nobody publishes it meanwhile.
        """
        drafts = self.filter(sku=sku, status=ProductStatus.DRAFT).select_for_update()
        return sum(draft.delete()[0] for draft in drafts)

    # Queries

    def published(self) -> ProductQuerySet:
        """Return what can be bought."""
        return self.filter(status=ProductStatus.PUBLISHED)


class Product(Owned):
    """Something that is sold under a sku; a variant, where a family has several.

    ``price_minor`` is what one costs in ``currency`` unless a ``Price`` says otherwise; only what
    was never published may lack it. ``variant`` spells the values of the family's options.
    ``categories`` hold those above them as well.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sku = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    description = models.TextField(default="", blank=True)
    picture = models.TextField(default="", blank=True)
    status = models.CharField(max_length=10, default=ProductStatus.DRAFT)
    family = models.ForeignKey(
        Family, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    variant = models.CharField(max_length=200, default="", blank=True)
    price_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    tax_class = models.CharField(max_length=40, default="", blank=True)
    categories = models.JSONField(default=list, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)

    objects = OwnedManager.from_queryset(ProductQuerySet)()

    def __str__(self) -> str:
        return self.sku

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "sku"], name="product_sku_unique"),
            models.UniqueConstraint(fields=["tenant", "name"], name="product_name_unique"),
            models.UniqueConstraint(
                fields=["tenant", "family", "variant"],
                condition=~Q(variant=""),
                name="product_variant_unique",
            ),
            models.CheckConstraint(condition=Q(price_minor__gt=0), name="product_price_positive"),
            models.CheckConstraint(
                condition=~Q(status=ProductStatus.PUBLISHED) | Q(price_minor__isnull=False),
                name="product_published_has_price",
            ),
            models.CheckConstraint(
                condition=Q(status__in=list(ProductStatus)), name="product_status_known"
            ),
        ]


class Price(Owned):
    """What one of a product costs beside its own price.

    In another currency, from a quantity on, or for a time: ``valid_from`` belongs to it,
    ``valid_until`` no longer. Of one currency and quantity no two hold at one moment; that is
    seen to while the product is locked, since no constraint says it on both databases.
    """

    id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, related_name="prices", db_index=False
    )
    currency = models.CharField(max_length=3)
    from_quantity = models.BigIntegerField(default=1)
    minor = models.BigIntegerField()
    valid_from = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    def __str__(self) -> str:
        return f"from {self.from_quantity}"

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(minor__gt=0), name="price_positive"),
            models.CheckConstraint(condition=Q(from_quantity__gte=1), name="price_quantity"),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_until__isnull=True)
                | Q(valid_until__gt=F("valid_from")),
                name="price_ends_after_it_begins",
            ),
        ]
        indexes = [
            models.Index(fields=["product", "currency", "from_quantity"], name="price_of_product"),
        ]


class StockQuerySet(OwnedQuerySet["Stock"]):
    """Named moves of stock."""

    def receive(self, product_id: Any, quantity: int) -> int:
        """Add to what is on hand; the constraint refuses going below what is reserved."""
        return self.filter(product_id=product_id).update(on_hand=F("on_hand") + quantity)


class Stock(Owned):
    """How many units lie on the shelf, and how many of them are promised to orders.

    ``opening`` is what there was to begin with: with receipts and what was shipped it accounts
    for ``on_hand``.
    """

    product = models.OneToOneField(
        Product, on_delete=models.CASCADE, primary_key=True, related_name="stock"
    )
    on_hand = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)
    opening = models.BigIntegerField(default=0)

    objects = OwnedManager.from_queryset(StockQuerySet)()

    def __str__(self) -> str:
        return str(self.product)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reserved__gte=0) & Q(on_hand__gte=F("reserved")),
                name="stock_reserved_within_on_hand",
            ),
        ]


class StockReceipt(Owned):
    """Why stock came or went without an order: a delivery, a count, an import. Append-only.

    ``counted`` is what a count found, where ``quantity`` is the difference that it made.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    quantity = models.BigIntegerField()
    counted = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=200)
    key = models.CharField(max_length=300)
    received_at = models.DateTimeField()

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="stock_receipt_key_unique"),
        ]


RESERVE: Final = Move(
    model=Stock,
    key="product_id",
    sets=(("reserved", "t.reserved + r.reserved"),),
    when="t.on_hand - t.reserved >= r.reserved",
    rule="stock_available",
)
"""Promise units to an order, if as many are free. Rows bring ``product_id`` and ``reserved``."""

RELEASE: Final = Move(
    model=Stock,
    key="product_id",
    sets=(("reserved", "t.reserved - r.reserved"),),
    when="t.reserved >= r.reserved",
    rule="stock_reserved",
)
"""Take a promise back."""

SHIP: Final = Move(
    model=Stock,
    key="product_id",
    sets=(("reserved", "t.reserved - r.reserved"), ("on_hand", "t.on_hand - r.reserved")),
    when="t.reserved >= r.reserved",
    rule="stock_reserved",
)
"""Let promised units leave the shelf."""

_SHELF: Final = """
SELECT p.id, p.sku, p.name, p.status, coalesce(p.quoted, p.price_minor, 0),
       CASE WHEN p.quoted IS NULL THEN p.currency ELSE %s END, p.tax_class, p.categories, p.free
FROM (SELECT p.*, s.on_hand - s.reserved AS free, (
        SELECT q.minor FROM orderloom_price q
        WHERE q.product_id = p.id AND q.currency = %s AND q.from_quantity <= w.quantity
          AND (q.valid_from IS NULL OR q.valid_from <= %s)
          AND (q.valid_until IS NULL OR q.valid_until > %s)
        ORDER BY q.from_quantity DESC, q.valid_from IS NULL AND q.valid_until IS NULL
        LIMIT 1) AS quoted
      FROM {wanted} JOIN orderloom_product p ON p.tenant_id = %s AND p.sku = w.sku
      JOIN orderloom_stock s ON s.product_id = p.id) p
"""
_WANTED: Final = {
    "postgresql": "unnest(%s::text[], %s::bigint[]) AS w(sku, quantity)",
    "sqlite": "(SELECT key AS sku, value AS quantity FROM json_each(%s)) AS w",
}


def read_shelf(
    *, tenant_id: int, units: Mapping[str, int], currency: str, now: datetime
) -> dict[str, Shelved]:
    """Read what composing an order needs of its products, without a lock, in one statement.

    ``units`` are the skus with how many of each an order takes. A price is the one in the currency
    for that many at ``now``: of the greatest quantity reached, a dated one before one that always
    holds, the product's own where there is none. Where it has none in the currency, it comes with
    its own price and currency.
    """
    vendor, moment = connection.vendor, connection.ops.adapt_datetimefield_value(now)
    wanted = (
        [list(units), list(units.values())] if vendor == "postgresql" else [to_json(units).decode()]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _SHELF.format(wanted=_WANTED[vendor]),
            [currency, currency, moment, moment, *wanted, tenant_id],
        )
        rows = cursor.fetchall()
    return {
        row[1]: Shelved(
            product_id=row[0] if isinstance(row[0], UUID) else UUID(row[0]),
            sku=row[1],
            name=row[2],
            status=row[3],
            price_minor=row[4],
            currency=row[5],
            tax_class=row[6],
            categories=frozenset(from_json(row[7])),
            available=row[8],
        )
        for row in rows
    }
