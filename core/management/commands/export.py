"""Export orders, with all that belongs to them, as JSON lines or as CSV."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.core.management.base import CommandError, CommandParser
from pydantic_core import to_json

from core.application.export_orders import ExportOrders, export_orders
from core.management.asking import AskingCommand, read_moment

_ORDER: Final = (
    *("number", "id", "source", "placed_at", "status", "payment_status", "stock", "currency"),
    *("goods_minor", "shipping_minor", "fees_minor", "tax_minor", "rounding_minor", "total_minor"),
    *("prices_include_tax", "customer", "email", "name"),
)
_LINE: Final = (
    *("number", "position", "sku", "name", "quantity", "unit_price_minor", "adjustment_minor"),
    *("tax_minor", "total_minor", "currency"),
)
_PAYMENT: Final = (
    *("number", "id", "plugin", "version", "strategy_code", "label", "account", "status"),
    *("amount_minor", "currency", "reference", "created_at"),
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Command(AskingCommand):
    """`export orders [FILE]`, or `export orders --csv FOLDER`."""

    help = "Write orders with lines, payments and receipts: a JSON object a line, or CSV files."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["orders"])
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="else to the screen")
        parser.add_argument(
            "--csv", type=Path, metavar="FOLDER", help="orders.csv, lines.csv and payments.csv"
        )
        parser.add_argument("--since", type=read_moment, metavar="DATE", help="placed from then on")
        parser.add_argument("--until", type=read_moment, metavar="DATE", help="placed before then")
        self.shared(parser)

    def answer(self, options: dict[str, Any]) -> None:
        """Export, and say how many if it went into files."""
        if options["csv"] and options["file"]:
            raise CommandError("Either FILE, or --csv FOLDER.")
        orders = export_orders(ExportOrders(since=options["since"], until=options["until"]))
        try:
            if options["csv"]:
                count = _tables(options["csv"], orders)
            elif options["file"]:
                with options["file"].open("xb") as file:
                    count = _objects(file, orders)
            else:
                self.stdout.flush()
                _objects(sys.stdout.buffer, orders)
                return
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # who read has enough
            return
        except OSError as error:
            raise CommandError(f"{error.filename} can't be written: {error.strerror}.") from error
        self.say(options, {"orders": count}, [f"{count} orders."])


def _objects(file: BinaryIO, orders: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    for order in orders:
        file.write(to_json(order) + b"\n")
        count += 1
    return count


def _tables(folder: Path, orders: Iterable[Mapping[str, Any]]) -> int:
    """Three files, joined by the order's number."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with ExitStack() as stack:
        heads = {"orders": _ORDER, "lines": _LINE, "payments": _PAYMENT}
        writers = {}
        for name, columns in heads.items():
            file = stack.enter_context((folder / f"{name}.csv").open("x", newline=""))
            writers[name] = csv.writer(file)
            writers[name].writerow(columns)
        for order in orders:
            contact = order["contact"]
            who = {"customer": contact.get("ref", "")}
            who |= {name: contact.get(name, "") for name in ("email", "name")}
            common = {"number": order["number"], "currency": order["currency"]}
            writers["orders"].writerow(_row(_ORDER, {**order, **who}))
            writers["lines"].writerows(_row(_LINE, line | common) for line in order["lines"])
            writers["payments"].writerows(
                _row(_PAYMENT, paid | {"number": order["number"]}) for paid in order["payments"]
            )
            count += 1
    return count


def _row(columns: Iterable[str], values: Mapping[str, Any]) -> list[str]:
    return [_cell(values[name]) for name in columns]


def _cell(value: Any) -> str:
    """What somebody typed in is text to a spreadsheet, and never a formula."""
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
