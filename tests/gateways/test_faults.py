"""Gateways that fail (G1 to G7 of what is promised), judged by the ledger of the sandbox."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from core.application.expire_orders import expire_orders
from core.application.look_up_payment import look_up_payment
from core.application.payment_step import payment_step
from core.application.queries import order_page
from core.hooks.breaker import Thresholds
from core.hooks.registry import Registry
from core.models import Operation
from hookspecs import (
    Call,
    Declined,
    Finding,
    InquireRequest,
    Outcome,
    Resend,
    ResumeRequest,
    StartRequest,
    Unknown,
)
from payment_paypal_like.strategy import PaypalStrategy
from payment_stripe_like.strategy import StripeStrategy
from sandbox_gateways.process import SandboxProcess
from tests.application.shelf import stock
from tests.gateways.till import (
    CARD,
    CHARGES,
    STARTS,
    TIRELESS,
    another_key,
    back,
    charge,
    charged,
    check_once_and_paid,
    clock,
    incidents,
    order_one,
    page_of,
    payment_of,
    paypal_at,
    posts,
    registry_at,
    settle,
    start,
    statuses,
    stripe_at,
    sweep_now,
)
from tests.session import tier

QUICK = tier() == "quick"
EACH = 4 if QUICK else 40
SILENT = 10 if QUICK else 100
both = pytest.mark.parametrize("code", ["stripe", "paypal"])
pytestmark = [pytest.mark.usefixtures("mugs"), pytest.mark.timeout(900)]


class Keyless(StripeStrategy):
    """Without its protection: a new key at each attempt, and look-ups that see nothing."""

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        return super().start(another_key(request), call)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        return Resend()


class Hasty(PaypalStrategy):
    """Without its protection: what is unknown is called declined."""

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        answer = super().resume(request, call)
        return Declined(text=answer.cause) if isinstance(answer, Unknown) else answer


class Trusting(StripeStrategy):
    """Without its protection: keys are believed to live for ever, and look-ups see nothing."""

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        return Resend()


# G1: it charges, and then says nothing, or nonsense


@both
@pytest.mark.parametrize("way", ["drop", "timeout", "500", "garbage", "empty"])
def test_charged_without_an_answer_is_charged_once_and_paid(
    sandbox: SandboxProcess, plugins: Registry, code: str, way: str
) -> None:
    fault = {"do": way, "seconds": 0.7}

    steps = [charge(code, sandbox=sandbox, plugins=plugins, fault=fault) for _ in range(EACH)]
    settle(plugins=plugins)

    assert {step.operation_status for step in steps} == {"UNKNOWN"}
    check_once_and_paid(sandbox, steps)


def test_control_a_new_key_at_each_attempt_charges_twice(sandbox: SandboxProcess) -> None:
    plugins = registry_at(stripe_at(sandbox.base, kind=Keyless))

    steps = [charge("stripe", sandbox=sandbox, plugins=plugins, fault={"do": "drop"})]
    settle(plugins=plugins)

    with pytest.raises(AssertionError, match="not charged exactly once"):
        check_once_and_paid(sandbox, steps)


def test_control_unknown_taken_for_declined_loses_a_payment(sandbox: SandboxProcess) -> None:
    plugins = registry_at(paypal_at(sandbox.base, kind=Hasty))

    steps = [charge("paypal", sandbox=sandbox, plugins=plugins, fault={"do": "drop"})]
    settle(plugins=plugins)

    with pytest.raises(AssertionError, match="charged, but not paid"):
        check_once_and_paid(sandbox, steps)


# G2: it doesn't charge, and says nothing


@both
def test_what_was_never_charged_gives_its_stock_back(
    sandbox: SandboxProcess, plugins: Registry, tenths: Any, code: str
) -> None:
    tenths.ORDERLOOM_RESERVATION_SECONDS = 0.1
    match = f"({STARTS[code]}|{CHARGES[code]})"
    steps = []

    for _ in range(SILENT // 2):
        sandbox.control("POST faults", match=match, do="timeout", when="before", seconds=0.7)
        steps.append(start(order_one(plugins=plugins), code, plugins=plugins))
    settle(plugins=plugins)
    expired = expire_orders(plugins=plugins, now=clock() + timedelta(seconds=1), limit=200)

    assert {step.operation_status for step in steps} == {"UNKNOWN"}
    assert charged(sandbox, steps) == [0] * len(steps)
    assert (expired, set(statuses(steps))) == (len(steps), {"EXPIRED"})
    assert stock("mug")[1] == 0


@pytest.mark.parametrize("thresholds", [TIRELESS, Thresholds()], ids=["tireless", "resting"])
@pytest.mark.parametrize(("code", "inputs"), [("stripe", CARD), ("stripe", {}), ("paypal", {})])
def test_silence_that_outlives_the_key_gives_the_stock_back_too(
    sandbox: SandboxProcess,
    tenths: Any,
    code: str,
    inputs: dict[str, str],
    thresholds: Thresholds,
) -> None:
    tenths.ORDERLOOM_RESERVATION_SECONDS = 0.1
    kept = timedelta(seconds=1)
    plugins = registry_at(
        stripe_at(sandbox.base, keys_kept=kept),
        paypal_at(sandbox.base, keys_kept=kept),
        thresholds=thresholds,
    )
    match = f"({STARTS[code]}|{CHARGES[code]})"
    sandbox.control("POST faults", match=match, do="drop", when="before", times=-1)

    step = start(order_one("vase", plugins=plugins), code, plugins=plugins, inputs=inputs)
    settle(plugins=plugins)
    expire_orders(plugins=plugins, now=clock() + timedelta(seconds=1))

    assert charged(sandbox, [step]) == [0]
    assert statuses([step]) == ["EXPIRED"]
    assert stock("vase") == (1, 0)


def test_control_stock_given_back_while_in_doubt_charges_for_nothing(
    sandbox: SandboxProcess, tenths: Any
) -> None:
    class Harmless(StripeStrategy):
        def start(self, request: StartRequest, call: Call, /) -> Outcome:
            answer = super().start(request, call)
            return Declined(text="no answer") if isinstance(answer, Unknown) else answer

    tenths.ORDERLOOM_RESERVATION_SECONDS = 0.1
    plugins = registry_at(stripe_at(sandbox.base, kind=Harmless))

    step = charge("stripe", sandbox=sandbox, plugins=plugins, fault={"do": "drop"})
    expire_orders(plugins=plugins, now=clock() + timedelta(seconds=1))

    assert (statuses([step]), charged(sandbox, [step])) == (["EXPIRED"], [1])


# G3: success comes late


def test_late_success_finds_its_order_still_there(
    sandbox: SandboxProcess, plugins: Registry, tenths: Any
) -> None:
    tenths.ORDERLOOM_RESERVATION_SECONDS = 0.1
    order = order_one("vase", plugins=plugins)
    sandbox.control("POST faults", match=CHARGES["stripe"], do="late", seconds=1.2)

    step = start(order, "stripe", plugins=plugins, inputs=CARD)
    expired = expire_orders(plugins=plugins, now=clock() + timedelta(minutes=10))
    time.sleep(1.5)
    sweep_now(plugins=plugins, times=2)

    assert expired == 0, "let go of while in doubt"
    check_once_and_paid(sandbox, [step])
    assert stock("vase") == (1, 1)


def expired_and_paid_late(sandbox: SandboxProcess, plugins: Registry, *, sold: bool) -> Any:
    """A gateway that says that a page is closed, on which the customer then pays."""
    step = start(order_one("vase", plugins=plugins), "stripe", plugins=plugins)
    page, payment = page_of(step), payment_of(step)
    session = f"/v1/checkout/sessions/{payment.reference}"
    lie = {"id": payment.reference, "status": "expired", "payment_intent": None}
    lie |= {"amount_total": payment.amount_minor, "currency": "eur"}
    sandbox.control("POST faults", match=f"POST {session}/expire", do="say", changes=lie)
    expire_orders(plugins=plugins, now=clock() + timedelta(minutes=20))
    assert statuses([step]) == ["EXPIRED"]
    if sold:
        order_one("vase", plugins=plugins)
    sandbox.click(page)
    return step


@pytest.mark.parametrize("sold", [True, False])
def test_late_money_is_given_back_where_the_stock_is_sold_and_kept_where_it_is_not(
    sandbox: SandboxProcess, plugins: Registry, sold: bool
) -> None:
    step = expired_and_paid_late(sandbox, plugins, sold=sold)

    look_up_payment(step.payment_id, plugins=plugins, now=clock())
    settle(plugins=plugins)

    refunded = next(one["refunded"] for one in sandbox.control("GET ledger")["charges"])
    assert stock("vase") == (1, 1), "oversold"
    assert statuses([step]) == ["EXPIRED" if sold else "PAID"]
    assert refunded == (5000 if sold else 0)


# G4: it is down


def test_while_a_gateway_is_down_the_others_are_offered(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    with SandboxProcess(tmp_path / "other.sqlite3") as other:
        down = other.base
    plugins = registry_at(stripe_at(down), paypal_at(sandbox.base))
    order = order_one(plugins=plugins)

    began = time.monotonic()
    step = start(order, "stripe", plugins=plugins)
    took = time.monotonic() - began
    sweep_now(plugins=plugins, times=3)
    page = order_page(order.order_id, plugins=plugins)
    second = start(order, "paypal", plugins=plugins)
    sandbox.click(page_of(second))
    paid = back(second, plugins=plugins)

    assert took < 3
    assert step.operation_status == "PLANNED"
    assert "paypal" in {choice.code for choice in page.choices}
    assert not page.undecided
    assert paid.order_status == "PAID"
    check_once_and_paid(sandbox, [second])


def test_a_gateway_that_was_down_for_an_hour_is_asked_again(tmp_path: Path) -> None:
    ledger = tmp_path / "hour.sqlite3"
    with SandboxProcess(ledger) as before:
        port = int(before.base.rpartition(":")[2])
    plugins = registry_at(stripe_at(before.base))

    step = start(order_one(plugins=plugins), "stripe", plugins=plugins, inputs=CARD)
    sweep_now(plugins=plugins, times=12)
    with SandboxProcess(ledger, port=port) as again:
        sweep_now(plugins=plugins)
        check_once_and_paid(again, [step])


def test_control_down_after_doubt_offers_no_second_charge(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    """What made changing safe is that nothing was ever sent: once something was, it isn't."""
    ledger = tmp_path / "doubt.sqlite3"
    with SandboxProcess(ledger) as other:
        plugins = registry_at(stripe_at(other.base), paypal_at(sandbox.base))
        order = order_one(plugins=plugins)
        other.control("POST faults", match=CHARGES["stripe"], do="drop")
        start(order, "stripe", plugins=plugins, inputs=CARD)
    sweep_now(plugins=plugins, times=3)

    with pytest.raises(Exception, match="being confirmed"):
        start(order, "paypal", plugins=plugins)


