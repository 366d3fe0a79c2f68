"""Prices and stock edited under checkouts: every total recomputes from its own receipt."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, connections

from core.application.change_product import ChangeProduct, change_product
from core.application.correct_stock import CorrectStock, correct_stock
from core.application.receive_stock import ReceiveStock, receive_stock
from core.application.replay_receipt import replay_receipt
from core.application.set_prices import SetPrices, set_prices
from core.application.verify_stock import verify_stock
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.domain.errors import OutOfStock
from core.domain.prices import ListedPrice
from core.models import Order, OrderLine
from core.testing.registries import registry_of
from hookspecs import Money
from tests.application.shelf import put
from tests.concurrency.crowd import rush
from tests.concurrency.test_races import NOW, shop
from tests.faults.invariants import broken
from tests.session import tier

__all__ = ["shop"]

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

MOST = 12
ROUNDS = 1 if tier() == "quick" else 10
CHECKOUTS = 50
SKUS = [f"p{n}" for n in range(6)]
FIRST = 1_000


class Editor(threading.Thread):
    """Edits until it is told to stop, and remembers every price that there ever was."""

    def __init__(self, seed: float) -> None:
        super().__init__(daemon=True)
        self.dice, self.done = random.Random(seed), threading.Event()
        self.prices = {sku: {FIRST} for sku in SKUS}
        self.edits = 0
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            with acting_for(DEFAULT_TENANT):
                while not self.done.is_set():
                    self.edit(self.dice.choice(SKUS))
                    self.edits += 1
        except Exception as exc:  # noqa: BLE001 - the test has to see it
            self.failure = exc
        finally:
            connections.close_all()

    def edit(self, sku: str) -> None:
        minor, now = self.dice.randint(500, 5_000), datetime.now(UTC)
        self.prices[sku].add(minor)  # before it holds, so that no order is ahead of us
        match self.dice.randrange(4):
            case 0:
                fields = {"price": Money(minor, "EUR")}
                change_product(ChangeProduct(sku=sku, fields=fields), now=now)
            case 1:
                listed = (
                    ListedPrice(currency="EUR", minor=minor, from_quantity=2),
                    ListedPrice(currency="EUR", minor=minor, valid_from=now),
                )
                set_prices(SetPrices(sku=sku, prices=listed[self.dice.randrange(3) :]), now=now)
            case 2:
                key = f"r{self.edits}-{id(self)}"
                receive_stock(ReceiveStock(sku=sku, quantity=3, reason="came", key=key), now=now)
            case _:
                key, counted = f"c{self.edits}-{id(self)}", self.dice.randint(5_000, 9_999)
                count = CorrectStock(sku=sku, counted=counted, reason="counted", key=key)
                with suppress(OutOfStock):
                    correct_stock(count, now=now)


@contextmanager
def edited(dice: random.Random) -> Iterator[list[Editor]]:
    """Let two people edit meanwhile."""
    editors = [Editor(dice.random()) for _ in range(2)]
    for editor in editors:
        editor.start()
    try:
        yield editors
    finally:
        for editor in editors:
            editor.done.set()
        for editor in editors:
            editor.join(30)


def checkouts(dice: random.Random) -> list[tuple[list[tuple[str, int]], str]]:
    return [
        ([(sku, dice.randint(1, 4)) for sku in dice.sample(SKUS, 3)], "") for _ in range(CHECKOUTS)
    ]


def recomputed(order: Order) -> int:
    """Add an order up from the quote in its receipt: the list price of each line, times pieces."""
    lines = order.receipt["quote"]["lines"]
    return sum(quantity * list_minor for _, _, quantity, list_minor, *_ in lines)


def test_every_total_recomputes_from_its_own_receipt(shop: TenantRef, dice: random.Random) -> None:
    for sku in SKUS:
        put(sku, FIRST, 5_000, now=NOW)
    known: dict[str, set[int]] = {sku: {FIRST} for sku in SKUS}
    seen: set[uuid.UUID] = set()
    met = rounds = 0

    # The control is counted in: edits were under way where one product sold at two prices.
    while rounds < ROUNDS or (not met and rounds < MOST):
        rounds += 1
        with edited(dice) as editors:
            results = Counter(result["code"] for result in rush(checkouts(dice)))

        assert [editor.failure for editor in editors] == [None, None]
        assert results == {"PLACED": CHECKOUTS}
        for sku in SKUS:
            known[sku].update(*(editor.prices[sku] for editor in editors))
        placed = Order.objects.exclude(pk__in=seen)
        for order in placed:
            assert recomputed(order) == order.total_minor
            assert replay_receipt(order.pk, plugins=registry_of()).agrees
        sold = OrderLine.objects.filter(order__in=placed).values_list("sku", "unit_price_minor")
        prices = set(sold)
        assert [one for one in prices if one[1] not in known[one[0]]] == []
        met += len(prices) > len({sku for sku, _ in prices})
        seen |= {order.pk for order in placed}
        assert holds() == {}

    assert met


def test_control_a_receipt_read_after_the_price_was_made_tells_another(
    shop: TenantRef, dice: random.Random
) -> None:
    for sku in SKUS:
        put(sku, FIRST, 50_000, now=NOW)
    told: list[Order] = []

    for _ in range(MOST):
        with edited(dice):
            rush(checkouts(dice), without="one reading")
        told = [order for order in Order.objects.all() if recomputed(order) != order.total_minor]
        if told:
            break

    assert told
    assert not replay_receipt(told[0].pk, plugins=registry_of()).agrees


def test_a_receipt_that_holds_another_price_is_found(shop: TenantRef, dice: random.Random) -> None:
    for sku in SKUS:
        put(sku, FIRST, 500, now=NOW)
    rush(checkouts(dice)[:4])
    order = Order.objects.all()[0]
    order.receipt["quote"]["lines"][0][3] += 1
    Order.objects.filter(pk=order.pk).update(receipt=order.receipt)

    assert recomputed(order) != order.total_minor
    assert not replay_receipt(order.pk, plugins=registry_of()).agrees


def holds() -> dict[str, Any]:
    """Return which invariants don't hold, and where the counters are wrong."""
    with connection.cursor() as cursor:
        found: dict[str, Any] = broken(cursor, at_rest=False)
    differences = verify_stock().differences
    return found | ({"stock": differences} if differences else {})
