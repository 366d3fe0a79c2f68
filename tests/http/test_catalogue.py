"""The catalogue over HTTP, for those who keep it: change, price, retire, arrange, count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.models import Product, StockReceipt
from tests.http.conftest import Api

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shelf")]

Keys = Callable[..., dict[str, str]]


@pytest.fixture
def held(key: Keys) -> dict[str, str]:
    return key("products:write", "stock:write")


def refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_product_is_changed_where_it_is_said_and_nowhere_else(
    api: Api, held: dict[str, str]
) -> None:
    body = {"description": "Leaves", "categories": ["Drinks > Tea"]}

    answer = api.send("PATCH", "/products/tea", body, **held)

    assert (answer.status_code, answer.json()) == (200, {"sku": "tea", "status": "PUBLISHED"})
    seen = api.get("/products/tea").json()
    assert (seen["name"], seen["description"]) == ("A tea", "Leaves")
    assert seen["categories"] == ["Drinks", "Tea"]
    refused(api.send("PATCH", "/products/tea", {"price": None}, **held), 422, "NOT_PUBLISHABLE")
    refused(api.send("PATCH", "/products/tea", {"name": "A pot"}, **held), 409, "NAME_TAKEN")
    refused(api.send("PATCH", "/products/tea", {"colour": "x"}, **held), 422, "INVALID_INPUT")
    refused(api.send("PATCH", "/products/none", {"name": "x"}, **held), 404, "NOT_FOUND")


def test_a_draft_is_deleted_and_what_was_for_sale_is_retired(
    api: Api, held: dict[str, str]
) -> None:
    assert api.send("DELETE", "/products/draft", **held).status_code == 204
    assert not Product.objects.filter(sku="draft").exists()
    refused(api.send("DELETE", "/products/tea", **held), 409, "WRONG_STATE")
    assert api.post("/products/tea/retire", **held).json() == {"sku": "tea", "status": "RETIRED"}
    refused(api.post("/products/tea/retire", **held), 409, "WRONG_STATE")


def test_prices_are_put_as_a_whole_and_shown(api: Api, held: dict[str, str]) -> None:
    prices = [
        {"currency": "EUR", "minor": 400, "from_quantity": 5},
        {
            "currency": "EUR",
            "minor": 300,
            "valid_from": "2020-01-01T01:00:00+01:00",
            "valid_until": "2020-02-01T00:00:00Z",
        },
    ]

    put = api.send("PUT", "/products/tea/prices", {"prices": prices}, **held)
    got = api.get("/products/tea/prices", **held)

    assert (put.status_code, put.json()) == (200, got.json())
    assert got.json()["prices"] == [
        {
            "price": {"minor": 300, "currency": "EUR"},
            "from_quantity": 1,
            "valid_from": "2020-01-01T00:00:00Z",
            "valid_until": "2020-02-01T00:00:00Z",
        },
        {
            "price": {"minor": 400, "currency": "EUR"},
            "from_quantity": 5,
            "valid_from": None,
            "valid_until": None,
        },
    ]
    assert api.get("/products/tea").json()["tiers"]["5"] == {"minor": 400, "currency": "EUR"}
    twice = {"prices": [prices[0], prices[0]]}
    refused(api.send("PUT", "/products/tea/prices", twice, **held), 422, "PRICES_OVERLAP")
    free = {"prices": [{"currency": "EUR", "minor": 0}]}
    refused(api.send("PUT", "/products/tea/prices", free, **held), 422, "PRICE_NOT_POSITIVE")
    refused(api.send("PUT", "/products/none/prices", {"prices": []}, **held), 404, "NOT_FOUND")


def test_variants_are_shown_together_or_one_for_all(api: Api, held: dict[str, str]) -> None:
    family = api.post("/families", {"name": "Cup", "options": ["Size"]}, **held)
    for size in ("L", "S"):
        product = {
            "sku": f"cup-{size}",
            "name": f"Cup {size}",
            "price": {"minor": 900, "currency": "EUR"},
            "family": "Cup",
            "attributes": {"Size": size},
        }
        api.post("/products", product, **held)
        api.post(f"/products/cup-{size}/publish", **held)

    both = api.get("/products?family=Cup").json()["items"]
    one = api.get("/products?one_per_family=true").json()["items"]

    assert (family.status_code, family.json()) == (201, {"name": "Cup", "options": ["Size"]})
    assert [(each["sku"], each["variant"]) for each in both] == [("cup-L", "L"), ("cup-S", "S")]
    assert [each["sku"] for each in one] == ["cup-L", "pot", "rare", "tea"]
    refused(api.post("/families", {"name": "Cup", "options": ["x"]}, **held), 409, "NAME_TAKEN")


def test_categories_are_arranged(api: Api, held: dict[str, str]) -> None:
    top = api.post("/categories", {"name": "Drinks"}, **held)
    api.post("/categories", {"name": "Tea", "parent": "Drinks", "position": 1}, **held)
    changed = api.send("PATCH", "/categories/tea", {"slug": "teas", "parent": ""}, **held)
    gone = api.send("DELETE", "/categories/drinks", **held)

    assert (top.status_code, top.json()["slug"]) == (201, "drinks")
    assert changed.json() == {"name": "Tea", "slug": "teas", "parent": "", "position": 1}
    assert gone.status_code == 204
    assert [one["slug"] for one in api.get("/categories").json()["items"]] == ["teas"]
    refused(api.send("DELETE", "/categories/drinks", **held), 404, "NOT_FOUND")
    refused(api.post("/categories", {"name": "a > b"}, **held), 422, "INVALID_INPUT")


def test_stock_is_booked_and_counted_once_per_key(api: Api, held: dict[str, str]) -> None:
    came = {"quantity": 5, "reason": "delivery"}
    found = {"counted": 104, "reason": "one was broken"}

    first, again = (
        api.post("/products/tea/stock/receipts", came, Idempotency_Key="r", **held)
        for _ in range(2)
    )
    counted = api.post("/products/tea/stock/counts", found, Idempotency_Key="c", **held)

    assert (first.status_code, first.json()) == (201, again.json())
    assert (counted.json()["quantity"], counted.json()["counted"]) == (-1, 104)
    assert api.get("/products/tea").json()["available"] == 104
    assert StockReceipt.objects.count() == 2
    other = api.post("/products/tea/stock/counts", found, Idempotency_Key="r", **held)
    refused(other, 422, "IDEMPOTENCY_KEY_REUSED")
    refused(api.post("/products/tea/stock/receipts", came, **held), 400, "IDEMPOTENCY_KEY_MISSING")
    low = {"quantity": -105, "reason": "lost"}
    refused(
        api.post("/products/tea/stock/receipts", low, Idempotency_Key="l", **held),
        409,
        "OUT_OF_STOCK",
    )
