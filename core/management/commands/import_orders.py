"""Import a folder of orders as history; `docs/imports.md` describes its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core.application.history import OrderTotals
from core.application.import_orders import ImportOrders, OrdersImported, import_orders
from core.application.pin_registry import pin_registry
from core.jobs.reporter import Reporter
from core.management.importing import ImportCommand
from hookspecs import Money


class Command(ImportCommand):
    """`import_orders FOLDER`."""

    help = (
        "Import orders.csv, order_lines.csv and customers.csv as orders paid elsewhere. "
        "Exit code 1 if orders were refused, 2 if nothing could be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument(
            "--source",
            default="history",
            help="where the orders come from; each is imported once per source and order id",
        )
        super().add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        command = ImportOrders(
            folder=options["folder"],
            source=options["source"],
            encoding=options["encoding"],
            all_or_nothing=options["all_or_nothing"],
        )
        with (
            self.at_work(options) as told,
            Reporter(),
            pin_registry(tenant=options["tenant"]) as plugins,
        ):
            done = import_orders(command, plugins=plugins, now=timezone.now(), progress=told)
        outcome = {"source": command.source, **_outcome(done)}
        self.say(_lines(done), outcome, done.errors, as_json=options["json"])
        self.end(refused=len(done.errors))


def _lines(done: OrdersImported) -> list[str]:
    if not done.written:
        return [f"Nothing was written: {done.refused:,} of {done.rows:,} orders are refused."]
    counts = f"{done.already_there:,} already there, {done.refused:,} refused"
    said = [f"{done.rows:,} orders with {done.lines:,} lines: {done.placed:,} placed, {counts}."]
    for totals in done.totals.values():
        rows = [("goods", totals.goods), ("freight", totals.freight), ("other", totals.other)]
        shown = [*(row for row in rows if row[1] or row[0] != "other"), ("together", totals.total)]
        said += [f"{name:<9}{_shown(amount):>20}" for name, amount in shown]
    return said


def _outcome(done: OrdersImported) -> dict[str, Any]:
    return {
        "written": done.written,
        "orders": done.rows,
        "lines": done.lines,
        "placed": done.placed,
        "already_there": done.already_there,
        "refused": done.refused,
        "customers": done.customers,
        "stock_receipts": done.receipts,
        "totals": {currency: _totals(totals) for currency, totals in done.totals.items()},
    }


def _totals(totals: OrderTotals) -> dict[str, Any]:
    amounts = {
        "goods": totals.goods,
        "freight": totals.freight,
        "other": totals.other,
        "total": totals.total,
        "largest": totals.largest,
    }
    told: dict[str, Any] = {"orders": totals.orders}
    for name, amount in amounts.items():
        told |= {name: str(amount.decimal), f"{name}_minor": amount.minor}
    return told


def _shown(amount: Money) -> str:
    return f"{amount.decimal:,} {amount.currency}"
