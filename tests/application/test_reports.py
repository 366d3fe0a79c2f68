"""Reports say what the rows add up to, as plain Python does, whatever the database."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.receive_stock import ReceiveStock, receive_stock
from core.application.report_period import Period
from core.application.report_products import report_products
from core.application.report_sales import report_sales
from core.application.report_stock import report_stock
from core.context import DEFAULT_TENANT, acting_for
from core.domain.errors import InvalidInput
from core.hooks.registry import Registry
from core.models import Order, OrderLine, Product
from core.testing.registries import registry_of
from tests.application.shelf import placed, put

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = date(2026, 9, 1)
SKUS = {
    "tea": ("hot", 450),
    "coffee": ("hot", 610),
    "pot": ("things", 2500),
    "cup": ("things", 900),
}


@pytest.fixture
def plugins() -> Registry:
    return registry_of()


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 9, 1, hour, tzinfo=UTC) + timedelta(days=day)


def sold(*lines: tuple[str, int], on: datetime, plugins: Registry, currency: str = "EUR") -> None:
    placed(
        *lines,
        plugins=plugins,
        now=on,
        placed_at=on,
        collected_elsewhere=f"till-{on.isoformat()}",
        currency=currency,
    )


@pytest.fixture
def trade(transactional_db: None, plugins: Registry) -> Iterator[random.Random]:
    """Put two categories on the shelf, and sell at random on some of sixty days."""
    dice = random.Random(4)
    with acting_for(DEFAULT_TENANT):
        for sku, (category, minor) in SKUS.items():
            put(sku, minor, 5000, now=at(-30))
            Product.objects.filter(sku=sku).update(categories=[category])
        put("book", 1200, 5000, now=at(-30), currency="USD")
        for day in dice.sample(range(-20, 60), 40):
            for _ in range(dice.randint(1, 3)):
                lines = [(sku, dice.randint(1, 4)) for sku in dice.sample(sorted(SKUS), 2)]
                sold(*lines, on=at(day, dice.randint(0, 23)), plugins=plugins)
        sold(("book", 2), on=at(3), plugins=plugins, currency="USD")
        placed(("tea", 7), plugins=plugins, now=at(5), placed_at=at(5))  # not paid
        yield dice


def day_of(moment: datetime) -> date:
    return moment.astimezone(BERLIN).date()


def test_sales_by_day_are_what_the_orders_of_each_day_come_to(trade: random.Random) -> None:
    period = Period(since=FIRST, until=FIRST + timedelta(days=45), time_zone=BERLIN)
    by_day: dict[date, int] = {}
    for order in Order.objects.filter(status="PAID", currency="EUR"):
        day = day_of(order.placed_at)
        by_day[day] = by_day.get(day, 0) + order.total_minor

    rows = [row for row in report_sales(period, average_days=7) if row.currency == "EUR"]

    assert [row.day for row in rows] == sorted(d for d in by_day if FIRST <= d < period.until)
    running = 0
    for row in rows:
        running += by_day[row.day]
        week = sum(by_day.get(row.day - timedelta(days=back), 0) for back in range(7))
        assert (row.total_minor, row.running_minor) == (by_day[row.day], running)
        assert abs(row.average_minor - Fraction(week, 7)) <= Fraction(1, 2)


def test_an_average_counts_days_without_a_sale(trade: random.Random, plugins: Registry) -> None:
    sold(("tea", 2), on=at(400), plugins=plugins)
    sold(("tea", 4), on=at(405), plugins=plugins)
    period = Period(since=day_of(at(402)), until=day_of(at(410)), time_zone=BERLIN)

    (row,) = report_sales(period, average_days=6)

    assert (row.total_minor, row.running_minor, row.average_minor) == (1800, 1800, 450)


def test_currencies_do_not_mix(trade: random.Random) -> None:
    period = Period(since=FIRST, until=FIRST + timedelta(days=45), time_zone=BERLIN)

    dollars = [row for row in report_sales(period) if row.currency == "USD"]

    assert [(row.orders, row.total_minor, row.running_minor) for row in dollars] == [
        (1, 2400, 2400)
    ]


def test_an_order_belongs_to_the_day_of_the_time_zone(
    trade: random.Random, plugins: Registry
) -> None:
    sold(
        ("tea", 1), on=at(500, 23) + timedelta(minutes=30), plugins=plugins
    )  # in Berlin it is 0:30

    def days(zone: ZoneInfo) -> list[date]:
        period = Period(since=date(2028, 1, 1), until=date(2028, 3, 1), time_zone=zone)
        return [row.day for row in report_sales(period)]

    london, berlin = days(ZoneInfo("UTC")), days(BERLIN)

    assert berlin == [london[0] + timedelta(days=1)]


def test_products_are_ranked_within_their_category(trade: random.Random) -> None:
    period = Period(since=FIRST, until=FIRST + timedelta(days=45), time_zone=BERLIN)
    totals: dict[str, int] = {}
    for line in OrderLine.objects.filter(order__status="PAID").select_related("order"):
        if FIRST <= day_of(line.order.placed_at) < period.until:
            totals[line.sku] = totals.get(line.sku, 0) + line.total_minor

    rows = [row for row in report_products(period) if row.currency == "EUR"]

    assert {row.sku: row.total_minor for row in rows} == {sku: totals[sku] for sku in SKUS}
    for category in ("hot", "things"):
        own = [row for row in rows if row.category == category]
        best = sorted((sku for sku in SKUS if SKUS[sku][0] == category), key=lambda s: -totals[s])
        assert [(row.rank, row.sku) for row in own] == [(1, best[0]), (2, best[1])]
        assert sum(row.share for row in own) == pytest.approx(1)
    assert {row.rank for row in report_products(period, top=1)} == {1}


def test_stock_is_told_backwards_from_today(trade: random.Random, plugins: Registry) -> None:
    receive_stock(ReceiveStock(sku="pot", quantity=100, reason="van", key="v1"), now=at(10))
    receive_stock(ReceiveStock(sku="pot", quantity=50, reason="van", key="v2"), now=at(50))
    gone = placed(("pot", 9), plugins=plugins, now=at(12), placed_at=at(12))
    cancel_order(CancelOrder(order_id=gone.order_id, reason="x"), plugins=plugins, now=at(12))
    period = Period(since=FIRST, until=FIRST + timedelta(days=45), time_zone=BERLIN)

    row = next(row for row in report_stock(period) if row.sku == "pot")

    before = 5000 - sum_of("pot", lambda day: day < FIRST)
    out = sum_of("pot", lambda day: FIRST <= day < period.until)
    assert (row.opening, row.received, row.sold) == (before, 100, out)
    assert row.closing == before + 100 - out
    assert row.turnover == round(2 * out / (row.opening + row.closing), 2)
    assert row.days_left == round(row.closing * 45 / out, 1)


def sum_of(sku: str, when: Callable[[date], bool]) -> int:
    lines = OrderLine.objects.filter(sku=sku, order__status="PAID").select_related("order")
    return sum(line.quantity for line in lines if when(day_of(line.order.placed_at)))


def test_each_report_takes_the_same_few_statements(trade: random.Random) -> None:
    period = Period(since=FIRST, until=FIRST + timedelta(days=45), time_zone=BERLIN)
    taken = []
    for report in (report_sales, report_products, report_stock):
        with CaptureQueriesContext(connection) as seen:
            list(report(period))
        taken.append(len(seen))

    assert taken == [1, 1, 3]


def test_a_report_over_no_day_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Period(since=FIRST, until=FIRST, time_zone=BERLIN)
    with pytest.raises(InvalidInput):
        report_sales(
            Period(since=FIRST, until=FIRST + timedelta(days=1), time_zone=BERLIN), average_days=0
        )
