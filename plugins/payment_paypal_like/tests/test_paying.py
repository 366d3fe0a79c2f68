"""Approving, capturing, voiding and refunding against a real sandbox process."""

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
    InProgress,
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
from payment_paypal_like.strategy import PaypalStrategy
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


def captures_of(sandbox: SandboxProcess, common: dict[str, Any]) -> list[str]:
    charges = sandbox.control("GET ledger")["charges"]
    return [
        one["amount"]
        for one in charges
        if one["metadata"].get("payment_id") == common["payment_id"]
    ]


def resume_of(common: Any, started: Any, **changes: Any) -> ResumeRequest:
    return ResumeRequest(
        **{**common, "operation_id": key(), "reference": started.reference, **changes}
    )


def inquiry(common: Any, reference: str | None, verb: Verb = Verb.START) -> InquireRequest:
    return InquireRequest(
        **common, operation_id=key(), reference=reference, verb=verb, sent_at=datetime.now(UTC)
    )


def paid(
    strategy: PaypalStrategy,
    request: StartRequest,
    sandbox: SandboxProcess,
    common: Any,
    call: Call,
) -> Any:
    started = strategy.start(request, call)
    sandbox.click(url_of(started))
    return strategy.resume(resume_of(common, started, capture_now=request.capture_now), call)


def test_a_strategy_plays_every_part(strategy: PaypalStrategy) -> None:
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