# G5: it hangs


@both
@pytest.mark.parametrize("way", ["timeout", "drip"])
def test_a_gateway_that_hangs_gives_the_buyer_back_within_the_deadline(
    sandbox: SandboxProcess, plugins: Registry, code: str, way: str
) -> None:
    order = order_one(plugins=plugins)
    sandbox.control("POST faults", match=STARTS[code], do=way, seconds=120)

    began = time.monotonic()
    step = start(order, code, plugins=plugins)
    took = time.monotonic() - began

    assert took < 3 * (0.5 + 1)
    assert step.operation_status == "UNKNOWN"


def test_control_without_a_deadline_the_buyer_waits(
    sandbox: SandboxProcess, plugins: Registry
) -> None:
    order = order_one(plugins=plugins)
    sandbox.control("POST faults", match=STARTS["stripe"], do="timeout", seconds=2)

    began = time.monotonic()
    with override_settings(ORDERLOOM_CALL_DEADLINE_SECONDS=60.0):
        start(order, "stripe", plugins=plugins)

    assert time.monotonic() - began >= 1.9


# G6: after the life of a key


@pytest.mark.parametrize("when", ["before", "after"])
@both
def test_after_the_keys_window_nothing_is_posted(
    sandbox: SandboxProcess, code: str, when: str
) -> None:
    kept = timedelta(seconds=0.4)
    sandbox.control("POST options", stripe_keys_kept=0.4, paypal_keys_kept=0.4)
    plugins = registry_at(
        stripe_at(sandbox.base, keys_kept=kept), paypal_at(sandbox.base, keys_kept=kept)
    )

    step = charge(code, sandbox=sandbox, plugins=plugins, fault={"do": "drop", "when": when})
    time.sleep(0.6)
    sandbox.control("DELETE requests")
    sweep_now(plugins=plugins, times=4)

    lines = sandbox.control("GET requests")["requests"]
    assert posts(sandbox) == []
    assert len(lines) > 0, "not even looked up"
    assert charged(sandbox, [step]) == [int(when == "after")]
    assert statuses([step]) == ["PAID" if when == "after" else "CONFIRMED"]


