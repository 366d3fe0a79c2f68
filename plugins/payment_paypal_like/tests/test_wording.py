"""PayPal's states and issues in our words, state by state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hookspecs import (
    Call,
    DeclineCode,
    Declined,
    Done,
    FactKind,
    Feature,
    InProgress,
    Money,
    NeedsCustomer,
    NotSent,
    PaymentStrategy,
    Redirect,
    RefundRequest,
    ResumeRequest,
    Secret,
    StartRequest,
    Unknown,
    VoidRequest,
)
from payment_paypal_like.answers import standing
from payment_paypal_like.gateway import InDoubtError
from payment_paypal_like.plugin import payment_strategies
from payment_paypal_like.settings import Settings
from payment_paypal_like.strategy import PaypalStrategy
from payment_paypal_like.wording import decline, from_wire, to_wire
from sandbox_gateways.process import SandboxProcess

OURS = Settings(client_id="sandbox", client_secret=Secret("sandbox"))
AMOUNT = {"currency_code": "EUR", "value": "10.00"}


def order(
    status: str, links: list[dict[str, str]] | None = None, **payments: Any
) -> dict[str, Any]:
    unit = {"amount": AMOUNT, "custom_id": "p-1", "payee": {"merchant_id": "M"}}
    return {
        "id": "ORD1",
        "status": status,
        "create_time": "2026-01-02T03:04:05Z",
        "links": [{"rel": "approve", "href": "https://x/"}] if links is None else links,
        "purchase_units": [{**unit, "payments": payments} if payments else unit],
    }


def part(status: str, **more: Any) -> dict[str, Any]:
    return {"id": f"ID-{status}", "status": status, "amount": AMOUNT, **more}


def test_the_hook_offers_one_way_to_pay() -> None:
    settings = Settings(client_id="a", client_secret=Secret("b"), merchant_id="M")

    offers = list(payment_strategies(settings=settings))

    assert [isinstance(offer, PaymentStrategy) for offer in offers] == [True]
    info = offers[0].info
    assert (info.code, info.label, info.account) == ("paypal", "PayPal", "M")
    assert Feature.HARMLESS_START in info.features


@pytest.mark.parametrize(
    ("document", "expected", "kinds"),
    [
        (order("CREATED"), NeedsCustomer, []),
        (order("PAYER_ACTION_REQUIRED"), NeedsCustomer, []),
        (order("APPROVED", links=[]), NeedsCustomer, ["APPROVED"]),
        (order("VOIDED"), Declined, ["APPROVAL_CLOSED"]),
        (order("COMPLETED", captures=[part("COMPLETED")]), Done, ["CAPTURED"]),
        (order("COMPLETED", captures=[part("PENDING")]), InProgress, ["CAPTURE_PENDING"]),
        (order("COMPLETED", captures=[part("DECLINED")]), Declined, ["CAPTURE_FAILED"]),
        (
            order("COMPLETED", authorizations=[part("PENDING")]),
            InProgress,
            ["AUTHORIZATION_PENDING"],
        ),
        (order("COMPLETED", authorizations=[part("DENIED")]), Declined, ["AUTHORIZATION_FAILED"]),
        (
            order("COMPLETED", authorizations=[part("EXPIRED")]),
            Done,
            ["AUTHORIZATION_CLOSED", "APPROVAL_CLOSED"],
        ),
    ],
)
def test_an_order_stands(document: dict[str, Any], expected: type, kinds: list[str]) -> None:
    answer = standing(document, OURS)

    assert isinstance(answer, expected)
    assert [fact.kind.value for fact in answer.facts] == kinds
    assert {fact.account for fact in answer.facts} <= {None}


@pytest.mark.parametrize("document", [order("SOMETHING_NEW"), order("CREATED", links=[])])
def test_what_we_do_not_know_is_in_doubt(document: dict[str, Any]) -> None:
    with pytest.raises(InDoubtError):
        standing(document, OURS)


def test_money_of_another_merchant_says_so() -> None:
    document = order("COMPLETED", captures=[part("COMPLETED")])

    answer = standing(document, replace(OURS, merchant_id="OURS"))

    assert [fact.account for fact in answer.facts] == ["M"]


@pytest.mark.parametrize(
    ("issue", "expected"),
    [
        ("INSTRUMENT_DECLINED", DeclineCode.CARD_DECLINED),
        ("TRANSACTION_REFUSED", DeclineCode.OTHER),
        ("CARD_EXPIRED", DeclineCode.EXPIRED),
        ("SOMETHING_NEW", DeclineCode.INVALID_REQUEST),
    ],
)
def test_issues_are_few(issue: str, expected: DeclineCode) -> None:
    assert decline(issue)[0] is expected


@pytest.mark.parametrize("money", [Money(1999, "EUR"), Money(500, "JPY"), Money(5000, "HUF")])
def test_amounts_survive_the_wire(money: Money) -> None:
    there = to_wire(money)

    assert there is not None
    assert from_wire(there) == money


@pytest.fixture
def paid(
    strategy: PaypalStrategy,
    start_request: Callable[..., StartRequest],
    sandbox: SandboxProcess,
    call: Call,
    common: Any,
) -> Any:
    started = strategy.start(start_request(), call)
    assert isinstance(started, NeedsCustomer)
    assert isinstance(started.action, Redirect)
    sandbox.click(started.action.url)
    return strategy.resume(
        ResumeRequest(**common, operation_id="op-paid", reference=started.reference), call
    )


@pytest.mark.parametrize(
    ("began", "expected", "kind"),
    [
        ("PENDING", InProgress, FactKind.REFUND_PENDING),
        ("FAILED", Declined, FactKind.REFUND_FAILED),
    ],
)
def test_a_refund_that_is_not_there_yet(
    strategy: PaypalStrategy,
    sandbox: SandboxProcess,
    call: Call,
    common: Any,
    paid: Any,
    began: str,
    expected: type,
    kind: FactKind,
) -> None:
    sandbox.control("POST options", refund_status=began)

    answer = strategy.refund(
        RefundRequest(
            **common,
            operation_id=f"op-{began}",
            capture_id=paid.facts[0].object_id,
            reason="It broke.",
        ),
        call,
    )

    assert isinstance(answer, expected)
    assert [fact.kind for fact in answer.facts] == [kind]


def test_commands_without_an_order_are_in_doubt(
    strategy: PaypalStrategy, call: Call, common: Any
) -> None:
    answers = [
        strategy.resume(ResumeRequest(**common, operation_id="op-r"), call),
        strategy.void(VoidRequest(**common, operation_id="op-v"), call),
    ]

    assert [type(answer) for answer in answers] == [Unknown, Unknown]


def test_an_authorisation_nobody_knows_cannot_be_voided(
    strategy: PaypalStrategy, call: Call, common: Any, paid: Any
) -> None:
    request = VoidRequest(
        **common, operation_id="op-v", reference=paid.reference, authorization_id="NOBODY"
    )

    answer = strategy.void(request, call)

    assert isinstance(answer, Declined)
    assert [fact.kind for fact in answer.facts] == [FactKind.CAPTURED]


def test_a_name_for_the_page_is_sent_along(
    make_strategy: Callable[..., PaypalStrategy],
    start_request: Callable[..., StartRequest],
    call: Call,
) -> None:
    strategy = make_strategy(brand_name="The Tea Shop")

    answer = strategy.start(start_request(), call)

    assert isinstance(answer, NeedsCustomer)


def test_a_token_that_is_none_is_not_sent(
    make_strategy: Callable[..., PaypalStrategy],
    start_request: Callable[..., StartRequest],
    sandbox: SandboxProcess,
    call: Call,
) -> None:
    strategy = make_strategy()
    sandbox.control("POST faults", match="POST /v1/oauth2/token", do="empty", when="before")

    answer = strategy.start(start_request(), call)

    assert isinstance(answer, NotSent)
