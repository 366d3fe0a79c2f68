"""What pages of plugins are handed at `request.shop`."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from core.http.shop import BoundShop
from core.models import Order
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Basket, BasketLine, Customer, Money, Refused, Shop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shelf")]

TEA = Basket(
    lines=(BasketLine(sku="tea", quantity=2),), contact=Customer(ref="", email="anna@shop.test")
)


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway(way="redirect")


@pytest.fixture
def shop(gateway: MemoryGateway) -> Shop:
    registry = registry_of(FakePlugin(name="pay-memory", strategies=(gateway,)))
    return BoundShop(registry=registry, now=timezone.now())


def code(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.code


def test_the_shelves_are_read_in_order_of_sku(shop: Shop) -> None:
    assert [one.sku for one in shop.products(after="pot")] == ["rare", "tea"]
    assert shop.product("tea").price == Money(450, "EUR")


def test_a_basket_is_priced_and_payable(shop: Shop) -> None:
    priced = shop.quote(TEA)

    assert priced.total == Money(900, "EUR")
    assert priced.lines[0].name == "A tea"
    assert [choice.code for choice in shop.payment_choices(TEA)] == ["memory"]


def test_an_order_is_placed_once_per_key(shop: Shop) -> None:
    placed = shop.place_order(TEA, key="k", confirmed_total=Money(900, "EUR"))

    again = shop.place_order(TEA, key="k", confirmed_total=Money(900, "EUR"))

    assert again == placed
    assert Order.objects.count() == 1
    assert shop.order(placed.order_id, placed.token).order.customer.email == "anna@shop.test"


def test_an_order_is_paid_by_way_of_the_gateways_page(shop: Shop, gateway: MemoryGateway) -> None:
    placed = shop.place_order(TEA, key="k")
    ids = (placed.order_id, placed.token)
    begun = shop.start_payment(
        *ids, "memory", key="p", return_url="https://s.test/", cancel_url="https://s.test/"
    )
    gateway.approve(uuid.UUID(begun.payment_id).hex)

    done = shop.resume_payment(*ids, begun.payment_id, {"ok": "1"})

    assert begun.action is not None
    assert (done.status, done.action) == ("CAPTURED", None)
    assert shop.order(*ids).status == "PAID"


def test_an_order_is_cancelled_by_who_holds_its_link(shop: Shop) -> None:
    placed = shop.place_order(TEA, key="k")

    page = shop.cancel_order(placed.order_id, placed.token, reason="changed my mind")

    assert page.status == "CANCELLED"


def test_a_wrong_token_is_as_good_as_no_order(shop: Shop) -> None:
    placed = shop.place_order(TEA, key="k")

    with pytest.raises(Refused) as wrong:
        shop.order(placed.order_id, "A" * 22)
    with pytest.raises(Refused) as unknown:
        shop.order(str(uuid.uuid4()), placed.token)
    with pytest.raises(Refused) as nonsense:
        shop.resume_payment(placed.order_id, placed.token, "x", {})

    assert code(wrong) == code(unknown) == code(nonsense) == "NOT_FOUND"
    assert str(wrong.value) == str(unknown.value)


def test_what_is_refused_says_why_in_plain_details(shop: Shop) -> None:
    with pytest.raises(Refused) as refused:
        shop.quote(Basket(lines=(BasketLine(sku="rare", quantity=2),)))

    assert code(refused) == "OUT_OF_STOCK"
    assert refused.value.details["skus"] == ["rare"]


@pytest.mark.parametrize("sku", ["a\x00b", "\ud800"])
def test_what_no_database_stores_is_refused(shop: Shop, sku: str) -> None:
    with pytest.raises(Refused) as refused:
        shop.product(sku)

    assert code(refused) == "INVALID_INPUT"


def test_another_currency_than_the_orders_is_refused(shop: Shop) -> None:
    with pytest.raises(Refused) as refused:
        shop.place_order(TEA, key="k", confirmed_total=Money(900, "USD"))

    assert code(refused) == "INVALID_INPUT"


def test_a_cache_that_nobody_keeps_is_refused(shop: Shop) -> None:
    with pytest.raises(Refused) as refused:
        shop.cached("nothing", ["a"])

    assert code(refused) == "NOT_FOUND"


def test_products_are_read_through_the_cache(shop: Shop) -> None:
    assert shop.cached("product", ["tea", "none"]).keys() == {"tea"}
