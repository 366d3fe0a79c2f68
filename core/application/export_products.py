"""Export products as rows that `import_products` reads: importing them again changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from django.db import reset_queries
from pydantic_core import to_json

from core.application.product_rows import COLUMNS, PACK
from core.domain.categories import CategoryTree
from core.domain.lifecycle import ProductStatus
from core.models import Category, Price, Product
from hookspecs import Money

NAMES: Final = (*COLUMNS.needed, *COLUMNS.optional)
"""The columns, in their order."""

_BATCH: Final = 1_000


def export_products(*, progress: Callable[[str, int, int], None]) -> Iterator[dict[str, Any]]:
    """Yield all products in order of sku, each by column, in the memory of a batch.

    Values are texts and numbers; ``attributes`` is a mapping and ``prices`` a list of mappings.
    """
    count, last = Product.objects.count(), ""
    done = 0
    products = Product.objects.select_related("stock", "family").order_by("sku")
    while rows := list(products.filter(sku__gt=last)[:_BATCH]):
        tree, prices = Category.objects.tree(), _prices(rows)
        for row in rows:
            yield _columns(row, tree, prices.get(row.pk, []))
        last = rows[-1].sku
        done += len(rows)
        progress("products", done, max(done, count))
        reset_queries()


def as_cells(columns: Mapping[str, Any]) -> list[str]:
    """Return the cells of a row of CSV."""
    return [
        to_json(value).decode() if isinstance(value, dict | list) else str(value)
        for value in columns.values()
    ]


def _columns(row: Product, tree: CategoryTree, prices: list[dict[str, Any]]) -> dict[str, Any]:
    pack = row.attributes.get(PACK, "")
    apart = pack == pack.strip() and pack.isprintable() and len(pack) <= 200
    others = {name: value for name, value in row.attributes.items() if name != PACK or not apart}
    price = "" if row.price_minor is None else Money(row.price_minor, row.currency).decimal
    values = (
        row.sku,
        row.name,
        tree.written(row.categories),
        pack if apart else "",
        f"{price:f}" if price != "" else "",
        row.currency,
        row.stock.on_hand,
        int(row.status == ProductStatus.RETIRED),
        row.description,
        row.tax_class,
        row.picture,
        row.status,
        row.family.name if row.family else "",
        "; ".join(row.family.options) if row.family else "",
        others,
        prices,
    )
    return dict(zip(NAMES, values, strict=True))


def _prices(rows: list[Product]) -> dict[object, list[dict[str, Any]]]:
    found: dict[object, list[dict[str, Any]]] = {}
    listed = Price.objects.filter(product_id__in=[row.pk for row in rows])
    for price in listed.order_by("currency", "from_quantity", "valid_from", "pk"):
        said = {
            "currency": price.currency,
            "minor": price.minor,
            "from_quantity": price.from_quantity,
            "valid_from": price.valid_from,
            "valid_until": price.valid_until,
        }
        found.setdefault(price.product_id, []).append(
            {name: value for name, value in said.items() if value is not None}
        )
    return found
