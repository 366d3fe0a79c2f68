"""Products, stock and customers: what may be, and what is refused by which code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from core.application.create_product import CreateProduct, create_product
from core.application.delete_product import delete_product
from core.application.publish_product import publish_product
from core.application.read_products import published_product, published_products
from core.application.receive_stock import ReceiveStock, receive_stock
from core.application.register_customer import RegisterCustomer, register_customer
from core.application.retire_product import retire_product
from core.context import TenantRef
from core.domain import errors
from core.domain.products import PriceNotPositive
from core.models import Customer, Event, Order, Product, Stock
from core.testing.registries import registry_of
from hookspecs import Address, Money
from tests.application.shelf import placed, stock


def product(**more: Any) -> CreateProduct:
    known: dict[str, Any] = {"sku": "cup", "name": "Cup", "price": Money(900, "EUR")}
    return CreateProduct(**{**known, **more})


def test_a_product_begins_as_a_draft_with_its_stock(shop: TenantRef, now: datetime) -> None:
    create_product(product(on_hand=3, categories=("Küche",)), now=now)

    row = Product.objects.get(sku="cup")
    assert (row.status, row.categories, stock("cup")) == ("DRAFT", ["Küche"], (3, 0))
    assert published_products(now=now) == ()


@pytest.mark.parametrize(
    ("given", "refusal", "field"),
    [
        ({"sku": ""}, errors.InvalidInput, "sku"),
        ({"sku": " cup"}, errors.InvalidInput, "sku"),
        ({"sku": "x" * 101}, errors.InvalidInput, "sku"),
        ({"name": "a\nb"}, errors.InvalidInput, "name"),
        ({"on_hand": -1}, errors.InvalidInput, "on_hand"),
        ({"price": Money(0, "EUR")}, PriceNotPositive, None),
        ({"price": Money(-5, "EUR")}, PriceNotPositive, None),
        ({"sku": "tea"}, errors.NameTaken, "sku"),
        ({"name": "The tea"}, errors.NameTaken, "name"),
    ],
)
def test_a_product_that_cant_be_is_refused(
    shelf: TenantRef,
    now: datetime,
    given: dict[str, Any],
    refusal: type[errors.Refusal],
    field: str | None,
) -> None:
    before = (Product.objects.count(), Stock.objects.count())

    with pytest.raises(refusal) as refused:
        create_product(product(**given), now=now)

    assert refused.value.details.get("field") == field
    assert (Product.objects.count(), Stock.objects.count()) == before


def test_it_is_published_once_and_announced(shelf: TenantRef, now: datetime) -> None:
    publish_product(sku="draft", now=now)

    assert published_product("draft", now=now).sku == "draft"
    assert Event.objects.filter(kind="product_changed", data={"skus": ["draft"]}).count() == 1
    with pytest.raises(errors.WrongState):
        publish_product(sku="draft", now=now)
    with pytest.raises(errors.NotFound):
        publish_product(sku="nothing", now=now)


def test_only_a_draft_can_be_deleted(shelf: TenantRef, now: datetime) -> None:
    delete_product(sku="draft")

    assert not Product.objects.filter(sku="draft").exists()
    with pytest.raises(errors.WrongState):
        delete_product(sku="tea")
    retire_product(sku="tea", now=now)
    with pytest.raises(errors.WrongState):
        delete_product(sku="tea")


def test_it_is_found_by_category_name_and_page(shop: TenantRef, now: datetime) -> None:
    for n in range(5):
        create_product(
            product(sku=f"s{n}", name=f"Täglich {n}", categories=("Tee & mehr",) if n % 2 else ()),
            now=now,
        )
        publish_product(sku=f"s{n}", now=now)

    assert [one.sku for one in published_products(now=now, limit=2)] == ["s0", "s1"]
    assert [one.sku for one in published_products(now=now, after="s1", limit=2)] == ["s2", "s3"]
    assert [one.sku for one in published_products(now=now, category="Tee & mehr")] == ["s1", "s3"]
    assert [one.sku for one in published_products(now=now, search="glich 4")] == ["s4"]
    with pytest.raises(errors.UnknownProduct):
        published_product("s9", now=now)


def test_stock_is_booked_once_per_key_and_never_below_what_is_promised(
    shelf: TenantRef, now: datetime
) -> None:
    placed(("tea", 4), plugins=registry_of(), now=now)
    more = ReceiveStock(sku="tea", quantity=5, reason="delivery", key="d1")

    first, again = receive_stock(more, now=now), receive_stock(more, now=now)

    assert (first, again, stock("tea")) == (True, False, (15, 4))
    with pytest.raises(errors.OutOfStock):
        receive_stock(ReceiveStock(sku="tea", quantity=-12, reason="count", key="c"), now=now)
    with pytest.raises(errors.NotFound):
        receive_stock(ReceiveStock(sku="no", quantity=1, reason="count", key="c"), now=now)
    with pytest.raises(errors.InvalidInput):
        receive_stock(ReceiveStock(sku="tea", quantity=0, reason="count", key="c"), now=now)
    assert stock("tea") == (15, 4)


def test_a_customer_is_registered_once(shop: TenantRef, now: datetime) -> None:
    command = RegisterCustomer(ref="ALFKI", name="Alfreds", address=Address(country="DE"))
    register_customer(command, now=now)

    assert Customer.objects.get().address["country"] == "DE"
    with pytest.raises(errors.NameTaken):
        register_customer(command, now=now)
    with pytest.raises(errors.InvalidInput):
        register_customer(RegisterCustomer(ref=" "), now=now)


def test_an_order_of_a_customer_keeps_a_copy_of_the_contact(
    shelf: TenantRef, now: datetime
) -> None:
    register_customer(RegisterCustomer(ref="ALFKI", name="Alfreds", email="a@example.org"), now=now)

    with pytest.raises(errors.UnknownCustomer):
        placed(("tea", 1), plugins=registry_of(), now=now, customer_ref="nobody")
    order = placed(("tea", 1), plugins=registry_of(), now=now, customer_ref="ALFKI", contact=None)
    Customer.objects.update(name="Somebody else")

    assert Order.objects.get(pk=order.order_id).contact["name"] == "Alfreds"
