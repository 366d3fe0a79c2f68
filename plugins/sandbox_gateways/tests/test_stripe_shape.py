"""The Stripe shape, driven by the official client."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox_gateways.process import SandboxProcess

stripe = pytest.importorskip("stripe")


def card(token: str = "pm_card_visa", **params: Any) -> dict[str, Any]:
    return {
        "amount": 1000,
        "currency": "eur",
        "confirm": True,
        "payment_method": token,
        "return_url": "http://127.0.0.1:9/back",
        **params,
    }


def once(key: str = "") -> dict[str, str]:
    return {"idempotency_key": key or uuid.uuid4().hex}


def test_the_first_answer_is_replayed_under_its_key(stripe_client: Any) -> None:
    key = once()

    first = stripe_client.v1.payment_intents.create(card(), key)
    second = stripe_client.v1.payment_intents.create(card(), key)

    assert second.id == first.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"


def test_a_decline_is_replayed_too(stripe_client: Any) -> None:
    key = once()
    refused = []

    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            stripe_client.v1.payment_intents.create(card("pm_card_chargeDeclined"), key)
        refused.append(caught.value.error.payment_intent.id)

    assert refused[0] == refused[1]


def test_a_first_answer_of_500_is_replayed_for_ever(
    stripe_client: Any, sandbox: SandboxProcess
) -> None:
    key = once()
    sandbox.control("POST faults", match="POST /v1/payment_intents", do="500")

    for _ in range(3):
        with pytest.raises(stripe.APIError) as caught:
            stripe_client.v1.payment_intents.create(card(), key)

        assert caught.value.http_status == 500


def test_a_mistake_is_not_remembered(stripe_client: Any) -> None:
    key = once()
    with pytest.raises(stripe.InvalidRequestError):
        stripe_client.v1.payment_intents.create(card("pm_nobody"), key)

    with pytest.raises(stripe.InvalidRequestError):
        stripe_client.v1.payment_intents.create(card("pm_nobody_else"), key)


def test_other_parameters_under_one_key_are_refused(stripe_client: Any) -> None:
    key = once()
    stripe_client.v1.payment_intents.create(card(), key)

    with pytest.raises(stripe.IdempotencyError):
        stripe_client.v1.payment_intents.create(card(amount=1001), key)


def test_while_one_is_running_the_other_is_told_so(
    stripe_client: Any, sandbox: SandboxProcess
) -> None:
    key = once()
    sandbox.control("POST faults", match="POST /v1/payment_intents", do="slow", seconds=1, times=3)

    def create(_: int) -> Any:
        try:
            return stripe_client.v1.payment_intents.create(card(), key).id
        except stripe.StripeError as error:
            return error.http_status

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(create, range(3)))

    assert answers.count(409) == 2


def test_a_key_past_its_life_is_a_new_one(stripe_client: Any, sandbox: SandboxProcess) -> None:
    key = once()
    first = stripe_client.v1.payment_intents.create(card(), key)
    sandbox.control("POST options", stripe_keys_kept=0.2)
    time.sleep(0.3)

    second = stripe_client.v1.payment_intents.create(card(), key)
    sandbox.control("POST options", stripe_keys_kept=86400)

    assert second.id != first.id


def test_lists_are_paged_and_bounded_by_time(stripe_client: Any) -> None:
    began = int(time.time())
    made = {stripe_client.v1.payment_intents.create(card()).id for _ in range(3)}

    listed = stripe_client.v1.payment_intents.list({"created": {"gte": began}, "limit": 2})
    all_of_them = {one.id for one in listed.auto_paging_iter()}
    none = stripe_client.v1.payment_intents.list({"created": {"lte": began - 3600}})

    assert made <= all_of_them
    assert len(listed.data) == 2
    assert list(none) == []


def test_metadata_can_be_searched(stripe_client: Any) -> None:
    mark = uuid.uuid4().hex
    made = stripe_client.v1.payment_intents.create(card(metadata={"mark": mark}))

    found = stripe_client.v1.payment_intents.search({"query": f"metadata['mark']:'{mark}'"})

    assert [one.id for one in found.data] == [made.id]


def test_without_a_key_nobody_is_served(sandbox: SandboxProcess) -> None:
    status, _, body = sandbox.request("GET", "/v1/payment_intents")

    assert status == 401
    assert "API key" in body


@pytest.mark.parametrize(("verb", "state"), [("capture", "succeeded"), ("cancel", "canceled")])
def test_an_authorisation_moves_once(stripe_client: Any, verb: str, state: str) -> None:
    intents = stripe_client.v1.payment_intents
    held = intents.create(card(capture_method="manual"))

    moved = getattr(intents, verb)(held.id)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        getattr(intents, verb)(held.id)

    assert (held.status, moved.status) == ("requires_capture", state)
    assert caught.value.code == "payment_intent_unexpected_state"


def test_an_expired_session_takes_no_card(stripe_client: Any, sandbox: SandboxProcess) -> None:
    price = {"currency": "eur", "unit_amount": 500, "product_data": {"name": "Thing"}}
    session = stripe_client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "http://127.0.0.1:9/ok",
            "line_items": [{"price_data": price, "quantity": 2}],
            "expires_at": int(time.time()) - 1,
        }
    )

    status, _, page = sandbox.browse(session.url, number="4242424242424242")
    read = stripe_client.v1.checkout.sessions.retrieve(session.id)

    assert (session.amount_total, status, read.status) == (1000, 410, "expired")
    assert "has expired" in page


def test_the_official_client_accepts_our_signature(stripe_client: Any, shop: Any) -> None:
    intent = stripe_client.v1.payment_intents.create(card())
    assert shop.wait_until(lambda: shop.count("payment_intent.succeeded") > 0)
    _, _, headers, body = next(one for one in shop.kept if one[1] == "payment_intent.succeeded")

    event = stripe_client.construct_event(body, headers["stripe-signature"], "whsec_sandbox")

    assert event.data.object.id == intent.id
