"""The warmer of products: what it plans and what it loads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from hookspecs import (
    CacheWarmer,
    Customer,
    Money,
    NotConfigured,
    OrderEvent,
    OrderLine,
    OrderSnapshot,
    PaymentEvent,
    Product,
    ProductEvent,
)
from warm_catalogue.plugin import cache_warmers
from warm_catalogue.settings import Settings

AT = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
NOTHING = Money(0, "EUR")


class Shelf:
    """A catalogue in memory that counts how it is read."""

    tenant = "default"

    def __init__(self, count: int) -> None:
        self._skus = [f"p-{number:04}" for number in range(count)]
        self.pages = 0

    def skus(self, *, after: str = "", limit: int = 1000) -> Sequence[str]:
        self.pages += 1
        return [sku for sku in self._skus if sku > after][:limit]

    def products(self, skus: Iterable[str], /) -> Sequence[Product]:
        return [
            Product(
                sku=sku,
                name=f"Product {sku}",
                price=Money(1999, "EUR"),
                available=3,
                categories=frozenset({"tea", "gifts"}),
                attributes={"size": "L"},
            )
            for sku in sorted(set(skus) & set(self._skus))
        ]


def warmer(settings: Settings | None = None) -> CacheWarmer:
    (only,) = cache_warmers(settings or Settings())
    return only


def order(*skus: str) -> OrderSnapshot:
    line = OrderLine(
        line_id="1", sku="", name="", quantity=1, unit_price=NOTHING, tax=NOTHING, total=NOTHING
    )
    return OrderSnapshot(
        number="A",
        tenant="default",
        placed_at=AT,
        customer=Customer(ref=""),
        lines=tuple(replace(line, sku=sku) for sku in skus),
        shipping=NOTHING,
        fees=NOTHING,
        tax=NOTHING,
        rounding=NOTHING,
        total=NOTHING,
    )


def test_it_is_a_warmer_of_the_core_s_own_products() -> None:
    info = warmer(Settings(ttl=timedelta(minutes=1))).info

    assert isinstance(warmer(), CacheWarmer)
    assert info.namespace == "product"
    assert info.ttl == timedelta(minutes=1)
    assert {"product_changed", "order_placed"} <= info.depends_on


def test_without_a_change_it_plans_everything_page_by_page() -> None:
    shelf = Shelf(7)

    planned = list(warmer(Settings(page=3)).plan(None, shelf))

    assert planned == [f"p-{number:04}" for number in range(7)]
    assert shelf.pages == 4


def test_a_round_that_stops_has_read_no_more_than_it_needed() -> None:
    shelf = Shelf(7)

    planned = list(islice(warmer(Settings(page=3)).plan(None, shelf), 2))

    assert planned == ["p-0000", "p-0001"]
    assert shelf.pages == 1


def test_a_changed_product_is_planned_alone() -> None:
    change = ProductEvent(id="e", at=AT, tenant="default", skus=("p-0002",))

    assert list(warmer().plan(change, Shelf(7))) == ["p-0002"]


def test_an_order_touches_what_it_sold_once_each() -> None:
    change = OrderEvent(id="e", at=AT, tenant="default", order=order("b", "a", "b"))

    assert list(warmer().plan(change, Shelf(0))) == ["a", "b"]


def test_a_payment_touches_no_product() -> None:
    change = PaymentEvent(
        id="e",
        at=AT,
        tenant="default",
        order=order("a"),
        payment_id="p",
        strategy_code="card",
        amount=NOTHING,
    )

    assert list(warmer().plan(change, Shelf(1))) == []


def test_it_loads_plain_data_and_leaves_out_what_is_gone() -> None:
    loaded = warmer().load(["p-0001", "gone"], Shelf(3))

    assert loaded == {
        "p-0001": {
            "sku": "p-0001",
            "name": "Product p-0001",
            "price_minor": 1999,
            "currency": "EUR",
            "available": 3,
            "tax_class": "",
            "categories": ["gifts", "tea"],
            "attributes": {"size": "L"},
            "description": "",
            "picture": "",
        }
    }


@pytest.mark.parametrize(
    "given",
    [
        {"ttl": timedelta(0)},
        {"budget": timedelta(seconds=-1)},
        {"stale_ttl": timedelta(seconds=-1)},
        {"page": 0},
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, timedelta | int]) -> None:
    with pytest.raises(NotConfigured, match=next(iter(given))):
        Settings(**given)