def test_control_a_key_believed_to_live_longer_charges_twice(sandbox: SandboxProcess) -> None:
    sandbox.control("POST options", stripe_keys_kept=0.2)
    plugins = registry_at(stripe_at(sandbox.base, kind=Trusting))

    step = charge("stripe", sandbox=sandbox, plugins=plugins, fault={"do": "drop"})
    time.sleep(0.4)
    sandbox.control("DELETE requests")
    sweep_now(plugins=plugins, times=2)

    assert len(posts(sandbox)) == 1
    assert charged(sandbox, [step]) == [2]


# G7: it is busy


@both
@pytest.mark.parametrize(("way", "told"), [("429", 1.0), ("429", None), ("409", None)])
def test_a_busy_gateway_is_given_time_and_charges_once(
    sandbox: SandboxProcess, plugins: Registry, code: str, way: str, told: float | None
) -> None:
    fault = {"do": way, "when": "before", "retry_after": told or 0.3, "times": 2}

    step = charge(code, sandbox=sandbox, plugins=plugins, fault=fault)
    due = Operation.objects.get(status__in=["PLANNED", "UNKNOWN"]).due_at
    began = clock()
    settle(plugins=plugins)

    tries = [
        one["key"]
        for one in sandbox.control("GET requests")["requests"]
        if one["key"] == Operation.objects.filter(payment=step.payment_id).last().id.hex
    ]
    assert step.order_status == "CONFIRMED"
    assert due is not None
    if way == "429":
        assert (due - began).total_seconds() > (told or 0.3) * 0.5, "not backed off"
    assert len(tries) == 3
    check_once_and_paid(sandbox, [step])


def test_two_at_once_under_one_key_charge_once(sandbox: SandboxProcess, plugins: Registry) -> None:
    fault = {"do": "slow", "seconds": 0.8}

    steps = [charge("stripe", sandbox=sandbox, plugins=plugins, fault=fault)]
    sweep_now(plugins=plugins)
    during = payment_step(steps[0].payment_id)
    settle(plugins=plugins)

    assert during.order_status == "CONFIRMED"
    check_once_and_paid(sandbox, steps)
    assert incidents(steps[0]) == []
