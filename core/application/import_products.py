"""Import products from a CSV file: new ones are created, changed ones brought up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.db import IntegrityError, transaction

from core.application.create_product import CreateProduct, check_product
from core.application.move_product import announce_products
from core.application.products_imported import ProductChanged, ProductsImported
from core.application.reading_csv import DUPLICATE_ID, Columns, Row, read_table
from core.context import tenant
from core.domain.errors import (
    ConcurrentChange,
    InvalidInput,
    NameTaken,
    Refusal,
    WrongState,
)
from core.domain.lifecycle import ProductStatus, product_sources
from core.domain.products import PriceNotPositive
from core.models import Product, Stock
from hookspecs import Money

COLUMNS: Final = Columns(
    needed=(
        "product_id",
        "name",
        "category",
        "quantity_per_unit",
        "unit_price",
        "currency",
        "units_in_stock",
        "discontinued",
    ),
    optional=("description", "tax_class", "picture"),
)
BATCH: Final = 500
"""Products that are written in one transaction, and announced in one event."""

_MEANWHILE: Final = "Somebody else changed products of this file meanwhile: run the import again."
_PACK: Final = "quantity_per_unit"
_COLUMN_OF: Final = {"sku": "product_id", "name": "name", "on_hand": "units_in_stock"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProducts:
    """Which file, and how: ``all_or_nothing`` writes only if every row is fine."""

    path: Path
    encoding: str = "utf-8"
    all_or_nothing: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A product as the file has it; ``given`` are the optional columns that the file brings."""

    row: Row
    command: CreateProduct
    status: ProductStatus
    given: tuple[str, ...]


@dataclass(slots=True)
class _Batch:
    create: list[_Wanted] = field(default_factory=list)
    change: list[tuple[Product, dict[str, Any]]] = field(default_factory=list)


def import_products(
    command: ImportProducts, *, now: datetime, progress: Callable[[str, int, int], None]
) -> ProductsImported:
    """Import products, batch by batch; a second run changes nothing.

    The stock of the file is that of products that are new: of others it isn't looked at, since
    orders and receipts move it. ``progress`` is told what is done, how much, and of how many
    (0: not known yet).

    Raises:
        UnreadableFile: nothing in the file can be read.
        ConcurrentChange: somebody else took a sku or name meanwhile; what is written stays.
    """
    if command.all_or_nothing or command.dry_run:
        looked = _run(command, now=now, write=False, progress=progress)
        if command.dry_run or looked.errors:
            return looked
    return _run(command, now=now, write=True, progress=progress)


def _run(
    command: ImportProducts,
    *,
    now: datetime,
    write: bool,
    progress: Callable[[str, int, int], None],
) -> ProductsImported:
    done = ProductsImported(written=write)
    what = "products" if write else "products looked at"
    wanted = _wanted(command, done)
    taken: dict[str, str] = {}
    while batch := list(islice(wanted, BATCH)):
        sorted_out = _sort_out(batch, taken, done)
        if write:
            _write(sorted_out, now)
        progress(what, done.rows, 0)
    progress(what, done.rows, done.rows)
    return done


def _wanted(command: ImportProducts, done: ProductsImported) -> Iterator[_Wanted]:
    """Read the rows; whatever can't be a product is refused here."""
    seen: dict[str, int] = {}
    for row in read_table(command.path, COLUMNS, encoding=command.encoding):
        done.rows += 1
        if row.broken:
            done.refuse(row.broken)
            continue
        try:
            wanted = _read(row)
            check_product(wanted.command)
        except Refusal as refusal:
            done.refuse(row.refused(refusal, column=_column(refusal)))
            continue
        sku = wanted.command.sku
        if sku in seen:
            text = f"The product {sku} is in line {seen[sku]} already."
            done.refuse(row.error(DUPLICATE_ID, text, column="product_id"))
            continue
        seen[sku] = row.line
        yield wanted


def _read(row: Row) -> _Wanted:
    currency = row.cells["currency"]
    try:
        Money(0, currency)
    except ValueError as exc:
        raise InvalidInput(f"{exc}.", field="currency") from None
    if row.cells["discontinued"] not in {"0", "1"}:
        raise InvalidInput("discontinued has to be 0 or 1.", field="discontinued")
    category = row.text("category", longest=100, empty=True)
    pack = row.text(_PACK, longest=200, empty=True)
    return _Wanted(
        row=row,
        command=CreateProduct(
            sku=row.cells["product_id"],
            name=row.cells["name"],
            price=row.amount("unit_price", currency),
            description=row.cells.get("description", ""),
            picture=row.cells.get("picture", ""),
            tax_class=row.text("tax_class", longest=40, empty=True),
            categories=(category,) if category else (),
            attributes={_PACK: pack} if pack else {},
            on_hand=row.whole("units_in_stock"),
        ),
        status=ProductStatus.RETIRED
        if row.cells["discontinued"] == "1"
        else ProductStatus.PUBLISHED,
        given=tuple(name for name in COLUMNS.optional if name in row.cells),
    )


