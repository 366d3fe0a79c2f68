"""Stripe's states and codes in our words, state by state."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hookspecs import (
    Call,
    DeclineCode,
    Declined,
    Done,
    FactKind,
    InProgress,
    InquireRequest,
    Money,
    NeedsCustomer,
    PaymentStrategy,
    RefundRequest,
    ResumeRequest,
    Secret,
    StartRequest,
    Unknown,
    Verb,
    VoidRequest,
)
from payment_stripe_like.answers import standing, standing_of_session
from payment_stripe_like.gateway import InDoubtError
from payment_stripe_like.plugin import payment_strategies
from payment_stripe_like.settings import Settings
from payment_stripe_like.strategy import StripeStrategy
from payment_stripe_like.wording import decline, dispute_facts, from_wire, intent_facts, to_wire
from sandbox_gateways.process import SandboxProcess

AGAIN = timedelta(minutes=5)


def intent(status: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "amount": 1000,
        "amount_received": 0,
        "currency": "eur",
        "status": status,
        "capture_method": "automatic",
        "latest_charge": None,
        "metadata": {},
        **changes,
    }


def session(status: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": "cs_1",
        "status": status,
        "amount_total": 1000,
        "currency": "eur",
        "url": "https://pay.example/cs_1",
        "expires_at": 1767225600,
        "payment_intent": None,
        **changes,
    }


def test_the_hook_offers_one_way_to_pay() -> None:
    settings = Settings(api_key=Secret("sk"), account="till", label="Card or wallet")

    offers = list(payment_strategies(settings=settings))

    assert [isinstance(offer, PaymentStrategy) for offer in offers] == [True]
    info = offers[0].info
    assert (info.code, info.label, info.account) == ("stripe", "Card or wallet", "till")


@pytest.mark.parametrize(
    ("document", "expected", "kinds"),
    [
        (intent("succeeded", latest_charge="ch_1"), Done, ["CAPTURED"]),
        (intent("requires_capture", capture_method="manual"), Done, ["AUTHORIZED"]),
        (intent("processing"), InProgress, []),
        (intent("requires_confirmation"), InProgress, []),
        (intent("requires_payment_method"), Declined, []),
        (intent("canceled"), Declined, ["APPROVAL_CLOSED"]),
        (
            intent("canceled", capture_method="manual"),
            Declined,
            ["APPROVAL_CLOSED", "AUTHORIZATION_CLOSED"],
        ),
    ],
)
def test_an_intent_stands(document: dict[str, Any], expected: type, kinds: list[str]) -> None:
    answer = standing(document, check_after=AGAIN)

    assert isinstance(answer, expected)
    assert [fact.kind.value for fact in answer.facts] == kinds


@pytest.mark.parametrize(
    "document",
    [
        intent("something_new"),
        intent("requires_action", next_action={"type": "display_a_voucher"}),
        intent("requires_action"),
    ],
)
def test_what_we_do_not_know_is_in_doubt(document: dict[str, Any]) -> None:
    with pytest.raises(InDoubtError):
        standing(document, check_after=AGAIN)


@pytest.mark.parametrize(
    ("document", "expected", "kinds"),
    [
        (session("open"), NeedsCustomer, []),
        (session("open", payment_intent=intent("requires_payment_method")), NeedsCustomer, []),
        (
            session("open", payment_intent=intent("succeeded", latest_charge="ch_1")),
            Done,
            ["CAPTURED"],
        ),
        (
            session("complete", payment_intent=intent("succeeded", latest_charge={"id": "ch_1"})),
            Done,
            ["CAPTURED"],
        ),
        (session("complete", payment_intent=intent("processing")), InProgress, []),
        (session("expired"), Declined, ["APPROVAL_CLOSED"]),
    ],
)
def test_a_hosted_page_stands(document: dict[str, Any], expected: type, kinds: list[str]) -> None:
    answer = standing_of_session(document, check_after=AGAIN)

    assert isinstance(answer, expected)
    assert answer.reference == "cs_1"
    assert [fact.kind.value for fact in answer.facts] == kinds


def test_a_finished_page_without_its_intent_is_in_doubt() -> None:
    with pytest.raises(InDoubtError):
        standing_of_session(session("complete"), check_after=AGAIN)


@pytest.mark.parametrize(
    ("code", "decline_code", "expected"),
    [
        ("card_declined", "stolen_card", DeclineCode.FRAUD_SUSPECTED),
        ("card_declined", "card_velocity_exceeded", DeclineCode.LIMIT_EXCEEDED),
        ("card_declined", "something_new", DeclineCode.CARD_DECLINED),
        ("expired_card", "", DeclineCode.EXPIRED),
        ("", "", DeclineCode.CARD_DECLINED),
    ],
)
def test_codes_are_few(code: str, decline_code: str, expected: DeclineCode) -> None:
    assert decline(code, decline_code)[0] is expected


@pytest.mark.parametrize(
    ("money", "wire"),
    [
        (Money(1999, "EUR"), 1999),
        (Money(500, "JPY"), 500),
        (Money(5, "UGX"), 500),
        (Money(500, "MGA"), 5),
        (Money(1230, "BHD"), 1230),
    ],
)
def test_amounts_survive_the_wire(money: Money, wire: int) -> None:
    there = to_wire(money)

    assert there == wire
    assert from_wire(wire, money.currency.lower()) == money


@pytest.mark.parametrize("money", [Money(501, "MGA"), Money(1234, "BHD")])
def test_amounts_that_the_wire_cannot_carry_are_none(money: Money) -> None:
    assert to_wire(money) is None


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        ("warning_needs_response", []),
        ("needs_response", ["DISPUTE_OPENED"]),
        ("won", ["DISPUTE_WON"]),
        ("lost", ["DISPUTE_LOST"]),
    ],
)
def test_a_dispute_stands(status: str, kinds: list[str]) -> None:
    dispute = {"id": "dp_1", "amount": 5, "currency": "eur", "status": status, "charge": "ch_1"}

    assert [fact.kind.value for fact in dispute_facts(dispute)] == kinds


def test_a_part_that_was_captured_leaves_nothing_authorised() -> None:
    captured = intent(
        "succeeded", capture_method="manual", amount_received=400, latest_charge="ch_1"
    )

    facts = intent_facts(captured)

    assert [(fact.kind.value, fact.amount.minor) for fact in facts] == [
        ("AUTHORIZED", 1000),
        ("CAPTURED", 400),
        ("AUTHORIZATION_CLOSED", 1000),
    ]


@pytest.mark.parametrize(
    ("began", "expected", "kind"),
    [
        ("PENDING", InProgress, FactKind.REFUND_PENDING),
        ("FAILED", Declined, FactKind.REFUND_FAILED),
    ],
)
def test_a_refund_that_is_not_there_yet(
    strategy: StripeStrategy,
    start_request: Callable[..., StartRequest],
    sandbox: SandboxProcess,
    call: Call,
    common: Any,
    began: str,
    expected: type,
    kind: FactKind,
) -> None:
    started = strategy.start(start_request(payment_method="pm_card_visa"), call)
    assert isinstance(started, Done)
    sandbox.control("POST options", refund_status=began)

    answer = strategy.refund(
        RefundRequest(**common, operation_id=f"op-{began}", capture_id=started.facts[0].object_id),
        call,
    )

    assert isinstance(answer, expected)
    assert [fact.kind for fact in answer.facts] == [kind]


def test_a_payment_that_got_no_card_is_declined_on_return(
    strategy: StripeStrategy, sandbox: SandboxProcess, call: Call, common: Any
) -> None:
    made = sandbox.request(
        "POST",
        "/v1/payment_intents",
        "amount=1999&currency=eur&metadata[payment_id]=" + common["payment_id"],
        Authorization="Bearer sk",
    )
    reference = json.loads(made[2])["id"]

    answer = strategy.resume(
        ResumeRequest(**common, operation_id="op-r", reference=reference), call
    )

    assert isinstance(answer, Declined)
    assert answer.reference == reference


def test_voiding_nothing_known_is_in_doubt(
    strategy: StripeStrategy, call: Call, common: Any
) -> None:
    answer = strategy.void(VoidRequest(**common, operation_id="op-v"), call)

    assert isinstance(answer, Unknown)


def test_a_payment_is_found_by_our_own_key_even_among_many(
    strategy: StripeStrategy,
    start_request: Callable[..., StartRequest],
    call: Call,
    common: Any,
) -> None:
    declined = start_request(payment_method="pm_card_chargeDeclined")
    paid = start_request(payment_method="pm_card_visa", operation_id=f"op-{uuid.uuid4().hex}")
    strategy.start(declined, call)
    strategy.start(paid, call)

    found = strategy.inquire(
        InquireRequest(
            **common,
            operation_id=paid.operation_id,
            verb=Verb.START,
            sent_at=datetime.now(UTC),
        ),
        call,
    )

    assert isinstance(found, Done)
    assert found.facts[0].operation_id == paid.operation_id
