"""What goes wrong on the wire, and that nobody is charged twice for it."""

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
    Healthy,
    InquireRequest,
    Money,
    NeedsCustomer,
    NotConfigured,
    NotFound,
    NotSent,
    Resend,
    ResumeRequest,
    Secret,
    StartRequest,
    Unhealthy,
    Unknown,
    Verb,
)
from payment_stripe_like.settings import Settings
from payment_stripe_like.strategy import StripeStrategy
from sandbox_gateways.process import SandboxProcess

Make = Callable[..., StartRequest]
INTENTS = "POST /v1/payment_intents"


def charges_of(sandbox: SandboxProcess, common: dict[str, Any]) -> int:
    charges = sandbox.control("GET ledger")["charges"]
    return sum(one["metadata"].get("payment_id") == common["payment_id"] for one in charges)


def inquiry(request: StartRequest, **changes: Any) -> InquireRequest:
    return InquireRequest(
        operation_id=request.operation_id,
        payment_id=request.payment_id,
        amount=request.amount,
        order=request.order,
        **{"verb": Verb.START, "sent_at": datetime.now(UTC), **changes},
    )


def soon(seconds: float) -> Call:
    return Call(deadline=time.monotonic() + seconds)


@pytest.mark.parametrize("way", ["drop", "500", "503", "garbage", "empty"])
def test_charged_without_an_answer_is_unknown_and_found_by_our_key(
    strategy: StripeStrategy,
    start_request: Make,
    sandbox: SandboxProcess,
    common: Any,
    way: str,
) -> None:
    request = start_request(payment_method="pm_card_visa")
    sandbox.control("POST faults", match=INTENTS, do=way)

    first = strategy.start(request, soon(5))
    found = strategy.inquire(inquiry(request), soon(5))
    again = strategy.start(request, soon(5))

    assert isinstance(first, Unknown)
    assert isinstance(found, Done)
    assert isinstance(again, Unknown if way == "500" else Done)
    assert charges_of(sandbox, common) == 1


@pytest.mark.parametrize("way", ["drop", "500", "garbage"])
def test_a_card_page_in_doubt_is_found_again(
    strategy: StripeStrategy, start_request: Make, sandbox: SandboxProcess, way: str
) -> None:
    request = start_request()
    sandbox.control("POST faults", match="POST /v1/checkout/sessions", do=way)

    first = strategy.start(request, soon(5))
    found = strategy.inquire(inquiry(request), soon(5))

    assert isinstance(first, Unknown)
    assert isinstance(found, NeedsCustomer)


def test_a_time_out_ends_within_the_deadline_and_is_unknown(
    strategy: StripeStrategy, start_request: Make, sandbox: SandboxProcess, common: Any
) -> None:
    request = start_request(payment_method="pm_card_visa")
    sandbox.control("POST faults", match=INTENTS, do="timeout", seconds=8)
    began = time.monotonic()

    answer = strategy.start(request, soon(0.5))

    assert isinstance(answer, Unknown)
    assert time.monotonic() - began < 4
    assert charges_of(sandbox, common) == 1


@pytest.mark.parametrize("way", ["drop", "503", "empty"])
def test_lost_before_it_was_done_asks_to_send_the_same_again(
    strategy: StripeStrategy, start_request: Make, sandbox: SandboxProcess, common: Any, way: str
) -> None:
    request = start_request(payment_method="pm_card_visa")
    sandbox.control("POST faults", match=INTENTS, do=way, when="before")

    first = strategy.start(request, soon(5))
    found = strategy.inquire(inquiry(request), soon(5))
    again = strategy.start(request, soon(5))

    assert isinstance(first, Unknown)
    assert found == Resend()
    assert isinstance(again, Done)
    assert charges_of(sandbox, common) == 1


def test_past_the_life_of_its_key_not_found_is_said_plainly(
    strategy: StripeStrategy, start_request: Make
) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=25)

    found = strategy.inquire(inquiry(start_request(), sent_at=long_ago), soon(5))

    assert found == NotFound()


