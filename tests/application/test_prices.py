"""Prices by currency, quantity and time: which one an order pays, and how many statements it takes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.application.quote_order import QuoteOrder, quote_order
from core.application.read_products import published_product
from core.application.set_prices import SetPrices, prices_of, set_prices
from core.context import TenantRef, tenant
from core.domain import errors
from core.domain.prices import MAX_PRICES, ListedPrice, PricesOverlap, check_prices
from core.domain.products import PriceNotPositive
from core.models import Event, Price
from core.models.catalogue import read_shelf
from core.testing.registries import registry_of
from hookspecs import Money
from tests.application.shelf import placed, put, wanting

DAY = timedelta(days=1)


def listed(minor: int, from_quantity: int = 1, currency: str = "EUR", **times: Any) -> ListedPrice:
    return ListedPrice(minor=minor, from_quantity=from_quantity, currency=currency, **times)


def set_for(sku: str, *prices: ListedPrice, now: datetime) -> bool:
    return set_prices(SetPrices(sku=sku, prices=prices), now=now)


def unit_price(quantity: int, now: datetime, currency: str = "EUR") -> Money:
    composed = quote_order(
        QuoteOrder(composition=wanting(("tea", quantity), currency=currency)),
        plugins=registry_of(),
        now=now,
    )
    return composed.priced.quote.lines[0].list_price


def test_the_price_is_that_of_the_greatest_quantity_reached(
    shelf: TenantRef, now: datetime
) -> None:
    set_for("tea", listed(400, 5), listed(350, 8), listed(600, currency="USD"), now=now)

    assert [unit_price(n, now).minor for n in (1, 4, 5, 7, 8, 10)] == [450, 450, 400, 400, 350, 350]
    assert unit_price(9, now, "USD") == Money(600, "USD")
    with pytest.raises(errors.CurrencyMismatch):
        unit_price(1, now, "CHF")


def test_lines_of_one_product_reach_a_quantity_together(shelf: TenantRef, now: datetime) -> None:
    set_for("tea", listed(400, 5), now=now)
    shelf_now = read_shelf(tenant_id=tenant().id, units={"tea": 5}, currency="EUR", now=now)

    composed = quote_order(
        QuoteOrder(composition=wanting(("tea", 2), ("tea", 3))), plugins=registry_of(), now=now
    )

    assert shelf_now["tea"].price_minor == 400
    assert composed.priced.total_minor == 2000


def test_a_price_for_a_time_wins_while_it_holds(shelf: TenantRef, now: datetime) -> None:
    set_for(
        "tea",
        listed(440),
        listed(300, valid_from=now, valid_until=now + DAY),
        listed(200, valid_from=now + DAY),
        listed(100, valid_until=now - 2 * DAY),
        now=now,
    )

    moments = (now - 3 * DAY, now - DAY, now, now + DAY - timedelta(seconds=1), now + DAY)
    assert [unit_price(1, at).minor for at in moments] == [100, 440, 300, 300, 200]
    assert [published_product("tea", now=at).price.minor for at in moments] == [
        100,
        440,
        300,
        300,
        200,
    ]


def test_a_product_shows_its_tiers_where_it_has_several(shelf: TenantRef, now: datetime) -> None:
    set_for("tea", listed(350, 8), listed(400, 5), listed(1, 2, "USD"), now=now)

    tea, pot = (published_product(sku, now=now) for sku in ("tea", "pot"))

    assert {n: price.minor for n, price in tea.tiers.items()} == {1: 450, 5: 400, 8: 350}
    assert (tea.price, pot.tiers) == (Money(450, "EUR"), {})


def test_a_product_of_another_currency_is_sold_where_it_has_a_price(
    shop: TenantRef, now: datetime
) -> None:
    put("wine", 900, 5, now=now, currency="USD")

    with pytest.raises(errors.CurrencyMismatch):
        placed(("wine", 1), plugins=registry_of(), now=now)
    set_for("wine", listed(850), now=now)

    order = placed(("wine", 2), plugins=registry_of(), now=now)
    assert order.total == Money(1700, "EUR")
    assert published_product("wine", now=now).price == Money(850, "EUR")


def test_prices_are_replaced_as_a_whole_and_announced_if_they_change(
    shelf: TenantRef, now: datetime
) -> None:
    before = Event.objects.count()

    first = set_for("tea", listed(400, 5), listed(600, currency="USD"), now=now)
    same = set_for("tea", listed(600, currency="USD"), listed(400, 5), now=now)
    less = set_for("tea", listed(390, 5), now=now)

    assert (first, same, less) == (True, False, True)
    assert prices_of("tea") == [listed(390, 5)]
    assert (Price.objects.count(), Event.objects.count() - before) == (1, 2)
    with pytest.raises(errors.NotFound):
        set_for("nothing", now=now)


NOON = datetime.fromisoformat("2026-11-23T12:00:00+00:00")
LATER = NOON + DAY
WRONG: dict[str, tuple[list[ListedPrice], type[errors.Refusal]]] = {
    "the same twice": ([listed(1), listed(2)], PricesOverlap),
    "two times that meet": (
        [listed(1, valid_from=NOON), listed(2, valid_until=LATER)],
        PricesOverlap,
    ),
    "one within another": (
        [
            listed(1, valid_from=NOON, valid_until=NOON + 3 * DAY),
            listed(2, valid_from=LATER, valid_until=NOON + 2 * DAY),
        ],
        PricesOverlap,
    ),
    "two without an end": (
        [listed(1, valid_from=NOON), listed(2, valid_from=LATER)],
        PricesOverlap,
    ),
    "ends before it begins": (
        [listed(1, valid_from=LATER, valid_until=NOON)],
        errors.InvalidInput,
    ),
    "no time zone": ([listed(1, valid_from=NOON.replace(tzinfo=None))], errors.InvalidInput),
    "nothing": ([listed(0)], PriceNotPositive),
    "less than nothing": ([listed(-1)], PriceNotPositive),
    "no quantity": ([listed(1, 0)], errors.InvalidInput),
    "no currency": ([listed(1, currency="euro")], errors.InvalidInput),
    "too many": ([listed(1, n + 1) for n in range(MAX_PRICES + 1)], errors.InvalidInput),
}


@pytest.mark.parametrize(("prices", "refusal"), WRONG.values(), ids=list(WRONG))
def test_prices_that_cant_be_are_refused(
    prices: list[ListedPrice], refusal: type[errors.Refusal]
) -> None:
    with pytest.raises(refusal):
        check_prices(prices)


def test_times_that_follow_one_another_are_fine() -> None:
    check_prices(
        [
            listed(1, valid_until=NOON),
            listed(2, valid_from=NOON, valid_until=LATER),
            listed(3, valid_from=LATER),
            listed(4),
            listed(5, 2),
            listed(6, currency="USD"),
        ]
    )


def test_any_number_of_lines_is_read_in_one_statement(shop: TenantRef, now: datetime) -> None:
    for n in range(30):
        put(f"p{n}", 100, 9, now=now)
        set_for(f"p{n}", listed(90, 2), listed(80, 4), listed(70, currency="USD"), now=now)
    units = {f"p{n}": 1 + n % 5 for n in range(30)}

    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = read_shelf(tenant_id=tenant().id, units=units, currency="EUR", now=now)

    assert len(asked) == 1
    assert [found[f"p{n}"].price_minor for n in range(5)] == [100, 90, 90, 80, 80]