def _column(refusal: Refusal) -> str:
    if isinstance(refusal, PriceNotPositive):
        return "unit_price"
    return _COLUMN_OF.get(str(refusal.details.get("field", "")), "")


def _sort_out(batch: list[_Wanted], taken: dict[str, str], done: ProductsImported) -> _Batch:
    """Say which products are new and which are changed; ``taken`` are names used so far."""
    known = {
        product.sku: product
        for product in Product.objects.filter(sku__in=[each.command.sku for each in batch])
    }
    names = [each.command.name for each in batch]
    used = dict(Product.objects.filter(name__in=names).values_list("name", "sku"))
    out = _Batch()
    for each in batch:
        sku, name = each.command.sku, each.command.name
        owner = taken.get(name, used.get(name, sku))
        try:
            if owner != sku:
                raise NameTaken(f"The name {name} is in use by {owner}.", field="name")
            product = known.get(sku)
            changes = _changes(product, each) if product else {}
        except Refusal as refusal:
            done.refuse(each.row.refused(refusal))
            continue
        taken[name] = sku
        if product is None:
            out.create.append(each)
            done.created += 1
        elif changes:
            out.change.append((product, changes))
            done.changed.append(ProductChanged(sku=sku, fields=tuple(changes)))
        else:
            done.unchanged += 1
    return out


def _changes(product: Product, wanted: _Wanted) -> dict[str, Any]:
    """Return the fields that differ; whatever the file doesn't speak of stays as it is."""
    if wanted.status != product.status and product.status not in product_sources(wanted.status):
        raise WrongState(
            f"{product.name} was {product.status.lower()} and can't become "
            f"{wanted.status.lower()} again.",
            field="discontinued",
            status=product.status,
        )
    command = wanted.command
    assert command.price is not None
    others = {key: value for key, value in product.attributes.items() if key != _PACK}
    now: Mapping[str, Any] = {
        "name": command.name,
        "price_minor": command.price.minor,
        "currency": command.price.currency,
        "categories": list(command.categories),
        "attributes": others | dict(command.attributes),
        "status": str(wanted.status),
        **{name: getattr(command, name) for name in wanted.given},
    }
    return {name: value for name, value in now.items() if getattr(product, name) != value}


def _write(batch: _Batch, now: datetime) -> None:
    products = [_product(each, now) for each in batch.create]
    stocks = [
        Stock(
            tenant_id=product.tenant_id,
            product=product,
            on_hand=each.command.on_hand,
            opening=each.command.on_hand,
        )
        for product, each in zip(products, batch.create, strict=True)
    ]
    skus = [product.sku for product in products] + [product.sku for product, _ in batch.change]
    if not skus:
        return
    try:
        with transaction.atomic(durable=True):
            Product.objects.bulk_create(products)
            Stock.objects.bulk_create(stocks)
            for product, changes in batch.change:
                _change(product, changes, now)
            announce_products(skus, now=now)
    except IntegrityError as exc:
        raise ConcurrentChange(_MEANWHILE) from exc


def _change(product: Product, changes: dict[str, Any], now: datetime) -> None:
    published = changes.get("status") == ProductStatus.PUBLISHED
    stamped = changes | ({"published_at": now} if published else {})
    if not Product.objects.filter(pk=product.pk, status=product.status).update(**stamped):
        raise ConcurrentChange(_MEANWHILE)


def _product(wanted: _Wanted, now: datetime) -> Product:
    command = wanted.command
    assert command.price is not None
    return Product(
        tenant_id=tenant().id,
        sku=command.sku,
        name=command.name,
        description=command.description,
        picture=command.picture,
        status=wanted.status,
        price_minor=command.price.minor,
        currency=command.price.currency,
        tax_class=command.tax_class,
        categories=list(command.categories),
        attributes=dict(command.attributes),
        created_at=now,
        published_at=now if wanted.status is ProductStatus.PUBLISHED else None,
    )
