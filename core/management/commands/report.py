"""Report sales, products and stock: as a table, as CSV, or for programs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table

from core.application.report_period import Period
from core.application.report_products import report_products
from core.application.report_sales import report_sales
from core.application.report_stock import report_stock
from core.management.asking import AskingCommand
from hookspecs import Money

_MINOR: Final = "_minor"
_MONTH: Final = 30


class Command(AskingCommand):
    """`report sales|products|stock [--since DAY] [--until DAY] [--format table|csv|json]`."""

    help = "Report what sold by day, which products sold best, and how fast stock turns over."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb, about in (
            ("sales", "what sold by day, with running totals and a moving average"),
            ("products", "what sold, ranked within its category"),
            ("stock", "what lay there, came and went, and how often it was sold"),
        ):
            sub = verbs.add_parser(verb, help=about)
            sub.add_argument("--since", metavar="DAY", help="2026-11-01; 30 days ago unless said")
            sub.add_argument("--until", metavar="DAY", help="not included; tomorrow unless said")
            sub.add_argument(
                "--time-zone", metavar="NAME", help="whose days; the shop's unless said"
            )
            sub.add_argument("--format", choices=("table", "csv", "json"), default="table")
            if verb == "sales":
                sub.add_argument("--average", type=int, default=7, metavar="DAYS")
            if verb == "products":
                sub.add_argument("--top", type=int, metavar="RANK", help="up to this rank")
            self.shared(sub)

    def answer(self, options: dict[str, Any]) -> None:
        """Ask for the report, and write it."""
        period = _period(options)
        rows: Iterable[Any]
        if options["verb"] == "sales":
            rows = report_sales(period, average_days=options["average"])
        elif options["verb"] == "products":
            rows = report_products(period, top=options["top"])
        else:
            rows = report_stock(period)
        told = (asdict(row) for row in rows)
        if options["json"] or options["format"] == "json":
            self.stdout.write(to_json(list(told)).decode())
        elif options["format"] == "csv":
            self._csv(told)
        else:
            self._table(told)

    def _csv(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write amounts in major units, with a point, as spreadsheets read them."""
        writer = None
        for row in map(_shown, rows):
            if writer is None:
                writer = csv.DictWriter(self.stdout, list(row))
                writer.writeheader()
            writer.writerow(row)

    def _table(self, rows: Iterable[Mapping[str, Any]]) -> None:
        table = None
        for row in map(_shown, rows):
            if table is None:
                table = Table(*(name.replace("_", " ") for name in row))
            table.add_row(*("" if value is None else str(value) for value in row.values()))
        console = Console(file=self.stdout)  # type: ignore[arg-type]
        console.print(table if table is not None else "Nothing was sold in these days.")


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Turn minor units into amounts of the row's currency."""
    return {
        name.removesuffix(_MINOR): Money(value, row["currency"]).decimal
        if name.endswith(_MINOR)
        else value
        for name, value in row.items()
    }


def _period(options: Mapping[str, Any]) -> Period:
    name = options["time_zone"] or settings.TIME_ZONE
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise CommandError(f"{name} is no time zone: write Europe/Berlin.") from None
    today = timezone.now().astimezone(zone).date()
    until = _day(options["until"]) or today + timedelta(days=1)
    return Period(
        since=_day(options["since"]) or until - timedelta(days=_MONTH), until=until, time_zone=zone
    )


def _day(text: str | None) -> date | None:
    try:
        day = parse_date(text) if text else None
    except ValueError:
        day = None
    if text and day is None:
        raise CommandError(f"{text} is no day: write 2026-11-23.")
    return day
