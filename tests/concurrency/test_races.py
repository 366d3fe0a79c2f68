"""Races between real processes on a real PostgreSQL, each with the protection off as its control."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from core.application.verify_stock import verify_stock
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.models import Order, OrderLine
from tests.application.shelf import put, stock
from tests.concurrency.crowd import rush, without_constraint
from tests.session import tier

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

ROUNDS = 2 if tier() == "quick" else 20
MIXED = 120 if tier() == "quick" else 300
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def shop(transactional_db: None) -> Iterator[TenantRef]:
    with acting_for(DEFAULT_TENANT) as ref:
        yield ref


def buyers(sku: str) -> list[tuple[list[tuple[str, int]], str]]:
    return [([(sku, 1)], "") for _ in range(200)]


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_it_sells_the_last_ten_units_exactly_ten_times(shop: TenantRef, turn: int) -> None:
    put("last", 100, 10, now=NOW)

    results = Counter(result["code"] for result in rush(buyers("last")))

    assert results == {"PLACED": 10, "OUT_OF_STOCK": 190}
    assert stock("last") == (10, 10)
    assert Order.objects.count() == OrderLine.objects.count() == 10


def test_without_its_guard_the_same_crowd_buys_more_than_there_is(shop: TenantRef) -> None:
    put("last", 100, 10, now=NOW)

    with without_constraint("orderloom_stock", "stock_reserved_within_on_hand"):
        results = Counter(result["code"] for result in rush(buyers("last"), without="guard"))

    assert results["PLACED"] > 10


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_one_key_fifty_times_at_once_is_one_order(shop: TenantRef, turn: int) -> None:
    put("tea", 100, 1000, now=NOW)

    results = rush([([("tea", 2)], "once") for _ in range(50)])

    assert {result["code"] for result in results} == {"PLACED"}
    assert len({(result["order"], result["token"]) for result in results}) == 1
    assert Order.objects.count() == 1
    assert stock("tea") == (1000, 2)


def test_without_its_constraint_one_key_makes_many_orders(shop: TenantRef) -> None:
    put("tea", 100, 1000, now=NOW)

    with without_constraint("orderloom_order", "order_key_unique"):
        results = rush([([("tea", 2)], "once") for _ in range(50)])

    assert len({result["order"] for result in results}) > 1


def mixed(dice: random.Random) -> list[tuple[list[tuple[str, int]], str]]:
    """Orders of three to five lines over eight products, in all directions."""
    skus = [f"p{n}" for n in range(8)]
    for sku in skus:
        put(sku, 100, 10_000, now=NOW)
    return [
        ([(sku, dice.randint(1, 3)) for sku in dice.sample(skus, dice.randint(3, 5))], "")
        for _ in range(MIXED)
    ]


def test_mixed_orders_meet_without_a_deadlock(shop: TenantRef, dice: random.Random) -> None:
    orders = mixed(dice)

    results = Counter(result["code"] for result in rush(orders))

    assert results == {"PLACED": MIXED}
    wanted: Counter[str] = Counter()
    for lines, _ in orders:
        wanted.update(dict(lines))
    assert {sku: stock(sku)[1] for sku in wanted} == dict(wanted)
    assert verify_stock().differences == ()


@pytest.mark.full
def test_locked_in_any_order_they_do(shop: TenantRef, dice: random.Random) -> None:
    results = [result["code"] for result in rush(mixed(dice)[:60], without="order")]

    assert any("deadlock" in code for code in results)
