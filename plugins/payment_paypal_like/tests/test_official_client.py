"""PayPal's official client beside the plugin: both work on one order, and the ledger says who's right."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from paypalserversdk.configuration import Configuration
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

from hookspecs import (
    Call,
    CaptureRequest,
    Done,
    FactKind,
    InquireRequest,
    Money,
    NeedsCustomer,
    Redirect,
    RefundRequest,
    ResumeRequest,
    StartRequest,
    Verb,
    VoidRequest,
)
from payment_paypal_like.strategy import PaypalStrategy
from sandbox_gateways.process import SandboxProcess

PRICE = Money(1999, "EUR")


class Here(Configuration):
    """The client's own configuration, but for the address."""

    def __init__(self, base: str) -> None:
        self._base = base
        super().__init__(
            client_credentials_auth_credentials=ClientCredentialsAuthCredentials(
                o_auth_client_id="sandbox", o_auth_client_secret="sandbox"
            )
        )

    def get_base_uri(self, server: Any = None) -> str:
        return self._base


@pytest.fixture
def official(sandbox: SandboxProcess) -> Any:
    return PaypalServersdkClient(config=Here(sandbox.base))


@pytest.fixture
def approved(
    strategy: PaypalStrategy,
    start_request: Callable[..., StartRequest],
    sandbox: SandboxProcess,
    call: Call,
) -> Callable[..., str]:
    """Let the plugin make an order and its buyer approve it; return its id."""

    def made(**changes: Any) -> str:
        started = strategy.start(start_request(**changes), call)
        assert isinstance(started, NeedsCustomer)
        assert isinstance(started.action, Redirect)
        sandbox.click(started.action.url)
        return str(started.reference)

    return made


@pytest.fixture
def ledger(sandbox: SandboxProcess) -> Callable[[str], tuple[list[Money], Money]]:
    """Return what was taken for an order, each capture, and what went back of all of them."""

    def read(order_id: str) -> tuple[list[Money], Money]:
        charges = [
            one
            for one in reversed(sandbox.control("GET ledger")["charges"])
            if one["payment"] == order_id and one["status"] != "PENDING"
        ]
        back = sum(Decimal(one["refunded"]) for one in charges)
        taken = [Money.parse(one["amount"], one["currency"]) for one in charges]
        return sorted(taken, key=lambda one: one.minor), Money.parse(str(back), "EUR")

    return read


def key() -> str:
    return uuid.uuid4().hex


def money(amount: Any) -> Money:
    return Money.parse(amount.value, amount.currency_code)


def euro(text: str) -> dict[str, Any]:
    return {"currency_code": "EUR", "value": text}


def shown(official: Any, order_id: str) -> Any:
    return official.orders.get_order({"id": order_id}).body


def looked_up(strategy: PaypalStrategy, common: dict[str, Any], order_id: str, call: Call) -> Any:
    return strategy.inquire(
        InquireRequest(
            **{**common, "reference": order_id},
            operation_id="op-look",
            verb=Verb.START,
            sent_at=datetime.now(UTC),
        ),
        call,
    )


def said(answer: Any, kind: FactKind) -> list[Money]:
    amounts = [fact.amount for fact in answer.facts if fact.kind is kind]
    return sorted(amounts, key=lambda one: one.minor)


def test_it_reads_the_order_that_the_plugin_made(
    official: Any, strategy: PaypalStrategy, approved: Callable[..., str], common: dict[str, Any]
) -> None:
    order_id = approved()

    order = shown(official, order_id)

    (unit,) = order.purchase_units
    assert (order.id, order.intent, order.status) == (order_id, "CAPTURE", "APPROVED")
    assert (money(unit.amount), unit.custom_id) == (PRICE, common["payment_id"])
    assert unit.payee.merchant_id == "SANDBOXMERCHANT"
    assert order.payer.email_address == "buyer@sandbox.invalid"


def test_what_it_captures_and_refunds_the_plugin_finds(
    official: Any,
    strategy: PaypalStrategy,
    approved: Callable[..., str],
    ledger: Callable[[str], tuple[list[Money], Money]],
    common: dict[str, Any],
    call: Call,
) -> None:
    order_id = approved()

    captured = official.orders.capture_order({"id": order_id, "paypal_request_id": key()}).body
    capture = captured.purchase_units[0].payments.captures[0]
    refund = official.payments.refund_captured_payment(
        {
            "captures_id": capture.id,
            "capture_id": capture.id,
            "paypal_request_id": key(),
            "body": {"amount": euro("5.00")},
        }
    ).body
    found = looked_up(strategy, common, order_id, call)

    assert isinstance(found, Done)
    assert ledger(order_id) == ([PRICE], Money(500, "EUR"))
    assert [money(capture.amount)] == said(found, FactKind.CAPTURED) == [PRICE]
    assert official.payments.get_refund({"refund_id": refund.id}).body.status == "COMPLETED"
    assert said(found, FactKind.REFUNDED) == [Money(500, "EUR")]
    assert {fact.object_id for fact in found.facts} == {capture.id, refund.id}


