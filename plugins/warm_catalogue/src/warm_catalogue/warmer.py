"""Which products a change touches, and what there is to know of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hookspecs import Catalogue, Event, OrderEvent, Product, ProductEvent, WarmerInfo
from warm_catalogue.settings import Settings


class Products:
    """Plans for the core's namespace `product`: after a change, and the whole catalogue in pages.

    The core loads its own namespaces itself; `load` gives the same facts as plain data, for a host
    that has no loader of its own for `product`.
    """

    def __init__(self, settings: Settings) -> None:
        self._page = settings.page
        self._info = WarmerInfo(
            namespace="product",
            label="Products",
            depends_on=frozenset({"product_changed", "order_placed", "order_cancelled"}),
            ttl=settings.ttl,
            stale_ttl=settings.stale_ttl,
            budget=settings.budget,
        )

    @property
    def info(self) -> WarmerInfo:
        """What it is."""
        return self._info

    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Iterable[str]:
        """Name the skus whose price, text or availability a change touches."""
        match change:
            case None:
                return self._all(catalogue)
            case ProductEvent():
                return change.skus
            case OrderEvent():
                return sorted({line.sku for line in change.order.lines})
            case _:
                return ()

    def _all(self, catalogue: Catalogue) -> Iterator[str]:
        after = ""
        while page := catalogue.skus(after=after, limit=self._page):
            yield from page
            after = page[-1]

    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        """Return the published ones of these products as plain data."""
        return {product.sku: _plain(product) for product in catalogue.products(keys)}


def _plain(product: Product) -> dict[str, Any]:
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
