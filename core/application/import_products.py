"""Import products from a file: new ones are created, changed ones brought up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.db import reset_queries

from core.application.product_rows import COLUMNS, WantedProduct, column_of, read_product
from core.application.products_imported import ProductsImported
from core.application.reading_lines import read_rows
from core.application.row_errors import DUPLICATE_ID
from core.application.shelving import Shelving, refuse_unfinished
from core.application.write_products import (
    Batch,
    KnownProduct,
    read_known,
    tell_planner,
    write_products,
)
from core.domain.errors import NameTaken, Refusal, WrongState
from core.domain.lifecycle import ProductStatus, product_sources
from core.infrastructure.seen import Seen

BATCH: Final = 1_000
"""Products that are written in one transaction, and announced in one event."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProducts:
    """Which file, and how: ``all_or_nothing`` writes only if every row is fine.

    JSON lines where the file's name ends in ``.jsonl`` or ``.ndjson``, CSV otherwise.
    """

    path: Path
    encoding: str = "utf-8"
    all_or_nothing: bool = False
    dry_run: bool = False


def import_products(
    command: ImportProducts, *, now: datetime, progress: Progress
) -> ProductsImported:
    """Import products, batch by batch, in the memory of one; a second run changes nothing.

    So an import that was broken off is simply begun again. The stock of the file is that of
    products that are new: of others it isn't looked at, since orders and receipts move it.
    ``progress`` is told what is done, how much, and of how many (0: not known yet).

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
    command: ImportProducts, *, now: datetime, write: bool, progress: Progress
) -> ProductsImported:
    done = ProductsImported(written=write)
    what = "products" if write else "products looked at"
    shelving, look = Shelving(write=write), BATCH
    with Seen() as skus, Seen() as names:
        wanted = _wanted(command, done)
        while batch := list(islice(wanted, BATCH)):
            batch = _first_ones(batch, skus, done)
            # What earlier batches wrote is in the database; a look remembers it.
            taken = {} if write else names.before({one.name: one.row.line for one in batch})
            sorted_out = _sort_out(batch, taken, shelving, done)
            if write:
                write_products(sorted_out, now=now)
                if done.created >= look:
                    tell_planner()
                    look = done.created * 4
            progress(what, done.rows, 0)
            reset_queries()  # with DEBUG on, Django remembers thousands
    progress(what, done.rows, done.rows)
    return done


def _wanted(command: ImportProducts, done: ProductsImported) -> Iterator[WantedProduct]:
    """Read the rows; whatever can't be a product is refused here."""
    for row in read_rows(command.path, COLUMNS, encoding=command.encoding):
        done.rows += 1
        if row.broken:
            done.refuse(row.broken)
            continue
        try:
            wanted = read_product(row)
        except Refusal as refusal:
            done.refuse(row.refused(refusal, column=column_of(refusal)))
            continue
        yield wanted


def _first_ones(
    batch: list[WantedProduct], skus: Seen, done: ProductsImported
) -> list[WantedProduct]:
    """Refuse a sku that was in the file before."""
    lines: dict[str, int] = {}
    for one in batch:
        lines.setdefault(one.sku, one.row.line)
    before = lines | skus.before(lines)
    fresh = []
    for one in batch:
        if before[one.sku] == one.row.line:
            fresh.append(one)
        else:
            text = f"The product {one.sku} is in line {before[one.sku]} already."
            done.refuse(one.row.error(DUPLICATE_ID, text, column="product_id"))
    return fresh


def _sort_out(
    batch: list[WantedProduct], taken: dict[str, int], shelving: Shelving, done: ProductsImported
) -> Batch:
    """Say which products are new and which are changed; ``taken`` are names of earlier rows."""
    shelving.look()
    known, owners = read_known(batch)
    out = Batch()
    mine: dict[str, str] = {}
    for each in batch:
        there = known.get(each.sku)
        owner = mine.get(each.name) or owners.get(each.name, each.sku)
        try:
            if owner != each.sku:
                raise NameTaken(f"The name {each.name} is in use by {owner}.", field="name")
            if each.name in taken:
                line = taken[each.name]
                raise NameTaken(f"The name {each.name} is in use since line {line}.", field="name")
            columns = _columns(each, there, shelving)
        except Refusal as refusal:
            done.refuse(each.row.refused(refusal, column=column_of(refusal)))
            continue
        mine[each.name] = each.sku
        if there is None:
            out.create(each, columns)
            done.created += 1
            continue
        changes = there.differing(columns)
        reprices = each.prices is not None and set(each.prices) != there.prices
        if changes or reprices:
            out.change(there, changes, each.prices if reprices else None)
            done.change(each.sku, (*changes, *(("prices",) if reprices else ())))
        else:
            done.unchanged += 1
    return out


def _columns(each: WantedProduct, there: KnownProduct | None, shelving: Shelving) -> dict[str, Any]:
    """Return the columns of a product; of one that is there, those that the file speaks of.

    Raises:
        Refusal: it can't become that.
    """
    if there is not None and there.status != each.status:
        _check_move(there, each.status)
    attributes = each.all_attributes(there.attributes if there else {})
    columns = {
        "name": each.name,
        "price_minor": each.price.minor if each.price else None,
        "currency": each.price.currency if each.price else "",
        "categories": shelving.categories(each.category),
        "attributes": attributes,
        "status": str(each.status),
        **each.texts,
    }
    variant = there.variant if there else ""
    if each.family is not None:
        pk, variant = shelving.family(each.family, each.options, attributes)
        columns |= {"family_id": pk, "variant": variant}
    refuse_unfinished(
        each.status,
        each.name,
        priced=each.price is not None,
        family=each.family,
        variant=variant,
    )
    return columns


def _check_move(there: KnownProduct, target: ProductStatus) -> None:
    if there.status not in product_sources(target):
        raise WrongState(
            f"{there.name} was {there.status.lower()} and can't become {target.lower()} again.",
            field="discontinued",
            status=there.status,
        )
