"""Quotes and orders over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from core.models import Order
from tests.http.conftest import Api, basket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shelf")]

Keys = Callable[..., dict[str, str]]


def place(api: Api, body: object = None, **headers: str) -> dict[str, object]:
    named = {"Idempotency_Key": str(uuid.uuid4()), **headers}
    answer = api.post("/orders", body or basket(("tea", 2)), **named)
    assert answer.status_code == 201, answer.content
    found: dict[str, object] = answer.json()
    return found


def test_a_quote_prices_a_basket_and_reserves_nothing(api: Api) -> None:
    answer = api.post("/quotes", basket(("tea", 2), ("pot", 1)))

    assert answer.status_code == 200
    assert answer.json()["total"] == {"minor": 2899, "currency": "EUR"}
    assert [line["quantity"] for line in answer.json()["lines"]] == [2, 1]
    assert answer["Cache-Control"] == "private, no-store"


def test_an_order_is_placed_and_shown_to_its_token(api: Api) -> None:
    placed = place(api)

    seen = api.get(f"/orders/{placed['order_id']}", **{"X-Order-Token": str(placed["token"])})

    assert placed["total"] == {"minor": 900, "currency": "EUR"}
    assert seen.json()["number"] == placed["number"]
    assert seen.json()["status"] == "CONFIRMED"
    assert seen.json()["can_cancel"] is True
    assert seen["Cache-Control"] == "private, no-store"


def test_the_same_key_gives_the_same_answer(api: Api) -> None:
    first = api.post("/orders", basket(("rare", 1)), Idempotency_Key="once")

    again = api.post("/orders", basket(("rare", 1)), Idempotency_Key="once")

    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert Order.objects.count() == 1


def test_the_same_key_for_something_else_is_refused(api: Api) -> None:
    api.post("/orders", basket(("tea", 1)), Idempotency_Key="once")

    answer = api.post("/orders", basket(("tea", 2)), Idempotency_Key="once")

    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_a_token_in_the_query_opens_an_order(api: Api) -> None:
    placed = place(api)

    answer = api.get(f"/orders/{placed['order_id']}?token={placed['token']}")

    assert answer.status_code == 200


def test_a_key_with_the_scope_reads_an_order(api: Api, key: Keys) -> None:
    placed = place(api)

    answer = api.get(f"/orders/{placed['order_id']}", **key("orders:read"))

    assert answer.json()["order_id"] == placed["order_id"]


def test_a_foreign_unknown_or_guessed_order_is_one_and_the_same_404(api: Api) -> None:
    mine, other = place(api), place(api)
    token = {"X-Order-Token": str(mine["token"])}

    answers = [
        api.get(f"/orders/{other['order_id']}", **token),
        api.get(f"/orders/{uuid.uuid4()}", **token),
        api.get(f"/orders/{other['number']}", **token),
        api.get(f"/orders/{mine['order_id']}", **{"X-Order-Token": "A" * 22}),
        api.get(f"/orders/{mine['order_id']}"),
        api.get("/orders/1"),
        api.post(f"/orders/{other['order_id']}/cancel", {}, X_Order_Token=str(mine["token"])),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["code"] == "NOT_FOUND"


def test_a_key_without_the_scope_learns_nothing_of_an_order(api: Api, key: Keys) -> None:
    placed, held = place(api), key("products:write")

    answers = [api.get(f"/orders/{id_}", **held) for id_ in (placed["order_id"], uuid.uuid4())]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].content == answers[1].content


def test_an_unknown_order_is_404_for_a_key_too(api: Api, key: Keys) -> None:
    answer = api.get(f"/orders/{uuid.uuid4()}", **key("orders:read"))

    assert answer.status_code == 404


def test_a_key_may_set_terms(api: Api, key: Keys) -> None:
    body = {"lines": [{"sku": "tea", "quantity": 1, "terms": {"unit_price": "1.00"}}]}

    placed = place(api, body, **key("orders:terms"))

    assert placed["total"] == {"minor": 100, "currency": "EUR"}


def test_another_total_than_confirmed_is_refused_with_the_difference(api: Api) -> None:
    body = basket(("tea", 2), confirmed_total={"minor": 899, "currency": "EUR"})

    answer = api.post("/orders", body, Idempotency_Key="k")

    assert (answer.status_code, answer.json()["code"]) == (409, "TOTAL_CHANGED")
    assert answer.json()["difference_minor"] == 1


def test_an_order_is_cancelled_by_its_token(api: Api) -> None:
    placed = place(api)

    answer = api.post(
        f"/orders/{placed['order_id']}/cancel", {}, X_Order_Token=str(placed["token"])
    )

    assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")


def test_an_order_that_is_not_paid_is_not_fulfilled(api: Api, key: Keys) -> None:
    placed = place(api)

    answer = api.post(f"/orders/{placed['order_id']}/fulfil", {}, **key("orders:write"))

    assert (answer.status_code, answer.json()["code"]) == (409, "WRONG_STATE")
    assert answer.json()["status"] == 409
    assert answer.json()["current_status"] == "CONFIRMED"


def test_a_way_to_pay_that_nobody_offers_is_refused_before_the_order(api: Api) -> None:
    body = basket(("tea", 1), payment_strategy="bitcoin")

    answers = [
        api.post("/orders", body, Idempotency_Key="b"),
        api.post("/quotes", body),
    ]

    assert [answer.json()["code"] for answer in answers] == ["UNKNOWN_PAYMENT_STRATEGY"] * 2


def test_an_address_that_is_none_is_refused_in_words(api: Api) -> None:
    body = basket(("tea", 1), contact={"email": "nobody"})

    said = api.post("/orders", body, Idempotency_Key="b").json()

    assert said["field"] == "contact.email"
    assert "doesn't have the form that is wanted" in said["detail"]
    assert "^" not in str(said)


def test_a_number_beyond_all_numbers_is_refused_for_its_size(api: Api) -> None:
    body = basket(("tea", 99999999999999999999999))

    said = api.post("/orders", body, Idempotency_Key="b").json()

    assert "too large" in said["detail"]
