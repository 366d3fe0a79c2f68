"""The published products of the tenant at hand, as warmers read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from core.application.read_products import products_seen
from core.context import tenant
from core.domain.lifecycle import ProductStatus
from core.models import Product as ProductRow
from hookspecs import Product

__all__ = ["TenantCatalogue", "plain_product"]


@dataclass(frozen=True, slots=True)
class TenantCatalogue:
    """What the contract calls a Catalogue; prices are those that hold when it is made."""

    now: datetime = field(default_factory=timezone.now)

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
        return products_seen(rows.select_related("stock", "family").order_by("sku"), now=self.now)


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
        "family": product.family,
        "variant": product.variant,
        "tiers": {str(quantity): price.minor for quantity, price in product.tiers.items()},
    }
