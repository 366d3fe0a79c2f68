"""What goes wrong on the wire, and that nobody's money is taken twice for it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hookspecs import (
    Call,
    DeclineCode,
    Declined,
    Done,
    FactKind,
    Healthy,
    InquireRequest,
    NeedsCustomer,
    NotConfigured,
    NotFound,
    NotSent,
    Redirect,
    RefundRequest,
    Resend,
    ResumeRequest,
    Secret,
    StartRequest,
    Unhealthy,
    Unknown,
    Verb,
)
from payment_paypal_like.settings import Settings
from payment_paypal_like.strategy import PaypalStrategy
from sandbox_gateways.process import SandboxProcess

Make = Callable[..., StartRequest]
CAPTURE = r"POST /v2/checkout/orders/\w+/capture"


def captures_of(sandbox: SandboxProcess, common: dict[str, Any]) -> int:
    charges = sandbox.control("GET ledger")["charges"]
    return sum(one["metadata"].get("payment_id") == common["payment_id"] for one in charges)


def soon(seconds: float) -> Call:
    return Call(deadline=time.monotonic() + seconds)


def approved(strategy: PaypalStrategy, request: StartRequest, sandbox: SandboxProcess) -> str:
    started = strategy.start(request, soon(5))
    assert isinstance(started, NeedsCustomer)
    assert isinstance(started.action, Redirect)
    sandbox.click(started.action.url)
    return str(started.reference)


def inquiry(request: Any, **changes: Any) -> InquireRequest:
    return InquireRequest(
        operation_id=request.operation_id,
        payment_id=request.payment_id,
        amount=request.amount,
        order=request.order,
        **{
            "reference": request.reference,
            "verb": Verb.RESUME,
            "sent_at": datetime.now(UTC),
            **changes,
        },
    )


@pytest.mark.parametrize("way", ["drop", "500", "503", "garbage", "empty"])
def test_captured_without_an_answer_is_unknown_and_found(
    strategy: PaypalStrategy, start_request: Make, sandbox: SandboxProcess, common: Any, way: str
) -> None:
    reference = approved(strategy, start_request(), sandbox)
    request = ResumeRequest(**common, operation_id=f"op-{way}", reference=reference)
    sandbox.control("POST faults", match=CAPTURE, do=way)

    first = strategy.resume(request, soon(5))
    found = strategy.inquire(inquiry(request), soon(5))
    again = strategy.resume(request, soon(5))

    assert isinstance(first, Unknown)
    assert isinstance(found, Done)
    assert isinstance(again, Done)
    assert found.facts[0].kind is FactKind.CAPTURED
    assert captures_of(sandbox, common) == 1


@pytest.mark.parametrize("way", ["drop", "503", "empty", "garbage"])
def test_lost_before_it_was_done_asks_to_send_the_same_again(
    strategy: PaypalStrategy, start_request: Make, sandbox: SandboxProcess, common: Any, way: str
) -> None:
    reference = approved(strategy, start_request(), sandbox)
    request = ResumeRequest(**common, operation_id=f"op-{way}", reference=reference)
    sandbox.control("POST faults", match=CAPTURE, do=way, when="before")

    first = strategy.resume(request, soon(5))
    found = strategy.inquire(inquiry(request), soon(5))
    again = strategy.resume(request, soon(5))

    assert isinstance(first, Unknown)
    assert found == Resend()
    assert isinstance(again, Done)
    assert captures_of(sandbox, common) == 1


def test_past_the_life_of_its_key_nothing_is_sent_again(
    strategy: PaypalStrategy, start_request: Make, sandbox: SandboxProcess, common: Any
) -> None:
    reference = approved(strategy, start_request(), sandbox)
    request = ResumeRequest(**common, operation_id="op-late", reference=reference)
    long_ago = datetime.now(UTC) - timedelta(hours=7)

    found = strategy.inquire(inquiry(request, sent_at=long_ago), soon(5))

    assert found == NotFound()


def test_a_start_in_doubt_is_sent_again_and_is_the_same_order(
    strategy: PaypalStrategy, start_request: Make, sandbox: SandboxProcess
) -> None:
    request = start_request()
    sandbox.control("POST faults", match="POST /v2/checkout/orders", do="drop")

    first = strategy.start(request, soon(5))
    found = strategy.inquire(inquiry(request, verb=Verb.START), soon(5))
    again, third = strategy.start(request, soon(5)), strategy.start(request, soon(5))

    assert isinstance(first, Unknown)
    assert found == Resend()
    assert isinstance(again, NeedsCustomer)
    assert again == third


def test_a_time_out_ends_within_the_deadline_and_is_unknown(
    strategy: PaypalStrategy, start_request: Make, sandbox: SandboxProcess, common: Any
) -> None:
    reference = approved(strategy, start_request(), sandbox)
    sandbox.control("POST faults", match=CAPTURE, do="timeout", seconds=8)
    request = ResumeRequest(**common, operation_id="op-slow", reference=reference)
    began = time.monotonic()

    answer = strategy.resume(request, soon(0.5))

    assert isinstance(answer, Unknown)
    assert time.monotonic() - began < 4


def test_two_at_once_under_one_key_capture_once(
    strategy: PaypalStrategy, start_request: Make, sandbox: SandboxProcess, common: Any
) -> None:
    reference = approved(strategy, start_request(), sandbox)
    request = ResumeRequest(**common, operation_id="op-twice", reference=reference)
    sandbox.control("POST faults", match=CAPTURE, do="slow", seconds=0.5, when="before")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: strategy.resume(request, soon(5)), range(4)))

    assert any(isinstance(answer, Done) for answer in answers)
    assert {type(answer) for answer in answers} <= {Done, Unknown}
    assert captures_of(sandbox, common) == 1


@pytest.mark.parametrize("way", ["drop", "500", "garbage", "timeout"])
def test_without_a_token_nothing_was_sent(
    make_strategy: Callable[..., PaypalStrategy],
    start_request: Make,
    sandbox: SandboxProcess,
    way: str,
) -> None:
    strategy = make_strategy()
    sandbox.control("POST faults", match="POST /v1/oauth2/token", do=way, seconds=3)

    answer = strategy.start(start_request(), soon(1))

    assert isinstance(answer, NotSent)


def test_a_token_that_has_run_out_is_replaced(
    strategy: PaypalStrategy, start_request: Make, sandbox: SandboxProcess
) -> None:
    strategy.start(start_request(), soon(5))
    sandbox.control("POST forget_tokens")

    answer = strategy.start(start_request(), soon(5))

    assert isinstance(answer, NeedsCustomer)


def test_turned_away_is_not_sent(
    strategy: PaypalStrategy, start_request: Make, sandbox: SandboxProcess
) -> None:
    sandbox.control("POST faults", match="POST /v2/checkout/orders", do="429", when="before")

    answer = strategy.start(start_request(), soon(5))

    assert isinstance(answer, NotSent)
    assert answer.retry_after == timedelta(seconds=1)


@pytest.mark.parametrize("base", ["http://127.0.0.1:9", "https://nowhere.invalid"])
def test_a_gateway_that_cannot_be_reached_was_sent_nothing(
    make_strategy: Callable[..., PaypalStrategy], start_request: Make, base: str
) -> None:
    strategy = make_strategy(base=base)
    request = start_request()

    answer = strategy.start(request, soon(5))
    found = strategy.inquire(inquiry(request, reference="ORD"), soon(5))

    assert isinstance(answer, NotSent)
    assert isinstance(found, Unknown)
    assert isinstance(strategy.probe(soon(5)), Unhealthy)


def test_a_past_deadline_touches_no_network(
    strategy: PaypalStrategy, start_request: Make, sandbox: SandboxProcess, common: Any
) -> None:
    reference = approved(strategy, start_request(), sandbox)
    request = ResumeRequest(**common, operation_id="op-dead", reference=reference)

    answers = [
        strategy.resume(request, soon(-1)),
        strategy.inquire(inquiry(request), soon(-1)),
    ]

    assert [type(answer) for answer in answers] == [NotSent, Unknown]
    assert captures_of(sandbox, common) == 0


def test_a_refund_of_nothing_we_know_is_declined(strategy: PaypalStrategy, common: Any) -> None:
    answer = strategy.refund(
        RefundRequest(**common, operation_id="op-x", capture_id="NOBODY"), soon(5)
    )

    assert isinstance(answer, Declined)
    assert answer.code is DeclineCode.INVALID_REQUEST


def test_the_probe_says_whether_the_credentials_are_good(strategy: PaypalStrategy) -> None:
    answer = strategy.probe(soon(5))

    assert answer == Healthy()


@pytest.mark.parametrize(
    "wrong", [{"base": "http://api-m.paypal.com"}, {"client_id": ""}, {"client_secret": Secret("")}]
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotConfigured):
        Settings(**{"client_id": "a", "client_secret": Secret("b"), **wrong})


def test_importing_it_brings_no_sdk() -> None:
    program = (
        "import sys, payment_paypal_like.plugin;"
        "print('httpx2' in sys.modules, 'cryptography' in sys.modules)"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()

    assert said == ["False", "False"]
