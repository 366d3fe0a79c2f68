"""Export products to a file or to the screen, as `import_products` reads them."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from django.core.management.base import CommandError, CommandParser
from pydantic_core import to_json

from core.application.export_products import NAMES, as_cells, export_products
from core.application.reading_lines import ENDINGS
from core.management.asking import AskingCommand
from core.management.progress import show_progress

_SCREEN: Final = Path("-")


class Command(AskingCommand):
    """`export_products FILE`, or `-` for the screen."""

    help = (
        "Write all products as CSV, or as JSON lines with --json or where FILE ends in .jsonl. "
        "A file appears once it is whole."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="- for the screen")
        self.shared(parser)

    def answer(self, options: dict[str, Any]) -> None:
        """Export, and say how many if it went into a file."""
        path: Path = options["file"]
        lines = options["json"] or path.suffix.lower() in ENDINGS
        screen = path == _SCREEN
        with show_progress(quiet=screen or options["verbosity"] == 0) as told:
            products = export_products(progress=told)
            if screen:
                _write(sys.stdout, products, lines=lines)
                return
            with _whole(path) as file:
                count = _write(file, products, lines=lines)
        self.stdout.write(f"{count:,} products are in {path}.")


def _write(file: TextIO, products: Iterable[dict[str, Any]], *, lines: bool) -> int:
    count = 0
    table = csv.writer(file, lineterminator="\n")
    if not lines:
        table.writerow(NAMES)
    for count, columns in enumerate(products, 1):  # noqa: B007 - the last one is how many
        if lines:
            file.write(to_json(columns).decode() + "\n")
        else:
            table.writerow(as_cells(columns))
    file.flush()
    return count


@contextmanager
def _whole(path: Path) -> Iterator[TextIO]:
    """Write beside the file and put it in its place at the end: half a catalogue is none."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as exc:
        raise CommandError(f"{path} can't be written: {exc.strerror or exc}.") from exc
    finally:
        part.unlink(missing_ok=True)
