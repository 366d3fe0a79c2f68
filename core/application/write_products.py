"""Write a batch of imported products: new ones in one statement, changed ones while locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from core.application.move_product import announce_products
from core.application.product_rows import WantedProduct
from core.application.set_prices import write_prices
from core.context import tenant
from core.domain.errors import ConcurrentChange
from core.domain.journal import PRODUCT_CHANGED
from core.domain.lifecycle import ProductStatus
from core.domain.prices import ListedPrice
from core.models import Event, Price, Product, Stock
from core.models.ids import new_id
from core.models.sheet import RuleViolated, Sheet

_MEANWHILE: Final = "Somebody else changed products of this file meanwhile: run the import again."
_READ: Final = (
    *("id", "sku", "name", "description", "picture", "status", "family_id", "variant"),
    *("price_minor", "currency", "tax_class", "categories", "attributes"),
)
_STRIPPED: Final = frozenset({"description", "picture", "tax_class"})
"""Texts whose space around them a file doesn't tell."""


@dataclass(slots=True)
class KnownProduct:
    """A product that is there, with the columns that a file may speak of."""

    row: Mapping[str, Any]
    prices: set[ListedPrice] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Its name until now."""
        return str(self.row["name"])

    @property
    def status(self) -> str:
        """Where it stands."""
        return str(self.row["status"])

    @property
    def variant(self) -> str:
        """What sets it apart in its family."""
        return str(self.row["variant"])

    @property
    def attributes(self) -> dict[str, str]:
        """Its attributes until now."""
        found: dict[str, str] = self.row["attributes"]
        return found

    def differing(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of these columns that would be another."""
        return {
            name: value
            for name, value in columns.items()
            if value != (self.row[name].strip() if name in _STRIPPED else self.row[name])
        }


_Change = tuple[KnownProduct, dict[str, Any], tuple[ListedPrice, ...] | None]


@dataclass(slots=True)
class Batch:
    """What is to be written of a batch."""

    new: list[tuple[WantedProduct, dict[str, Any]]] = field(default_factory=list)
    changed: list[_Change] = field(default_factory=list)

    def create(self, wanted: WantedProduct, columns: dict[str, Any]) -> None:
        """Let a product be born."""
        self.new.append((wanted, columns))

    def change(
        self,
        there: KnownProduct,
        columns: dict[str, Any],
        prices: tuple[ListedPrice, ...] | None,
    ) -> None:
        """Let a product be another; with ``prices`` None they stay."""
        self.changed.append((there, columns, prices))


def read_known(
    batch: Sequence[WantedProduct],
) -> tuple[dict[str, KnownProduct], dict[str, str]]:
    """Return the products of a batch that are there, by sku, and whose its names are."""
    rows = Product.objects.filter(sku__in=[one.sku for one in batch]).values(*_READ)
    known = {row["sku"]: KnownProduct(row) for row in rows}
    names = [one.name for one in batch]
    owners = dict(Product.objects.filter(name__in=names).values_list("name", "sku"))
    priced = [
        known[one.sku].row["id"] for one in batch if one.prices is not None and one.sku in known
    ]
    if priced:
        by_id = {there.row["id"]: there for there in known.values()}
        for price in Price.objects.filter(product_id__in=priced):
            by_id[price.product_id].prices.add(
                ListedPrice(
                    currency=price.currency,
                    minor=price.minor,
                    from_quantity=price.from_quantity,
                    valid_from=price.valid_from,
                    valid_until=price.valid_until,
                )
            )
    return known, owners


def tell_planner() -> None:
    """Let PostgreSQL look at how many products there are by now.

    It keeps plans that it made when the tables were empty, and would read a million rows for each
    batch.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE orderloom_product, orderloom_stock, orderloom_price")


def write_products(batch: Batch, *, now: datetime) -> None:
    """Write a batch, and announce what is another.

    Raises:
        ConcurrentChange: somebody else took a sku or name, or moved a product.
    """
    try:
        if batch.new:
            _born(batch.new, now).write()
        if batch.changed:
            with transaction.atomic(durable=True):
                _change(batch.changed, now)
    except (RuleViolated, IntegrityError) as exc:
        raise ConcurrentChange(_MEANWHILE) from exc


def _born(new: Iterable[tuple[WantedProduct, dict[str, Any]]], now: datetime) -> Sheet:
    products, stocks, skus = [], [], []
    prices: list[dict[str, Any]] = []
    owner = tenant().id
    for wanted, columns in new:
        product_id = new_id()
        published = columns["status"] == ProductStatus.PUBLISHED
        products.append(
            {
                "id": product_id,
                "tenant_id": owner,
                "sku": wanted.sku,
                "description": "",
                "picture": "",
                "tax_class": "",
                "family_id": None,
                "variant": "",
                "created_at": now,
                "published_at": now if published else None,
                **columns,
            }
        )
        stocks.append(
            {
                "product_id": product_id,
                "tenant_id": owner,
                "on_hand": wanted.on_hand,
                "reserved": 0,
                "opening": wanted.on_hand,
            }
        )
        prices.extend(_price(product_id, owner, price) for price in wanted.prices or ())
        skus.append(wanted.sku)
    sheet = Sheet()
    sheet.insert(Product, *products)
    sheet.insert(Stock, *stocks)
    sheet.insert(Price, *prices)
    sheet.insert(Event, _announcement(skus, owner, now))
    return sheet


def _price(product_id: UUID, owner: int, price: ListedPrice) -> dict[str, Any]:
    return {
        "tenant_id": owner,
        "product_id": product_id,
        "currency": price.currency,
        "from_quantity": price.from_quantity,
        "minor": price.minor,
        "valid_from": price.valid_from,
        "valid_until": price.valid_until,
    }


def _announcement(skus: list[str], owner: int, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "tenant_id": owner,
        "order_id": None,
        "seq": None,
        "kind": PRODUCT_CHANGED,
        "at": now,
        "data": {"skus": sorted(skus)},
        "previous_hash": "",
        "hash": "",
        "fanned_out": False,
    }


def _change(changed: Iterable[_Change], now: datetime) -> None:
    """Change products in the order of their ids, each if it stands where it stood."""
    skus = []
    for there, columns, prices in sorted(changed, key=lambda one: str(one[0].row["id"])):
        row = Product(id=there.row["id"], tenant_id=tenant().id)
        published = columns.get("status") == ProductStatus.PUBLISHED
        stamped = columns | ({"published_at": now} if published else {})
        moved = Product.objects.filter(pk=row.pk, status=there.status)
        if not moved.update(**stamped or {"status": there.status}):
            raise ConcurrentChange(_MEANWHILE)
        if prices is not None:
            write_prices(row, prices)
        skus.append(there.row["sku"])
    announce_products(skus, now=now)
