"""Payments over HTTP, against a gateway with a ledger of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import override_settings

from core.models import Operation
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Feature
from tests.http.conftest import Api, basket
from tests.http.memory import MIDDLEWARE, InHand

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shelf")]

Keys = Callable[..., dict[str, str]]
PAY = {
    "strategy": "memory",
    "return_url": "https://shop.test/back/{payment_id}",
    "cancel_url": "https://shop.test/left",
}


@pytest.fixture
def gateway() -> Iterator[MemoryGateway]:
    gateway = MemoryGateway(way="redirect")
    InHand.registry = registry_of(FakePlugin(name="pay-memory", strategies=(gateway,)))
    with override_settings(MIDDLEWARE=MIDDLEWARE):
        yield gateway


@pytest.fixture
def order(gateway: MemoryGateway, api: Api) -> dict[str, Any]:
    placed: dict[str, Any] = api.post("/orders", basket(("tea", 2)), Idempotency_Key="o").json()
    return placed


def wire(payment_id: str) -> str:
    """Return a payment's id as gateways see it."""
    return UUID(payment_id).hex


def start(api: Api, order: dict[str, Any], key: str = "p") -> Any:
    path = f"/orders/{order['order_id']}/payments"
    return api.post(path, PAY, Idempotency_Key=key, X_Order_Token=order["token"])


def resume(api: Api, order: dict[str, Any], payment_id: str) -> Any:
    path = f"/orders/{order['order_id']}/payments/{payment_id}/resume"
    return api.post(path, {"returned": {"ok": "1"}}, X_Order_Token=order["token"])


def paid(api: Api, gateway: MemoryGateway, order: dict[str, Any]) -> str:
    payment_id: str = start(api, order).json()["payment_id"]
    gateway.approve(wire(payment_id))
    resume(api, order, payment_id)
    return payment_id


def test_the_ways_to_pay_are_listed(api: Api, gateway: MemoryGateway) -> None:
    answer = api.get("/payment-strategies?currency=EUR&total_minor=900")

    assert answer.json() == {"items": [{"code": "memory", "label": "Memory", "inputs": []}]}


def test_a_payment_begins_with_what_the_customer_does_next(
    api: Api, order: dict[str, Any], gateway: MemoryGateway
) -> None:
    answer = start(api, order)

    payment_id = answer.json()["payment_id"]
    assert answer.status_code == 201
    assert answer.json()["action"]["kind"] == "redirect"
    assert wire(payment_id) in gateway.ledger.opened


def test_the_same_key_gives_the_same_payment(
    api: Api, order: dict[str, Any], gateway: MemoryGateway
) -> None:
    first, again = start(api, order), start(api, order)

    assert first.json()["payment_id"] == again.json()["payment_id"]
    assert len(gateway.ledger.posts) == 1


def test_an_approved_payment_is_taken_when_the_customer_comes_back(
    api: Api, order: dict[str, Any], gateway: MemoryGateway
) -> None:
    payment_id = start(api, order).json()["payment_id"]
    gateway.approve(wire(payment_id))

    answers = [resume(api, order, payment_id) for _ in range(2)]

    assert [answer.json()["order_status"] for answer in answers] == ["PAID", "PAID"]
    assert gateway.ledger.charges == {wire(payment_id): 900}


def test_a_paid_order_shows_its_payment_and_timeline(
    api: Api, order: dict[str, Any], gateway: MemoryGateway
) -> None:
    payment_id = paid(api, gateway, order)

    seen = api.get(f"/orders/{order['order_id']}", **{"X-Order-Token": order["token"]}).json()

    assert (seen["status"], seen["payment_status"]) == ("PAID", "PAID")
    assert [(one["payment_id"], one["amount"]) for one in seen["payments"]] == [
        (payment_id, {"minor": 900, "currency": "EUR"})
    ]
    assert {"order_placed", "order_paid"} <= {entry["kind"] for entry in seen["timeline"]}


