"""Products and their stock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.db import connection, models
from django.db.models import F, Q
from pydantic_core import from_json, to_json

from core.domain.lifecycle import ProductStatus
from core.domain.lines import Shelved
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
        """Delete a product that was never published; return the rows deleted."""
        Stock.objects.filter(product__sku=sku, product__status=ProductStatus.DRAFT).delete()
        return self.filter(sku=sku, status=ProductStatus.DRAFT).delete()[0]

    # Queries

    def published(self) -> ProductQuerySet:
        """Return what can be bought."""
        return self.filter(status=ProductStatus.PUBLISHED)


class Product(Owned):
    """Something that is sold under a sku, with one price in one currency."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sku = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    description = models.TextField(default="", blank=True)
    picture = models.TextField(default="", blank=True)
    status = models.CharField(max_length=10, default=ProductStatus.DRAFT)
    price_minor = models.BigIntegerField()
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
            models.CheckConstraint(condition=Q(price_minor__gt=0), name="product_price_positive"),
            models.CheckConstraint(
                condition=Q(status__in=list(ProductStatus)), name="product_status_known"
            ),
        ]


class StockQuerySet(OwnedQuerySet["Stock"]):
    """Named moves of stock."""

    def receive(self, product_id: Any, quantity: int) -> int:
        """Add to what is on hand; the constraint refuses going below what is reserved."""
        return self.filter(product_id=product_id).update(on_hand=F("on_hand") + quantity)


class Stock(Owned):
    """How many units lie on the shelf, and how many of them are promised to orders."""

    product = models.OneToOneField(
        Product, on_delete=models.CASCADE, primary_key=True, related_name="stock"
    )
    on_hand = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)

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
    """Why stock came or went without an order: a delivery, a count, an import. Append-only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    quantity = models.BigIntegerField()
    reason = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
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
SELECT p.id, p.sku, p.name, p.status, p.price_minor, p.currency, p.tax_class, p.categories,
       s.on_hand - s.reserved
FROM orderloom_product p JOIN orderloom_stock s ON s.product_id = p.id
WHERE p.tenant_id = %s AND p.sku {among}
"""
_AMONG: Final = {
    "postgresql": "= ANY(%s)",
    "sqlite": "IN (SELECT value FROM json_each(%s))",
}


def read_shelf(*, tenant_id: int, skus: list[str]) -> dict[str, Shelved]:
    """Read what composing an order needs of its products, without a lock, in one statement."""
    vendor = connection.vendor
    among = skus if vendor == "postgresql" else to_json(skus).decode()
    with connection.cursor() as cursor:
        cursor.execute(_SHELF.format(among=_AMONG[vendor]), [tenant_id, among])
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
