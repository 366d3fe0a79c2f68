"""A catalogue in memory for warmers: it counts how it is read, and can change under way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from hookspecs import Money, Product

__all__ = ["ShelfCatalogue", "a_product", "stocked"]

_MOST: Final = 1000


def a_product(sku: str, minor: int = 1999, *, currency: str = "EUR", available: int = 3) -> Product:
    """Return a product that can be bought."""
    return Product(
        sku=sku,
        name=f"Product {sku}",
        price=Money(minor, currency),
        available=available,
        tax_class="standard",
        categories=frozenset({"tea", "gifts"}),
        attributes=MappingProxyType({"size": "L"}),
        description=f"All about {sku}",
    )


@dataclass(slots=True)
class ShelfCatalogue:
    """The published products of one tenant, in order of sku, as the core's catalogue gives them.

    ``skus_read`` and ``products_read`` count what was handed out, ``calls`` how often it was asked;
    ``on_read`` is called before each answer and may take products away or put others there.
    """

    shelf: dict[str, Product] = field(default_factory=dict)
    tenant: str = "default"
    on_read: Callable[[ShelfCatalogue], None] = lambda _: None
    calls: int = 0
    skus_read: int = 0
    products_read: int = 0

    def skus(self, *, after: str = "", limit: int = 1000) -> Sequence[str]:
        """Return published skus in order, those greater than ``after``, at most 1,000."""
        self._read()
        page = sorted(sku for sku in self.shelf if sku > after)[: min(limit, _MOST)]
        self.skus_read += len(page)
        return page

    def products(self, skus: Iterable[str], /) -> Sequence[Product]:
        """Return the published ones of these, in order of sku."""
        wanted = set(skus)
        self._read()
        found = [self.shelf[sku] for sku in sorted(wanted & self.shelf.keys())]
        self.products_read += len(found)
        return found

    def put(self, *products: Product) -> None:
        """Publish these products, or change them."""
        self.shelf |= {product.sku: product for product in products}

    def take_away(self, *skus: str) -> None:
        """Take products off the shelf."""
        for sku in skus:
            self.shelf.pop(sku, None)

    def renamed(self, name: str) -> ShelfCatalogue:
        """Return the same products under this name, as another tenant has them."""
        theirs = {sku: replace(product, name=name) for sku, product in self.shelf.items()}
        return ShelfCatalogue(theirs, tenant=name)

    def _read(self) -> None:
        self.calls += 1
        self.on_read(self)


def stocked(count: int = 40, *, currency: str = "EUR") -> ShelfCatalogue:
    """Return a catalogue of so many products, of rising price; every seventh is sold out."""
    catalogue = ShelfCatalogue()
    catalogue.put(
        *(
            a_product(
                f"p-{number:05}",
                100 + number,
                currency=currency,
                available=0 if number % 7 == 6 else number,
            )
            for number in range(1, count + 1)
        )
    )
    return catalogue
