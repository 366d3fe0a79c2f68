"""Which products are the cheapest, and when that may have changed."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from hookspecs import Catalogue, Event, Product, WarmerInfo
from warm_bargains.settings import Settings

_CHANGES = frozenset({"product_changed", "order_placed", "order_cancelled"})


class Warmer:
    """One key per currency: any change of price or stock may touch each list."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def info(self) -> WarmerInfo:
        """What it keeps warm, and for how long."""
        return WarmerInfo(
            namespace="bargains",
            label="Bargains",
            depends_on=_CHANGES,
            ttl=timedelta(minutes=10),
            stale_ttl=timedelta(hours=1),
        )

    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Iterable[str]:
        """Name every list."""
        return self._settings.currencies

    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        """Return each list, the cheapest first."""
        return {
            key: [
                {"sku": product.sku, "name": product.name, "price_minor": product.price.minor}
                for product in self._cheapest(key, catalogue)
            ]
            for key in keys
        }

    def _cheapest(self, currency: str, catalogue: Catalogue) -> list[Product]:
        buyable = (
            product
            for product in _all(catalogue)
            if product.available > 0 and product.price.currency == currency
        )
        return heapq.nsmallest(
            self._settings.size, buyable, key=lambda product: (product.price.minor, product.sku)
        )


def _all(catalogue: Catalogue) -> Iterator[Product]:
    after = ""
    while skus := catalogue.skus(after=after, limit=500):
        yield from catalogue.products(skus)
        after = skus[-1]