def test_what_the_plugin_captures_and_refunds_it_finds(
    official: Any,
    strategy: PaypalStrategy,
    approved: Callable[..., str],
    ledger: Callable[[str], tuple[list[Money], Money]],
    common: dict[str, Any],
    call: Call,
) -> None:
    order_id = approved()
    about = {**common, "reference": order_id}

    done = strategy.resume(ResumeRequest(**about, operation_id=key()), call)
    capture_id = done.facts[0].object_id  # type: ignore[union-attr]
    for minor in (700, 1299):
        request = RefundRequest(
            **{**about, "amount": Money(minor, "EUR")}, operation_id=key(), capture_id=capture_id
        )
        strategy.refund(request, call)
    payments = shown(official, order_id).purchase_units[0].payments
    capture = official.payments.get_captured_payment({"capture_id": capture_id}).body

    assert ledger(order_id) == ([PRICE], PRICE)
    assert (capture.status, money(capture.amount)) == ("REFUNDED", PRICE)
    assert [one.id for one in payments.captures] == [capture_id]
    assert sorted(money(one.amount).minor for one in payments.refunds) == [700, 1299]


def test_both_take_their_part_of_an_authorisation(
    official: Any,
    strategy: PaypalStrategy,
    approved: Callable[..., str],
    ledger: Callable[[str], tuple[list[Money], Money]],
    common: dict[str, Any],
    call: Call,
) -> None:
    order_id = approved(capture_now=False)
    about = {**common, "reference": order_id}
    order = official.orders.authorize_order({"id": order_id, "paypal_request_id": key()}).body
    (held,) = order.purchase_units[0].payments.authorizations
    before = looked_up(strategy, common, order_id, call)

    body = {"amount": euro("5.00"), "final_capture": False}
    first = official.payments.capture_authorized_payment(
        {"authorization_id": held.id, "paypal_request_id": key(), "body": body}
    ).body
    request = CaptureRequest(
        **{**about, "amount": Money(1499, "EUR")}, operation_id=key(), authorization_id=held.id
    )
    second = strategy.capture(request, call)
    after = looked_up(strategy, common, order_id, call)
    read = official.payments.get_authorized_payment({"authorization_id": held.id}).body

    assert said(before, FactKind.AUTHORIZED) == [money(held.amount)] == [PRICE]
    assert money(first.amount) == Money(500, "EUR")
    assert isinstance(second, Done)
    parts = [Money(500, "EUR"), Money(1499, "EUR")]
    assert ledger(order_id)[0] == said(after, FactKind.CAPTURED) == parts
    assert read.status == "CAPTURED"
    assert {fact.parent_id for fact in after.facts if fact.kind is FactKind.CAPTURED} == {held.id}


@pytest.mark.parametrize("who", ["official", "plugin"])
def test_either_gives_an_authorisation_back(
    official: Any,
    strategy: PaypalStrategy,
    approved: Callable[..., str],
    ledger: Callable[[str], tuple[list[Money], Money]],
    common: dict[str, Any],
    call: Call,
    who: str,
) -> None:
    order_id = approved(capture_now=False)
    about = {**common, "reference": order_id}
    answer = strategy.resume(ResumeRequest(**about, operation_id=key(), capture_now=False), call)
    held_id = answer.facts[0].object_id  # type: ignore[union-attr]

    if who == "official":
        official.payments.void_payment({"authorization_id": held_id})
    else:
        request = VoidRequest(**about, operation_id=key(), authorization_id=held_id)
        assert isinstance(strategy.void(request, call), Done)
    found = looked_up(strategy, common, order_id, call)
    read = official.payments.get_authorized_payment({"authorization_id": held_id}).body

    assert read.status == "VOIDED"
    assert said(found, FactKind.AUTHORIZATION_CLOSED) == [PRICE]
    assert ledger(order_id) == ([], Money(0, "EUR"))


def test_both_read_the_same_report(
    official: Any,
    strategy: PaypalStrategy,
    approved: Callable[..., str],
    common: dict[str, Any],
    call: Call,
) -> None:
    order_id = approved()
    strategy.resume(ResumeRequest(**{**common, "reference": order_id}, operation_id=key()), call)
    since, until = (datetime.now(UTC) + timedelta(minutes=shift) for shift in (-5, 5))

    report = official.transaction_search.search_transactions(
        {
            "start_date": f"{since:%Y-%m-%dT%H:%M:%SZ}",
            "end_date": f"{until:%Y-%m-%dT%H:%M:%SZ}",
            "fields": "transaction_info",
        }
    ).body
    rows = {
        one.transaction_info.transaction_id: (
            money(one.transaction_info.transaction_amount),
            one.transaction_info.custom_field,
        )
        for one in report.transaction_details
        if not one.transaction_info.transaction_amount.value.startswith("-")
    }
    told = {
        notice.facts[0].object_id: (notice.facts[0].amount, notice.payment_id)
        for notice in strategy.statement(since, until, call)
        if notice.facts[0].kind is FactKind.CAPTURED
    }

    assert (PRICE, common["payment_id"]) in rows.values()
    assert rows == told
