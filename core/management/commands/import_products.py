"""Import products from a file of CSV or JSON lines; `docs/imports.md` describes its columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core.application.import_products import ImportProducts, import_products
from core.application.products_imported import ProductsImported
from core.management.importing import ImportCommand


class Command(ImportCommand):
    """`import_products FILE`."""

    help = (
        "Import products from CSV or JSON lines: create what is new, bring up to date what has changed. "
        "Exit code 1 if rows were refused, 2 if nothing could be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--dry-run", action="store_true", help="look, but write nothing")
        super().add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        command = ImportProducts(
            path=options["file"],
            encoding=options["encoding"],
            all_or_nothing=options["all_or_nothing"],
            dry_run=options["dry_run"],
        )
        with self.at_work(options) as told:
            done = import_products(command, now=timezone.now(), progress=told)
        self.say(_lines(done), _outcome(done), done.errors, as_json=options["json"])
        self.end(refused=done.refused)


def _lines(done: ProductsImported) -> list[str]:
    would = "" if done.written else "Nothing was written. "
    which = ", ".join(f"{field} of {count:,}" for field, count in sorted(done.fields.items()))
    counts = f"{done.created:,} new, {done.updated:,} changed, {done.unchanged:,} as they were"
    said = [f"{would}{done.rows:,} products: {counts}, {done.refused:,} refused."]
    return [*said, f"Changed: {which}."] if which else said


def _outcome(done: ProductsImported) -> dict[str, Any]:
    return {
        "written": done.written,
        "products": done.rows,
        "created": done.created,
        "updated": done.updated,
        "unchanged": done.unchanged,
        "refused": done.refused,
        "changes": [{"sku": each.sku, "fields": list(each.fields)} for each in done.changed],
    }