def test_a_payment_is_refunded_by_a_key_with_the_scope(
    api: Api, order: dict[str, Any], gateway: MemoryGateway, key: Keys
) -> None:
    path = f"/orders/{order['order_id']}/payments/{paid(api, gateway, order)}/refund"
    held = key("payments:refund")

    answers = [api.post(path, {"reason": "late"}, Idempotency_Key="r", **held) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["order_payment_status"] == "REFUNDED"
    assert list(gateway.ledger.refunds.values()) == [900]


def test_nothing_is_refunded_twice(
    api: Api, order: dict[str, Any], gateway: MemoryGateway, key: Keys
) -> None:
    path = f"/orders/{order['order_id']}/payments/{paid(api, gateway, order)}/refund"
    held = key("payments:refund")
    api.post(path, {}, Idempotency_Key="first", **held)

    answer = api.post(path, {}, Idempotency_Key="second", **held)

    assert (answer.status_code, answer.json()["code"]) == (409, "NOTHING_TO_REFUND")
    assert list(gateway.ledger.refunds.values()) == [900]


def test_a_payment_of_another_order_is_not_found(
    api: Api, order: dict[str, Any], gateway: MemoryGateway, key: Keys
) -> None:
    payment_id = paid(api, gateway, order)
    other = api.post("/orders", basket(("tea", 1)), Idempotency_Key="other").json()

    refund = f"/orders/{other['order_id']}/payments/{payment_id}/refund"
    refunded = api.post(refund, {}, Idempotency_Key="r", **key("payments:refund"))

    assert refunded.status_code == 404
    assert resume(api, other, payment_id).status_code == 404
    assert gateway.ledger.refunds == {}


def test_a_paid_order_is_handed_over(
    api: Api, order: dict[str, Any], gateway: MemoryGateway, key: Keys
) -> None:
    paid(api, gateway, order)

    answer = api.post(f"/orders/{order['order_id']}/fulfil", {}, **key("orders:write"))

    assert answer.json()["status"] == "FULFILLED"


def test_a_charge_in_doubt_is_told_and_not_repeated(
    api: Api, order: dict[str, Any], gateway: MemoryGateway
) -> None:
    gateway.way, gateway.fault = "at_once", "drop_after"
    first = start(api, order, "one")

    again = start(api, order, "two")

    assert first.json()["operation_status"] == "UNKNOWN"
    assert len(gateway.ledger.charges) == 1
    assert again.status_code in {201, 409}


def test_a_refund_of_a_plugin_that_is_gone_names_its_package(
    api: Api, order: dict[str, Any], gateway: MemoryGateway, key: Keys
) -> None:
    path = f"/orders/{order['order_id']}/payments/{paid(api, gateway, order)}/refund"
    InHand.registry = registry_of()

    answer = api.post(path, {}, Idempotency_Key="r", **key("payments:refund"))

    assert (answer.status_code, answer.json()["code"]) == (409, "PLUGIN_UNAVAILABLE")
    assert answer.json()["distribution"] == "orderloom-pay-memory"


def pay(api: Api, order: dict[str, Any], key: str = "p", **more: Any) -> Any:
    path = f"/orders/{order['order_id']}/payments"
    return api.post(path, PAY | more, Idempotency_Key=key, X_Order_Token=order["token"])


def euros(minor: int) -> dict[str, Any]:
    return {"amount": {"minor": minor, "currency": "EUR"}}


@pytest.fixture
def held(api: Api, order: dict[str, Any], gateway: MemoryGateway) -> str:
    """Authorise the price; return where the payment is commanded."""
    gateway.way = "at_once"
    gateway.features = frozenset(Feature) - {Feature.SPLIT, Feature.MANUAL}
    InHand.registry = registry_of(FakePlugin(name="pay-memory", strategies=(gateway,)))
    payment_id = pay(api, order, capture_now=False).json()["payment_id"]
    return f"/orders/{order['order_id']}/payments/{payment_id}"


def test_a_payment_is_taken_in_parts_and_given_back_in_parts(
    api: Api, held: str, gateway: MemoryGateway, key: Keys
) -> None:
    taker, giver = key("payments:capture"), key("payments:refund")
    part = euros(400) | {"final": False}

    first = api.post(f"{held}/capture", part, Idempotency_Key="1", **taker)
    again = api.post(f"{held}/capture", part, Idempotency_Key="1", **taker)
    rest = api.post(f"{held}/capture", {}, Idempotency_Key="2", **taker)
    back = api.post(f"{held}/refund", euros(100), Idempotency_Key="3", **giver)

    assert (first.status_code, first.json()) == (200, again.json())
    assert first.json()["order_payment_status"] == "PARTIALLY_PAID"
    assert rest.json()["order_status"] == "PAID"
    assert back.json()["order_payment_status"] == "PARTIALLY_REFUNDED"
    assert list(gateway.ledger.captures.values()) == [400, 500]
    assert list(gateway.ledger.refunds.values()) == [100]


def test_what_is_held_is_given_back_untaken(
    api: Api, held: str, gateway: MemoryGateway, key: Keys
) -> None:
    answer = api.post(f"{held}/void", {}, Idempotency_Key="v", **key("payments:void"))

    assert (answer.status_code, answer.json()["payment_status"]) == (200, "CLOSED")
    assert len(gateway.ledger.voided) == 1


@pytest.mark.parametrize(
    ("verb", "body", "status", "code"),
    [
        ("capture", euros(901), 409, "AMOUNT_TOO_HIGH"),
        ("capture", {"amount": {"minor": 1, "currency": "USD"}}, 422, "INVALID_INPUT"),
        ("capture", {"amount": 1.5}, 422, "INVALID_INPUT"),
        ("refund", euros(1), 409, "NOTHING_TO_REFUND"),
    ],
)
def test_what_can_not_be_done_is_refused_by_name(
    api: Api,
    held: str,
    gateway: MemoryGateway,
    key: Keys,
    verb: str,
    body: dict[str, Any],
    status: int,
    code: str,
) -> None:
    path, opens = f"{held}/{verb}", key("payments:capture", "payments:refund")

    answer = api.post(path, body, Idempotency_Key="k", **opens)
    nameless = api.post(path, body, **opens)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert nameless.status_code in (400, 422)
    assert len(gateway.ledger.posts) == 1


def test_reading_an_undecided_order_calls_nobody_and_has_it_looked_up(
    api: Api, order: dict[str, Any], gateway: MemoryGateway
) -> None:
    gateway.way, gateway.fault = "at_once", "drop_after"
    start(api, order, "one")
    before = Operation.objects.get().due_at
    gateway.fault = "raise"  # whoever asks the gateway now fails

    seen = api.get(f"/orders/{order['order_id']}", **{"X-Order-Token": order["token"]}).json()

    operation = Operation.objects.get()
    assert (seen["undecided"], seen["choices"]) == (True, [])
    assert (operation.status, operation.looks) == ("UNKNOWN", 0)
    assert before is not None
    assert operation.due_at is not None
    assert operation.due_at < before


def test_a_second_charge_is_answered_409_while_the_first_is_undecided(
    api: Api, order: dict[str, Any], gateway: MemoryGateway
) -> None:
    gateway.way, gateway.fault = "at_once", "drop_after"
    start(api, order, "one")

    again = start(api, order, "two")

    assert (again.status_code, again.json()["code"]) == (409, "PAYMENT_UNDECIDED")
    assert len(gateway.ledger.posts) == 1


def test_only_a_part_may_be_paid_but_never_more_than_the_price(
    api: Api, order: dict[str, Any], gateway: MemoryGateway
) -> None:
    gateway.way = "at_once"

    more = pay(api, order, "more", **euros(901))
    part = pay(api, order, "part", **euros(300))
    rest = pay(api, order, "rest")

    assert (more.status_code, more.json()["code"]) == (409, "AMOUNT_TOO_HIGH")
    assert part.json()["payment_status"] == "AUTHORIZED"
    assert rest.json()["order_status"] == "PAID"
    assert list(gateway.ledger.charges.values()) == [600]
    assert list(gateway.ledger.captures.values()) == [300]