def test_a_buyer_approves_and_the_money_is_captured_on_return(
    strategy: PaypalStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    started = strategy.start(start_request(), call)
    before = captures_of(sandbox, common)

    back = sandbox.click(url_of(started))
    resumed = strategy.resume(resume_of(common, started), call)

    reference = started.reference  # type: ignore[union-attr]
    assert back.startswith("http://127.0.0.1:9/back?state=signed&token=" + reference)
    assert back.endswith("&PayerID=SANDBOXPAYER")
    assert before == []
    assert isinstance(resumed, Done)
    assert [(fact.kind, fact.amount) for fact in resumed.facts] == [
        (FactKind.CAPTURED, Money(1999, "EUR"))
    ]
    assert captures_of(sandbox, common) == ["19.99"]


def test_the_same_start_twice_is_one_order(
    strategy: PaypalStrategy, start_request: Make, call: Call
) -> None:
    request = start_request()

    first, second = strategy.start(request, call), strategy.start(request, call)

    assert first == second


def test_the_same_resume_twice_captures_once(
    strategy: PaypalStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    started = strategy.start(start_request(), call)
    sandbox.click(url_of(started))
    request = resume_of(common, started)

    answers = [strategy.resume(request, call) for _ in range(3)]
    another = strategy.resume(resume_of(common, started), call)

    assert {kinds(answer)[0] for answer in (*answers, another)} == {FactKind.CAPTURED}
    assert captures_of(sandbox, common) == ["19.99"]


def test_a_buyer_who_cancels_comes_back_and_may_approve_later(
    strategy: PaypalStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    started = strategy.start(start_request(), call)

    back = sandbox.browse(url_of(started), do="cancel")[1]
    resumed = strategy.resume(resume_of(common, started), call)

    assert back.startswith("http://127.0.0.1:9/cancel?token=")
    assert url_of(resumed) == url_of(started)
    assert captures_of(sandbox, common) == []


def test_a_declined_instrument_is_declined_and_may_be_tried_again(
    strategy: PaypalStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    started = strategy.start(start_request(), call)
    sandbox.browse(url_of(started), do="approve", funding="DECLINED")

    declined = strategy.resume(resume_of(common, started), call)
    sandbox.browse(url_of(started), do="approve", funding="GOOD")
    again = strategy.resume(resume_of(common, started), call)

    assert isinstance(declined, Declined)
    assert (declined.code, declined.retry) == (DeclineCode.CARD_DECLINED, Retry.SAME)
    assert kinds(again) == [FactKind.CAPTURED]


@pytest.mark.parametrize(
    ("status", "expected", "kind"),
    [
        ("COMPLETED", Done, FactKind.CAPTURED),
        ("DECLINED", Declined, FactKind.CAPTURE_FAILED),
    ],
)
def test_a_pending_capture_is_in_progress_until_it_is_decided(
    strategy: PaypalStrategy,
    start_request: Make,
    call: Call,
    sandbox: SandboxProcess,
    common: Any,
    status: str,
    expected: type,
    kind: FactKind,
) -> None:
    started = strategy.start(start_request(), call)
    sandbox.browse(url_of(started), do="approve", funding="PENDING")

    resumed = strategy.resume(resume_of(common, started), call)
    assert isinstance(resumed, InProgress)
    sandbox.control("POST finish_capture", capture=resumed.facts[0].object_id, status=status)
    found = strategy.inquire(inquiry(common, resumed.reference, Verb.RESUME), call)

    assert kinds(resumed) == [FactKind.CAPTURE_PENDING]
    assert isinstance(found, expected)
    assert kinds(found) == [kind]


def test_a_look_up_follows_the_order(
    strategy: PaypalStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    started = strategy.start(start_request(), call)
    reference = started.reference  # type: ignore[union-attr]

    waiting = strategy.inquire(inquiry(common, reference), call)
    sandbox.click(url_of(started))
    approved = strategy.inquire(inquiry(common, reference), call)

    assert url_of(waiting) == url_of(started)
    assert isinstance(approved, NeedsCustomer)
    assert kinds(approved) == [FactKind.APPROVED]


def test_an_order_that_is_gone_is_abandoned(
    strategy: PaypalStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    started = strategy.start(start_request(), call)
    reference = started.reference  # type: ignore[union-attr]
    sandbox.control("POST forget", id=reference)

    answers = [
        strategy.inquire(inquiry(common, reference), call),
        strategy.resume(resume_of(common, started), call),
    ]

    for answer in answers:
        assert isinstance(answer, Declined)
        assert answer.code is DeclineCode.ABANDONED
        assert kinds(answer) == [FactKind.APPROVAL_CLOSED]


def test_an_authorisation_is_captured_in_two_parts(
    strategy: PaypalStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    held = paid(strategy, start_request(capture_now=False), sandbox, common, call)
    about = {
        **common,
        "reference": held.reference,
        "authorization_id": held.facts[0].object_id,
    }

    answers = [
        strategy.capture(
            CaptureRequest(
                **{**about, "amount": Money(minor, "EUR")}, operation_id=key(), final=final
            ),
            call,
        )
        for minor, final in ((1000, False), (900, True), (99, True))
    ]
    found = strategy.inquire(inquiry(common, held.reference, Verb.CAPTURE), call)

    assert kinds(held) == [FactKind.AUTHORIZED]
    assert [type(answer) for answer in answers] == [Done, Done, Declined]
    assert answers[0].facts[0].parent_id == about["authorization_id"]  # type: ignore[union-attr]
    assert kinds(found) == [
        FactKind.AUTHORIZED,
        FactKind.AUTHORIZATION_CLOSED,
        FactKind.CAPTURED,
        FactKind.CAPTURED,
    ]
    assert sorted(captures_of(sandbox, common)) == ["10.00", "9.00"]


def test_an_authorisation_is_given_back(
    strategy: PaypalStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    held = paid(strategy, start_request(capture_now=False), sandbox, common, call)
    request = VoidRequest(
        **common,
        operation_id=key(),
        reference=held.reference,
        authorization_id=held.facts[0].object_id,
    )

    voided, again = strategy.void(request, call), strategy.void(request, call)

    assert isinstance(voided, Done)
    assert kinds(voided) == [FactKind.AUTHORIZATION_CLOSED, FactKind.APPROVAL_CLOSED]
    assert again == voided


def test_before_approval_there_is_nothing_to_give_back(
    strategy: PaypalStrategy, start_request: Make, call: Call, common: Any
) -> None:
    started = strategy.start(start_request(), call)

    voided = strategy.void(
        VoidRequest(**common, operation_id=key(), reference=started.reference),  # type: ignore[union-attr]
        call,
    )

    assert isinstance(voided, Done)
    assert kinds(voided) == [FactKind.APPROVAL_CLOSED]


def test_voiding_what_is_captured_is_refused_and_tells_the_capture(
    strategy: PaypalStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    done = paid(strategy, start_request(), sandbox, common, call)

    voided = strategy.void(
        VoidRequest(**common, operation_id=key(), reference=done.reference), call
    )

    assert isinstance(voided, Declined)
    assert kinds(voided) == [FactKind.CAPTURED]


def test_a_capture_is_refunded_in_parts_never_past_it(
    strategy: PaypalStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    done = paid(strategy, start_request(), sandbox, common, call)
    about = {**common, "reference": done.reference, "capture_id": done.facts[0].object_id}
    requests = [
        RefundRequest(**{**about, "amount": Money(minor, "EUR")}, operation_id=key())
        for minor in (500, 1499, 1)
    ]

    answers = [strategy.refund(request, call) for request in requests]
    repeated = strategy.refund(requests[0], call)
    found = strategy.inquire(inquiry(common, done.reference, Verb.REFUND), call)

    assert [type(answer) for answer in answers] == [Done, Done, Declined]
    fact = answers[0].facts[0]  # type: ignore[union-attr]
    assert (fact.kind, fact.parent_id) == (FactKind.REFUNDED, about["capture_id"])
    assert fact.operation_id == requests[0].operation_id
    assert repeated == answers[0]
    assert kinds(found) == [FactKind.CAPTURED, FactKind.REFUNDED, FactKind.REFUNDED]


@pytest.mark.parametrize(
    ("amount", "value"),
    [(Money(500, "JPY"), "500"), (Money(50000, "HUF"), "500"), (Money(5, "USD"), "0.05")],
)
def test_currencies_keep_their_decimals(
    strategy: PaypalStrategy,
    start_request: Make,
    call: Call,
    sandbox: SandboxProcess,
    common: Any,
    amount: Money,
    value: str,
) -> None:
    common["amount"] = amount

    done = paid(strategy, start_request(amount=amount), sandbox, common, call)

    assert done.facts[0].amount == amount
    assert captures_of(sandbox, common) == [value]


@pytest.mark.parametrize("amount", [Money(50050, "HUF"), Money(1000, "KWD")])
def test_an_amount_that_cannot_be_taken_is_declined(
    strategy: PaypalStrategy, start_request: Make, call: Call, amount: Money
) -> None:
    request = start_request(amount=amount)

    answer = strategy.start(request, call)

    assert isinstance(answer, Declined)
    assert answer.code is DeclineCode.NOT_SUPPORTED


def test_whose_money_it_is_is_told_where_it_is_known(
    make_strategy: Callable[..., PaypalStrategy],
    start_request: Make,
    call: Call,
    sandbox: SandboxProcess,
    common: Any,
) -> None:
    strategy = make_strategy(merchant_id="SANDBOXMERCHANT")

    done = paid(strategy, start_request(), sandbox, common, call)

    assert strategy.info.account == "SANDBOXMERCHANT"
    assert done.facts[0].account == "SANDBOXMERCHANT"


def test_a_statement_lists_what_moved(
    strategy: PaypalStrategy, start_request: Make, call: Call, sandbox: SandboxProcess, common: Any
) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    done = paid(strategy, start_request(), sandbox, common, call)
    refund = RefundRequest(**common, operation_id=key(), capture_id=done.facts[0].object_id)
    strategy.refund(refund, call)
    ended = datetime.now(UTC).replace(microsecond=0)

    notices = [
        notice
        for notice in strategy.statement(began, max(ended, began.replace(second=59)), call)
        if notice.payment_id == common["payment_id"]
    ]

    facts = [fact for notice in notices for fact in notice.facts]
    assert [fact.kind for fact in facts] == [FactKind.CAPTURED, FactKind.REFUNDED]
    assert facts[1].parent_id == facts[0].object_id
    assert facts[1].operation_id == refund.operation_id
