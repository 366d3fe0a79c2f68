"""Changing products, families of variants, categories below one another, corrections of stock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from core.application.change_category import ChangeCategory, change_category
from core.application.change_product import ChangeProduct, ProductChanged, change_product
from core.application.correct_stock import CorrectStock, correct_stock
from core.application.create_category import CreateCategory, create_category
from core.application.create_family import create_family
from core.application.create_product import CreateProduct, create_product
from core.application.delete_category import delete_category
from core.application.publish_product import publish_product
from core.application.read_products import categories, published_product, published_products
from core.application.receive_stock import ReceiveStock, receive_stock
from core.context import TenantRef
from core.domain import errors
from core.domain.products import NotPublishable, PriceNotPositive
from core.models import Category, Event, Product, StockReceipt
from core.testing.registries import registry_of
from hookspecs import Money
from tests.application.shelf import placed, put, stock


def change(sku: str, now: datetime, **fields: Any) -> ProductChanged:
    return change_product(ChangeProduct(sku=sku, fields=fields), now=now)


def tee(sku: str, now: datetime, *, publish: bool = True, **attributes: str) -> None:
    product = CreateProduct(
        sku=sku,
        name=f"T-shirt {sku}",
        price=Money(1500, "EUR"),
        family="T-shirt",
        attributes=attributes,
    )
    create_product(product, now=now)
    if publish:
        publish_product(sku=sku, now=now)


@pytest.fixture
def family(shop: TenantRef) -> None:
    create_family(name="T-shirt", options=("Colour", "Size"))


# Products


def test_a_change_touches_what_it_names_and_is_announced_once(
    shelf: TenantRef, now: datetime
) -> None:
    change("tea", now, description="Leaves", price=Money(500, "EUR"))
    again = change("tea", now, description="Leaves")

    row = Product.objects.get(sku="tea")
    assert (row.name, row.description, row.price_minor) == ("The tea", "Leaves", 500)
    assert (again.columns, again.status) == ((), "PUBLISHED")
    assert Event.objects.filter(kind="product_changed", data={"skus": ["tea"]}).count() == 2


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"name": ""}, errors.InvalidInput),
        ({"name": "The pot"}, errors.NameTaken),
        ({"price": Money(0, "EUR")}, PriceNotPositive),
        ({"price": None}, NotPublishable),
        ({"family": "nobody"}, errors.InvalidInput),
        ({"categories": ("a > b > a",)}, errors.InvalidInput),
        ({"categories": ("",)}, errors.InvalidInput),
    ],
)
def test_a_change_that_no_product_may_have_changes_nothing(
    shelf: TenantRef, now: datetime, fields: dict[str, Any], refusal: type[errors.Refusal]
) -> None:
    before = Product.objects.filter(sku="tea").values().get()

    with pytest.raises(refusal):
        change("tea", now, **fields)
    with pytest.raises(errors.NotFound):
        change("nothing", now, name="Nothing")

    assert Product.objects.filter(sku="tea").values().get() == before


def test_what_lacks_a_price_is_a_draft_until_it_has_one(shop: TenantRef, now: datetime) -> None:
    create_product(CreateProduct(sku="cup", name="Cup"), now=now)

    with pytest.raises(NotPublishable) as refused:
        publish_product(sku="cup", now=now)
    change("cup", now, price=Money(900, "EUR"))
    publish_product(sku="cup", now=now)

    assert refused.value.details["lacks"] == ["price"]
    assert published_product("cup", now=now).price == Money(900, "EUR")


# Variants


def test_variants_of_a_family_are_told_apart_by_its_options(family: None, now: datetime) -> None:
    tee("red-l", now, Colour="red", Size="L")
    tee("red-s", now, Colour="red", Size="S")
    put("cup", 900, 1, now=now)

    found = published_products(now=now, family="T-shirt")
    cards = published_products(now=now, one_per_family=True)

    assert [(one.sku, one.family, one.variant) for one in found] == [
        ("red-l", "T-shirt", "red · L"),
        ("red-s", "T-shirt", "red · S"),
    ]
    assert [one.sku for one in cards] == ["cup", "red-l"]


def test_of_a_family_the_first_that_is_found_is_shown(family: None, now: datetime) -> None:
    tee("a", now, Colour="red", Size="L")
    tee("b", now, Colour="red", Size="S")

    cards = published_products(now=now, one_per_family=True, search="shirt b")

    assert [one.sku for one in cards] == ["b"]


def test_a_family_has_each_variant_once(family: None, now: datetime) -> None:
    tee("a", now, Colour="red", Size="L")

    with pytest.raises(errors.NameTaken) as refused:
        tee("b", now, Colour="red", Size="L")

    assert refused.value.details["field"] == "attributes"
    assert not Product.objects.filter(sku="b").exists()


def test_a_variant_without_a_value_for_each_option_is_not_sold(family: None, now: datetime) -> None:
    tee("a", now, publish=False, Colour="red")
    tee("b", now, publish=False, Size="L")

    with pytest.raises(NotPublishable) as refused:
        publish_product(sku="a", now=now)
    change("a", now, attributes={"Colour": "red", "Size": "M"})
    publish_product(sku="a", now=now)

    assert refused.value.details["lacks"] == ["options"]
    with pytest.raises(NotPublishable):
        change("a", now, attributes={"Colour": "red"})


@pytest.mark.parametrize(
    ("name", "options", "refusal"),
    [
        ("", ("Size",), errors.InvalidInput),
        ("Cup", (), errors.InvalidInput),
        ("Cup", ("Size", "Size"), errors.InvalidInput),
        ("Cup", (" Size",), errors.InvalidInput),
        ("T-shirt", ("Size",), errors.NameTaken),
    ],
)
def test_a_family_that_cant_be_is_refused(
    family: None, name: str, options: tuple[str, ...], refusal: type[errors.Refusal]
) -> None:
    with pytest.raises(refusal):
        create_family(name=name, options=options)


# Categories


def in_category(sku: str, *names: str, now: datetime) -> None:
    product = CreateProduct(sku=sku, name=sku, price=Money(100, "EUR"), categories=names)
    create_product(product, now=now)
    publish_product(sku=sku, now=now)


def skus(category: str, now: datetime) -> list[str]:
    return [one.sku for one in published_products(now=now, category=category)]


def test_what_lies_in_a_category_lies_in_those_above_it(shop: TenantRef, now: datetime) -> None:
    in_category("sencha", "Drinks > Tea > Green tea", now=now)
    in_category("assam", "Tea", "Gifts", now=now)

    assert categories() == {
        "Drinks": "",
        "Gifts": "",
        "Green tea": "Tea",
        "Tea": "Drinks",
    }
    assert Product.objects.get(sku="assam").categories == ["Tea", "Gifts", "Drinks"]
    assert skus("Drinks", now) == ["assam", "sencha"]
    assert skus("green-tea", now) == ["sencha"]


def test_a_path_that_says_something_else_is_refused(shop: TenantRef, now: datetime) -> None:
    in_category("sencha", "Drinks > Tea", now=now)

    with pytest.raises(errors.InvalidInput):
        in_category("assam", "Gifts > Tea", now=now)

    assert set(categories()) == {"Drinks", "Tea"}


def test_products_follow_a_category_that_is_renamed_and_moved(
    shop: TenantRef, now: datetime
) -> None:
    in_category("sencha", "Drinks > Tea > Green tea", now=now)
    in_category("assam", "Tea", now=now)
    create_category(CreateCategory(name="Pantry"))

    change_category(ChangeCategory(slug="tea", name="Teas", parent="Pantry"), now=now)

    assert categories()["Teas"] == "Pantry"
    assert Product.objects.get(sku="sencha").categories == ["Green tea", "Teas", "Pantry"]
    assert (skus("Drinks", now), skus("Pantry", now)) == ([], ["assam", "sencha"])
    assert Event.objects.filter(data={"skus": ["assam", "sencha"]}).count() == 1


def test_a_category_cant_lie_below_itself(shop: TenantRef, now: datetime) -> None:
    in_category("sencha", "Drinks > Tea", now=now)

    for parent in ("Tea", "Drinks", "nowhere"):
        with pytest.raises(errors.InvalidInput):
            change_category(ChangeCategory(slug="drinks", parent=parent), now=now)
    with pytest.raises(errors.NameTaken):
        change_category(ChangeCategory(slug="drinks", name="Tea"), now=now)
    with pytest.raises(errors.NotFound):
        change_category(ChangeCategory(slug="nowhere", name="Tea"), now=now)


def test_only_an_empty_category_is_deleted(shop: TenantRef, now: datetime) -> None:
    in_category("sencha", "Drinks > Tea", now=now)
    empty = create_category(CreateCategory(name="Empty", parent="Tea"))

    delete_category(slug=empty)

    for slug in ("tea", "drinks"):
        with pytest.raises(errors.WrongState):
            delete_category(slug=slug)
    assert set(categories()) == {"Drinks", "Tea"}


def test_slugs_are_made_of_names_and_stay_apart(shop: TenantRef) -> None:
    made = [create_category(CreateCategory(name=name)) for name in ("Für Tee", "für tee", "!")]

    assert made == ["für-tee", "für-tee-2", "category"]
    with pytest.raises(errors.NameTaken):
        create_category(CreateCategory(name="Other", slug="für-tee"))
    for wrong in ({"name": "a > b"}, {"name": "Tea", "slug": "a/b"}, {"name": "x", "parent": "y"}):
        with pytest.raises(errors.InvalidInput):
            create_category(CreateCategory(**wrong))
    assert Category.objects.count() == 3


# Stock


def count(counted: int, now: datetime, *, key: str = "c1", reason: str = "counted") -> bool:
    return correct_stock(CorrectStock(sku="tea", counted=counted, reason=reason, key=key), now=now)


def test_a_count_books_the_difference_once(shelf: TenantRef, now: datetime) -> None:
    placed(("tea", 4), plugins=registry_of(), now=now)

    first, again = count(7, now), count(7, now)

    receipt = StockReceipt.objects.get()
    assert (first, again, stock("tea")) == (True, False, (7, 4))
    assert (receipt.quantity, receipt.counted, receipt.reason) == (-3, 7, "counted")
    with pytest.raises(errors.IdempotencyConflict):
        count(6, now)
    with pytest.raises(errors.OutOfStock):
        count(3, now, key="c2")
    for wrong in ({"key": ""}, {"reason": " "}):
        with pytest.raises(errors.InvalidInput):
            count(7, now, **wrong)
    with pytest.raises(errors.InvalidInput):
        count(-1, now, key="c3")
    assert stock("tea") == (7, 4)


def test_the_key_of_a_receipt_is_not_used_for_another(shelf: TenantRef, now: datetime) -> None:
    receive_stock(ReceiveStock(sku="tea", quantity=5, reason="delivery", key="d1"), now=now)

    for other in ({"quantity": 6}, {"sku": "pot"}, {"reason": "found"}):
        command = {"sku": "tea", "quantity": 5, "reason": "delivery", "key": "d1"} | other
        with pytest.raises(errors.IdempotencyConflict):
            receive_stock(ReceiveStock(**command), now=now)  # type: ignore[arg-type]

    assert (stock("tea"), stock("pot")) == ((15, 0), (5, 0))
