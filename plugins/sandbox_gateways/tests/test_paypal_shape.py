"""The PayPal shape, driven by PayPal's official client and by hand."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from paypalserversdk import paypal_serversdk_client as sdk

from sandbox_gateways.process import SandboxProcess


@pytest.fixture
def client(sandbox: SandboxProcess) -> Any:
    from paypalserversdk.configuration import Configuration, Environment
    from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials

    servers = Configuration.environments[Environment.SANDBOX]
    for name in servers:
        servers[name] = sandbox.base
    return sdk.PaypalServersdkClient(
        client_credentials_auth_credentials=ClientCredentialsAuthCredentials(
            o_auth_client_id="sandbox",
            o_auth_client_secret="sandbox",
        ),
        environment=Environment.SANDBOX,
    )


def order_of(value: str = "10.00", intent: str = "CAPTURE") -> dict[str, Any]:
    return {
        "body": {
            "intent": intent,
            "purchase_units": [{"amount": {"currency_code": "EUR", "value": value}}],
        },
        "paypal_request_id": uuid.uuid4().hex,
    }


def problem_of(error: Any) -> str:
    return str(json.loads(error.value.response.text)["details"][0]["issue"])


def approve(sandbox: SandboxProcess, order: Any) -> None:
    link = next(link.href for link in order.links if link.rel in {"approve", "payer-action"})
    sandbox.click(link)


def test_an_order_is_created_approved_captured_and_refunded(
    client: Any, sandbox: SandboxProcess
) -> None:
    created = client.orders.create_order(order_of()).body
    approve(sandbox, created)

    captured = client.orders.capture_order(
        {"id": created.id, "paypal_request_id": uuid.uuid4().hex}
    ).body
    capture_id = captured.purchase_units[0].payments.captures[0].id
    refund = client.payments.refund_captured_payment(
        {"capture_id": capture_id, "paypal_request_id": uuid.uuid4().hex}
    ).body
    read = client.payments.get_captured_payment({"capture_id": capture_id}).body

    assert (created.status, captured.status, refund.status) == ("CREATED", "COMPLETED", "COMPLETED")
    assert read.status == "REFUNDED"


def test_an_unapproved_order_is_not_captured(client: Any) -> None:
    from paypalserversdk.exceptions.api_exception import ApiException

    created = client.orders.create_order(order_of()).body

    with pytest.raises(ApiException) as caught:
        client.orders.capture_order({"id": created.id, "paypal_request_id": uuid.uuid4().hex})

    assert problem_of(caught) == "ORDER_NOT_APPROVED"


def test_one_request_id_gives_the_latest_state_another_is_refused(
    client: Any, sandbox: SandboxProcess
) -> None:
    from paypalserversdk.exceptions.api_exception import ApiException

    wanted = order_of()
    created = client.orders.create_order(wanted).body
    approve(sandbox, created)
    again = client.orders.create_order(wanted).body
    capture = {"id": created.id, "paypal_request_id": uuid.uuid4().hex}
    first, second = client.orders.capture_order(capture), client.orders.capture_order(capture)

    with pytest.raises(ApiException) as caught:
        client.orders.capture_order({**capture, "paypal_request_id": uuid.uuid4().hex})

    assert (again.id, again.status) == (created.id, "APPROVED")
    payments = [one.body.purchase_units[0].payments.captures[0].id for one in (first, second)]
    assert payments[0] == payments[1]
    assert problem_of(caught) == "ORDER_ALREADY_CAPTURED"


def test_an_authorisation_is_voided_once(client: Any, sandbox: SandboxProcess) -> None:
    from paypalserversdk.exceptions.api_exception import ApiException

    created = client.orders.create_order(order_of(intent="AUTHORIZE")).body
    approve(sandbox, created)
    held = client.orders.authorize_order(
        {"id": created.id, "paypal_request_id": uuid.uuid4().hex}
    ).body
    held_id = held.purchase_units[0].payments.authorizations[0].id

    client.payments.void_payment({"authorization_id": held_id})
    with pytest.raises(ApiException) as caught:
        client.payments.void_payment({"authorization_id": held_id})

    assert problem_of(caught) == "PREVIOUSLY_VOIDED"


def token_of(sandbox: SandboxProcess) -> str:
    _, _, said = sandbox.request("POST", "/v1/oauth2/token", Authorization="Basic c2FuZGJveDo=")
    return str(json.loads(said)["access_token"])


@pytest.mark.parametrize(("change", "expected"), [("", "SUCCESS"), (" ", "FAILURE")])
def test_a_webhook_is_verified_by_the_provider(
    client: Any, sandbox: SandboxProcess, shop: Any, change: str, expected: str
) -> None:
    approve(sandbox, client.orders.create_order(order_of()).body)
    assert shop.wait_until(lambda: shop.count("CHECKOUT.ORDER.APPROVED") > 0)
    _, _, headers, body = shop.kept[0]
    names = {
        "auth_algo": "paypal-auth-algo",
        "cert_url": "paypal-cert-url",
        "transmission_id": "paypal-transmission-id",
        "transmission_sig": "paypal-transmission-sig",
        "transmission_time": "paypal-transmission-time",
    }
    fields = {name: headers[header] for name, header in names.items()}
    start = json.dumps({**fields, "webhook_id": "WH-SANDBOX"})[:-1]
    event = body.decode().replace("{", "{" + change, 1)

    _, _, said = sandbox.request(
        "POST",
        "/v1/notifications/verify-webhook-signature",
        f'{start}, "webhook_event": {event}}}',
        Authorization=f"Bearer {token_of(sandbox)}",
    )

    assert json.loads(said)["verification_status"] == expected


@pytest.mark.parametrize(
    ("value", "issue"),
    [("10.001", "DECIMAL_PRECISION"), ("-1.00", "CANNOT_BE_ZERO_OR_NEGATIVE")],
)
def test_an_amount_that_cannot_be_is_refused(
    sandbox: SandboxProcess, value: str, issue: str
) -> None:
    body = order_of(value)["body"]

    status, _, said = sandbox.request(
        "POST",
        "/v2/checkout/orders",
        json.dumps(body),
        Authorization=f"Bearer {token_of(sandbox)}",
    )

    assert status == 422
    assert json.loads(said)["details"][0]["issue"] == issue
