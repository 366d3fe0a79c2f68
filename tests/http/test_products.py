"""The catalogue over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.http.conftest import Api

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shelf")]

Keys = Callable[..., dict[str, str]]


def test_products_come_page_by_page_in_order_of_sku(api: Api) -> None:
    first = api.get("/products?limit=2").json()

    second = api.get(f"/products?limit=2&after={first['next']}").json()

    assert [one["sku"] for one in first["items"]] == ["pot", "rare"]
    assert ([one["sku"] for one in second["items"]], second["next"]) == (["tea"], None)


def test_a_product_shows_price_and_what_is_left(api: Api) -> None:
    answer = api.get("/products/rare")

    assert answer.json()["price"] == {"minor": 9900, "currency": "EUR"}
    assert answer.json()["available"] == 1


def test_a_draft_is_not_found(api: Api) -> None:
    assert api.get("/products/draft").status_code == 404


def test_a_product_is_created_as_a_draft_and_then_published(api: Api, key: Keys) -> None:
    held = key("products:write")
    product = {
        "sku": "a/b c",
        "name": "Odd",
        "price": {"minor": 1, "currency": "EUR"},
        "categories": ["odd"],
        "attributes": {"colour": "red"},
        "on_hand": 3,
    }

    created = api.post("/products", product, **held)
    hidden = api.get("/products/a/b%20c")
    published = api.post("/products/a/b%20c/publish", {}, **held)

    assert (created.status_code, created.json()["status"]) == (201, "DRAFT")
    assert hidden.status_code == 404
    assert published.json() == {"sku": "a/b c", "status": "PUBLISHED"}
    assert api.get("/products/a/b%20c").json()["attributes"] == {"colour": "red"}


def test_products_are_found_by_category_and_word(api: Api, key: Keys) -> None:
    held = key("products:write")
    for sku, categories in (("x1", ["toys"]), ("x2", ["tools"])):
        price = {"minor": 5, "currency": "EUR"}
        api.post(
            "/products", {"sku": sku, "name": sku, "price": price, "categories": categories}, **held
        )
        api.post(f"/products/{sku}/publish", {}, **held)

    by_category, by_word = api.get("/products?category=toys"), api.get("/products?search=x2")

    assert [one["sku"] for one in by_category.json()["items"]] == ["x1"]
    assert [one["sku"] for one in by_word.json()["items"]] == ["x2"]