@pytest.mark.parametrize(("way", "seconds"), [("429", 1.0), ("409", None)])
def test_turned_away_is_not_sent(
    strategy: StripeStrategy,
    start_request: Make,
    sandbox: SandboxProcess,
    way: str,
    seconds: float | None,
) -> None:
    sandbox.control("POST faults", match=INTENTS, do=way, when="before")

    answer = strategy.start(start_request(payment_method="pm_card_visa"), soon(5))

    assert isinstance(answer, NotSent)
    assert answer.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_two_at_once_under_one_key_charge_once(
    strategy: StripeStrategy, start_request: Make, sandbox: SandboxProcess, common: Any
) -> None:
    request = start_request(payment_method="pm_card_visa")
    sandbox.control("POST faults", match=INTENTS, do="slow", seconds=0.5, when="before")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: strategy.start(request, soon(5)), range(4)))

    assert sum(isinstance(answer, Done) for answer in answers) >= 1
    assert {type(answer) for answer in answers} <= {Done, Unknown}
    assert charges_of(sandbox, common) == 1


def test_other_parameters_under_a_used_key_are_in_doubt_not_declined(
    strategy: StripeStrategy, start_request: Make, sandbox: SandboxProcess, common: Any
) -> None:
    request = start_request(payment_method="pm_card_visa", operation_id=f"op-{time.time_ns()}")
    strategy.start(request, soon(5))
    other = start_request(payment_method="pm_card_mastercard", operation_id=request.operation_id)

    answer = strategy.start(other, soon(5))

    assert isinstance(answer, Unknown)
    assert charges_of(sandbox, common) == 1


@pytest.mark.parametrize("base", ["http://127.0.0.1:9", "https://nowhere.invalid"])
def test_a_gateway_that_cannot_be_reached_was_sent_nothing(
    make_strategy: Callable[..., StripeStrategy], start_request: Make, base: str
) -> None:
    strategy = make_strategy(base=base)

    answer = strategy.start(start_request(), soon(5))
    found = strategy.inquire(inquiry(start_request()), soon(5))

    assert isinstance(answer, NotSent)
    assert isinstance(found, Unknown)
    assert isinstance(strategy.probe(soon(5)), Unhealthy)


def test_a_past_deadline_touches_no_network(
    strategy: StripeStrategy, start_request: Make, sandbox: SandboxProcess, common: Any
) -> None:
    request = start_request(payment_method="pm_card_visa")

    answers = [
        strategy.start(request, soon(-1)),
        strategy.inquire(inquiry(request, reference="pi_x"), soon(-1)),
    ]

    assert [type(answer) for answer in answers] == [NotSent, Unknown]
    assert charges_of(sandbox, common) == 0


def test_an_amount_that_cards_cannot_take_is_declined_without_a_post(
    strategy: StripeStrategy, start_request: Make
) -> None:
    answers = [
        strategy.start(start_request(amount=Money(1234, "KWD")), soon(5)),
        strategy.start(start_request(amount=Money(999_999_999, "EUR")), soon(5)),
    ]

    assert [type(answer) for answer in answers] == [Declined, Declined]
    assert answers[0].code is DeclineCode.NOT_SUPPORTED  # type: ignore[union-attr]
    assert answers[1].code is DeclineCode.LIMIT_EXCEEDED  # type: ignore[union-attr]


def test_a_reference_nobody_knows_is_told_to_a_person(
    strategy: StripeStrategy, start_request: Make, common: Any
) -> None:
    request = start_request()

    found = strategy.inquire(inquiry(request, reference="pi_nobody"), soon(5))
    resumed = strategy.resume(
        ResumeRequest(**common, operation_id="op-r", reference="pi_nobody"), soon(5)
    )

    assert isinstance(found, Unknown)
    assert isinstance(resumed, Declined)
    assert resumed.code is DeclineCode.INVALID_REQUEST


def test_the_probe_says_whether_the_key_is_good(strategy: StripeStrategy) -> None:
    answer = strategy.probe(soon(5))

    assert answer == Healthy()


@pytest.mark.parametrize(
    "wrong",
    [{"base": "http://api.stripe.com"}, {"api_key": Secret("")}, {"statement_suffix": "<" * 3}],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotConfigured):
        Settings(**{"api_key": Secret("sk"), **wrong})


def test_importing_it_brings_no_sdk() -> None:
    program = (
        "import sys, payment_stripe_like.plugin;"
        "print('stripe' in sys.modules, 'requests' in sys.modules)"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()

    assert said == ["False", "False"]
