"""Paying, refusing, capturing, voiding and refunding against a real sandbox process."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from hookspecs import (
    Call,
    CaptureRequest,
    Captures,
    DeclineCode,
    Declined,
    Done,
    FactKind,
    HasStatement,
    InquireRequest,
    Money,
    NeedsCustomer,
    PaymentStrategy,
    Probes,
    ReadsWebhooks,
    Redirect,
    RefundRequest,
    Refunds,
    ResumeRequest,
    Resumes,
    Retry,
    StartRequest,
    Verb,
    VoidRequest,
    Voids,
)
from payment_stripe_like.strategy import StripeStrategy
from sandbox_gateways.process import SandboxProcess

Make = Callable[..., StartRequest]


def kinds(answer: Any) -> list[FactKind]:
    return [fact.kind for fact in answer.facts]


def url_of(answer: Any) -> str:
    assert isinstance(answer, NeedsCustomer)
    assert isinstance(answer.action, Redirect)
    return answer.action.url


def key() -> str:
    return f"op-{uuid.uuid4().hex}"


def charges_of(sandbox: SandboxProcess, common: dict[str, Any]) -> list[dict[str, Any]]:
    charges = sandbox.control("GET ledger")["charges"]
    return [
        one
        for one in charges
        if one["metadata"].get("payment_id") == common["payment_id"] and one["status"] != "failed"
    ]


def test_a_strategy_plays_every_part(strategy: StripeStrategy) -> None:
    parts = (
        PaymentStrategy,
        Resumes,
        Captures,
        Voids,
        Refunds,
        ReadsWebhooks,
        HasStatement,
        Probes,
    )

    missing = [part for part in parts if not isinstance(strategy, part)]

    assert missing == []


def test_it_charges_a_payment_method_at_once(
    strategy: StripeStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    request = start_request(payment_method="pm_card_visa")

    answer = strategy.start(request, call)

    assert isinstance(answer, Done)
    (fact,) = answer.facts
    assert (fact.kind, fact.amount) == (FactKind.CAPTURED, Money(1999, "EUR"))
    assert fact.operation_id == request.operation_id
    assert [one["amount"] for one in charges_of(sandbox, common)] == [1999]


def test_the_same_request_twice_charges_once(
    strategy: StripeStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    request = start_request(payment_method="pm_card_visa")

    answers = [strategy.start(request, call) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert len(charges_of(sandbox, common)) == 1


@pytest.mark.parametrize(
    ("token", "code", "retry"),
    [
        ("pm_card_chargeDeclined", DeclineCode.CARD_DECLINED, Retry.OTHER_METHOD),
        (
            "pm_card_chargeDeclinedInsufficientFunds",
            DeclineCode.INSUFFICIENT_FUNDS,
            Retry.OTHER_METHOD,
        ),
        ("pm_card_chargeDeclinedExpiredCard", DeclineCode.EXPIRED, Retry.OTHER_METHOD),
        ("pm_card_chargeDeclinedIncorrectCvc", DeclineCode.INVALID_INPUT, Retry.SAME),
        ("pm_card_chargeDeclinedFraudulent", DeclineCode.FRAUD_SUSPECTED, Retry.OTHER_METHOD),
        ("pm_card_chargeDeclinedProcessingError", DeclineCode.OTHER, Retry.SAME),
        ("pm_no_such_card", DeclineCode.INVALID_INPUT, Retry.SAME),
    ],
)
def test_a_decline_is_told_in_our_words(
    strategy: StripeStrategy,
    start_request: Make,
    call: Call,
    token: str,
    code: DeclineCode,
    retry: Retry,
) -> None:
    request = start_request(payment_method=token)

    answer = strategy.start(request, call)

    assert isinstance(answer, Declined)
    assert (answer.code, answer.retry) == (code, retry)
    assert answer.facts == ()


def test_a_hosted_page_takes_the_card(
    strategy: StripeStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    started = strategy.start(start_request(), call)
    reference = started.reference  # type: ignore[union-attr]

    back = sandbox.click(url_of(started))
    resumed = strategy.resume(
        ResumeRequest(**common, operation_id=key(), reference=reference), call
    )

    assert back == f"http://127.0.0.1:9/back?state=signed&session_id={reference}"
    assert isinstance(resumed, Done)
    assert kinds(resumed) == [FactKind.CAPTURED]
    assert resumed.reference == reference


def test_a_customer_who_comes_back_unpaid_is_sent_there_again(
    strategy: StripeStrategy, start_request: Make, call: Call, common: Any
) -> None:
    started = strategy.start(start_request(), call)

    resumed = strategy.resume(
        ResumeRequest(**common, operation_id=key(), reference=started.reference),  # type: ignore[union-attr]
        call,
    )

    assert url_of(resumed) == url_of(started)


def test_a_declined_card_on_the_page_can_be_followed_by_a_good_one(
    strategy: StripeStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    started = strategy.start(start_request(), call)
    page = url_of(started)

    refused = sandbox.browse(page, number="4000000000000002")
    paid = sandbox.browse(page, number="4242424242424242")
    resumed = strategy.resume(
        ResumeRequest(**common, operation_id=key(), reference=started.reference),  # type: ignore[union-attr]
        call,
    )

    assert refused[0] == 402
    assert "Your card was declined." in refused[2]
    assert paid[0] == 303
    assert kinds(resumed) == [FactKind.CAPTURED]
    assert len(charges_of(sandbox, common)) == 1


@pytest.mark.parametrize(("does", "expected"), [("pass", Done), ("fail", Declined)])
def test_three_d_secure_goes_by_redirect(
    strategy: StripeStrategy,
    start_request: Make,
    call: Call,
    sandbox: SandboxProcess,
    common: Any,
    does: str,
    expected: type,
) -> None:
    started = strategy.start(start_request(payment_method="pm_card_authenticationRequired"), call)
    challenge = url_of(started)

    shown = sandbox.browse(challenge)
    answered = sandbox.browse(challenge, do=does)
    resumed = strategy.resume(
        ResumeRequest(**common, operation_id=key(), reference=started.reference),  # type: ignore[union-attr]
        call,
    )

    assert "Your bank asks" in shown[2]
    assert answered[1].startswith("http://127.0.0.1:9/back?state=signed&payment_intent=pi_")
    assert isinstance(resumed, expected)
    if isinstance(resumed, Declined):
        assert (resumed.code, resumed.retry) == (DeclineCode.AUTHENTICATION_FAILED, Retry.SAME)


def test_three_d_secure_on_the_page_ends_at_the_shop(
    strategy: StripeStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    started = strategy.start(start_request(), call)

    challenge = sandbox.browse(url_of(started), number="4000002760003184")[1]
    back = sandbox.browse(challenge, do="pass")[1]

    assert "/stripe/challenge/" in challenge
    assert back.startswith("http://127.0.0.1:9/back?")
    assert len(charges_of(sandbox, common)) == 1


def test_an_authorisation_is_captured_in_part_and_the_rest_released(
    strategy: StripeStrategy, start_request: Make, call: Call, common: Any
) -> None:
    started = strategy.start(start_request(payment_method="pm_card_visa", capture_now=False), call)
    assert isinstance(started, Done)
    (held,) = started.facts
    operation = key()

    captured = strategy.capture(
        CaptureRequest(
            **{**common, "amount": Money(1500, "EUR")},
            operation_id=operation,
            reference=started.reference,
            authorization_id=held.object_id,
        ),
        call,
    )

    assert held.kind is FactKind.AUTHORIZED
    assert isinstance(captured, Done)
    taken = next(fact for fact in captured.facts if fact.kind is FactKind.CAPTURED)
    assert (taken.amount.minor, taken.parent_id) == (1500, held.object_id)
    assert taken.operation_id == operation
    assert FactKind.AUTHORIZATION_CLOSED in kinds(captured)


def test_a_second_capture_tells_what_is_true(
    strategy: StripeStrategy, start_request: Make, call: Call, common: Any
) -> None:
    started = strategy.start(start_request(payment_method="pm_card_visa", capture_now=False), call)
    held = started.facts[0].object_id  # type: ignore[union-attr]
    request = {**common, "reference": started.reference, "authorization_id": held}  # type: ignore[union-attr]
    strategy.capture(CaptureRequest(**request, operation_id=key()), call)

    second = strategy.capture(CaptureRequest(**request, operation_id=key()), call)

    assert isinstance(second, Declined)
    assert FactKind.CAPTURED in kinds(second)


def test_an_authorisation_is_given_back(
    strategy: StripeStrategy, start_request: Make, call: Call, common: Any
) -> None:
    started = strategy.start(start_request(payment_method="pm_card_visa", capture_now=False), call)
    assert isinstance(started, Done)

    voided = strategy.void(
        VoidRequest(
            **common,
            operation_id=key(),
            reference=started.reference,
            authorization_id=started.facts[0].object_id,
        ),
        call,
    )

    assert kinds(voided) == [FactKind.APPROVAL_CLOSED, FactKind.AUTHORIZATION_CLOSED]


def test_an_open_page_is_closed_and_takes_no_card_any_more(
    strategy: StripeStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    started = strategy.start(start_request(), call)
    request = VoidRequest(**common, operation_id=key(), reference=started.reference)  # type: ignore[union-attr]

    voided = strategy.void(request, call)
    again = strategy.void(request, call)
    page = sandbox.browse(url_of(started), number="4242424242424242")

    assert kinds(voided) == kinds(again) == [FactKind.APPROVAL_CLOSED]
    assert page[0] == 410
    assert charges_of(sandbox, common) == []


def test_voiding_what_is_paid_is_refused_and_tells_the_capture(
    strategy: StripeStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    started = strategy.start(start_request(), call)
    sandbox.click(url_of(started))

    voided = strategy.void(
        VoidRequest(**common, operation_id=key(), reference=started.reference),  # type: ignore[union-attr]
        call,
    )

    assert isinstance(voided, Declined)
    assert kinds(voided) == [FactKind.CAPTURED]


def test_a_capture_is_refunded_in_parts_never_past_it(
    strategy: StripeStrategy, start_request: Make, call: Call, common: Any
) -> None:
    started = strategy.start(start_request(payment_method="pm_card_visa"), call)
    assert isinstance(started, Done)
    about = {**common, "reference": started.reference, "capture_id": started.facts[0].object_id}

    answers = [
        strategy.refund(
            RefundRequest(**{**about, "amount": Money(minor, "EUR")}, operation_id=key()), call
        )
        for minor in (500, 1499, 1)
    ]

    assert [type(answer) for answer in answers] == [Done, Done, Declined]
    assert kinds(answers[0]) == [FactKind.REFUNDED]
    assert answers[0].facts[0].parent_id == about["capture_id"]  # type: ignore[union-attr]


def test_a_look_up_tells_refunds_and_disputes(
    strategy: StripeStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    started = strategy.start(start_request(payment_method="pm_card_visa"), call)
    assert isinstance(started, Done)
    charge = started.facts[0].object_id
    operation = key()
    strategy.refund(
        RefundRequest(
            **{**common, "amount": Money(99, "EUR")}, operation_id=operation, capture_id=charge
        ),
        call,
    )
    sandbox.control("POST dispute", charge=charge)

    found = strategy.inquire(
        InquireRequest(
            **common,
            operation_id=operation,
            reference=started.reference,
            verb=Verb.REFUND,
            sent_at=datetime.now(UTC),
        ),
        call,
    )

    assert kinds(found) == [FactKind.CAPTURED, FactKind.REFUNDED, FactKind.DISPUTE_OPENED]
    assert found.facts[1].operation_id == operation  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("amount", "wire"),
    [(Money(500, "JPY"), 500), (Money(1230, "KWD"), 1230), (Money(700, "ISK"), 70000)],
)
def test_currencies_keep_their_decimals(
    strategy: StripeStrategy,
    start_request: Make,
    call: Call,
    sandbox: SandboxProcess,
    common: Any,
    amount: Money,
    wire: int,
) -> None:
    request = start_request(payment_method="pm_card_visa", amount=amount)

    answer = strategy.start(request, call)

    assert isinstance(answer, Done)
    assert answer.facts[0].amount == amount
    assert [one["amount"] for one in charges_of(sandbox, common)] == [wire]


def test_a_statement_lists_what_the_account_did(
    strategy: StripeStrategy, start_request: Make, call: Call, common: Any
) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    started = strategy.start(start_request(payment_method="pm_card_visa"), call)
    assert isinstance(started, Done)
    strategy.refund(
        RefundRequest(**common, operation_id=key(), capture_id=started.facts[0].object_id),
        call,
    )

    notices = [
        notice
        for notice in strategy.statement(began, datetime.now(UTC), call)
        if notice.payment_id == common["payment_id"]
    ]

    told = [fact.kind for notice in notices for fact in notice.facts]
    assert told == [FactKind.CAPTURED, FactKind.REFUNDED]
