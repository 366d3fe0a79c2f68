"""The published products of the tenant at hand, as warmers read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.application.queries import product_seen
from core.context import tenant
from core.domain.lifecycle import ProductStatus
from core.models import Product as ProductRow
from hookspecs import Product

__all__ = ["TenantCatalogue", "plain_product"]


@dataclass(frozen=True, slots=True)
class TenantCatalogue:
    """What the contract calls a Catalogue: two reads, each one statement."""

    @property
    def tenant(self) -> str:
        """Whose products these are."""
        return tenant().slug

    def skus(self, *, after: str = "", limit: int = 1000) -> Sequence[str]:
        """Return published skus in order, those greater than `after`."""
        published = ProductRow.objects.filter(status=ProductStatus.PUBLISHED, sku__gt=after)
        return list(published.order_by("sku").values_list("sku", flat=True)[: max(1, limit)])

    def products(self, skus: Iterable[str], /) -> Sequence[Product]:
        """Return the published ones of these, in order of sku."""
        rows = ProductRow.objects.filter(status=ProductStatus.PUBLISHED, sku__in=set(skus))
        return [product_seen(row) for row in rows.select_related("stock").order_by("sku")]


def plain_product(product: Product) -> dict[str, Any]:
    """Return a product as the core's own cache `product` holds it."""
    return {
        "sku": product.sku,
        "name": product.name,
        "price_minor": product.price.minor,
        "currency": product.price.currency,
        "available": product.available,
        "tax_class": product.tax_class,
        "categories": sorted(product.categories),
        "attributes": dict(product.attributes),
        "description": product.description,
        "picture": product.picture,
    }
