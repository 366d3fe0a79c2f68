"""Place orders beside the floor, turn by turn in one run; print ratios, never absolute verdicts.

``make bench`` runs it on the PostgreSQL of DATABASE_URL, in a database of its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import django

django.setup()

import psycopg  # noqa: E402
from django.db import connection, connections  # noqa: E402

from core.application.place_order import place_order  # noqa: E402
from core.context import DEFAULT_TENANT, acting_for  # noqa: E402
from core.hooks.registry import Registry  # noqa: E402
from core.models import Product, Stock  # noqa: E402
from core.testing.registries import FakePlugin, registry_of  # noqa: E402
from hookspecs import (  # noqa: E402
    Adjustment,
    Phase,
    Quote,
    RuleInfo,
    Skip,
    Tax,
    TaxInfo,
)
from tests.application.shelf import ordering  # noqa: E402
from tests.speed import floor  # noqa: E402
from tests.speed.database import fresh_database  # noqa: E402

PRODUCTS = 1_000


class PercentOff:
    """A rule on every line."""

    def __init__(self, key: str, phase: Phase) -> None:
        self.info = RuleInfo(key=key, label=key, phase=phase)

    def propose(self, quote: Quote, /) -> list[Adjustment]:
        return [
            Adjustment(target=line.line_id, amount=-line.amount.percent(Decimal(1)), reason="one")
            for line in quote.lines
        ]


class Never:
    """A rule that has nothing to propose."""

    def __init__(self, key: str) -> None:
        self.info = RuleInfo(key=key, label=key, phase=Phase.ORDER)

    def propose(self, quote: Quote, /) -> Skip:
        return Skip(reason=f"not for {quote.currency}")


class FlatTax:
    """One rate for everything."""

    info = TaxInfo(key="flat", label="Flat")

    def rates(self, quote: Quote, /) -> list[Tax]:
        return [Tax(target=line.line_id, rate=Decimal(19), code="VAT") for line in quote.lines]


def registry(plugins: int) -> Registry:
    """Return five plugins of the usual mix, or twenty, or none."""
    first: list[Any] = [
        PercentOff("one", Phase.LINE),
        FlatTax(),
        Never("a"),
        Never("b"),
        Never("c"),
    ]
    more: list[Any] = [Never(f"n{n}") for n in range(max(0, plugins - 5))]
    return registry_of(
        *(
            FakePlugin(name=f"p{n}", rules=(rule,))
            for n, rule in enumerate((first + more)[:plugins])
        )
    )


def fill() -> None:
    """Put a thousand products on the shelf, for both sides, and let the planner know."""
    now = datetime.now(UTC)
    with acting_for(DEFAULT_TENANT):
        rows = Product.objects.bulk_create(
            Product(
                tenant_id=1,
                sku=f"p{n}",
                name=f"p{n}",
                status="PUBLISHED",
                price_minor=100 + n,
                currency="EUR",
                created_at=now,
            )
            for n in range(PRODUCTS)
        )
        Stock.objects.bulk_create(
            Stock(tenant_id=1, product=row, on_hand=1_000_000_000) for row in rows
        )
    connection.ensure_connection()
    floor.lay(connection.connection, products=PRODUCTS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def place_floor(connection: psycopg.Connection, lines: int) -> Callable[[], None]:
    return lambda: floor.place(connection, floor.some(PRODUCTS, lines))


def place_ours(plugins: Registry, lines: int) -> Callable[[], None]:
    def place() -> None:
        wanted = ((f"p{n}", 1) for n in floor.some(PRODUCTS, lines))
        with acting_for(DEFAULT_TENANT):
            place_order(ordering(*wanted), plugins=plugins, now=datetime.now(UTC))

    return place


def worker(side: str, lines: int, plugins: int, barrier: Any, seconds: float, counts: Any) -> None:
    """Place orders for some seconds, from the moment that everybody is ready."""
    if side == "floor":
        known = connections["default"].get_connection_params()
        names = ("dbname", "host", "port", "user", "password")
        own = psycopg.connect(**{n: known[n] for n in names if n in known}, prepare_threshold=1)
        place = place_floor(own, lines)
    else:
        place = place_ours(registry(plugins), lines)
    for _ in range(20):
        place()
    barrier.wait(60)
    done, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        place()
        done += 1
    counts.put(done)


def rate(side: str, *, processes: int, lines: int, plugins: int, seconds: float) -> float:
    """Return orders per second of one turn."""
    context = multiprocessing.get_context("fork")
    connections.close_all()
    barrier, counts = context.Barrier(processes), context.Queue()
    crowd = [
        context.Process(target=worker, args=(side, lines, plugins, barrier, seconds, counts))
        for _ in range(processes)
    ]
    for process in crowd:
        process.start()
    total = sum(counts.get(timeout=seconds + 120) for _ in crowd)
    for process in crowd:
        process.join(30)
    return total / seconds


def compare(*, processes: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Take turns, and return the ratio of each round with its median."""
    ratios, floors, ours = [], [], []
    for _ in range(rounds):
        floors.append(rate("floor", processes=processes, lines=3, plugins=0, seconds=seconds))
        ours.append(rate("ours", processes=processes, lines=3, plugins=5, seconds=seconds))
        ratios.append(ours[-1] / floors[-1])
    return {
        "processes": processes,
        "floor_per_second": round(statistics.median(floors)),
        "ours_per_second": round(statistics.median(ours)),
        "ratio_median": round(statistics.median(ratios), 2),
        "ratio_min": round(min(ratios), 2),
        "ratio_max": round(max(ratios), 2),
    }


def against_itself(*, rounds: int, seconds: float) -> dict[str, float]:
    """Return the time of 100 lines over 3 lines, and of 20 plugins over none."""
    long, many = [], []
    for _ in range(rounds):
        rates = {
            (lines, plugins): rate(
                "ours", processes=1, lines=lines, plugins=plugins, seconds=seconds
            )
            for lines, plugins in ((3, 5), (100, 5), (3, 0), (3, 20))
        }
        long.append(rates[3, 5] / rates[100, 5])
        many.append(rates[3, 0] / rates[3, 20])
    return {
        "time_100_lines_over_3": round(statistics.median(long), 2),
        "time_20_plugins_over_none": round(statistics.median(many), 2),
    }


def main() -> None:
    """Make a database, measure, print JSON, drop the database."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=3.0)
    given = arguments.parse_args()
    with fresh_database():
        fill()
        turns = {"rounds": given.rounds, "seconds": given.seconds}
        result = {
            "cores": os.cpu_count(),
            "one_process": compare(processes=1, **turns),
            "four_processes": compare(processes=4, **turns),
            **against_itself(**turns),
        }
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
