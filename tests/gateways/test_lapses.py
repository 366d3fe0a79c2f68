"""Authorisations and approvals that end by time, without a word: a look-up tells, not the clock."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from core.application.expire_orders import expire_orders
from core.application.payment_step import PaymentStep
from core.application.sweep_authorizations import sweep_authorizations
from core.hooks.registry import Registry
from core.models import Fact, Operation, Order, Payment
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from sandbox_gateways.process import SandboxProcess
from tests.gateways.till import (
    CARD,
    MERCHANT,
    back,
    clock,
    order_one,
    page_of,
    payment_of,
    paypal_at,
    registry_at,
    start,
    stripe_at,
)

pytestmark = [pytest.mark.usefixtures("mugs"), pytest.mark.timeout(300)]
both = pytest.mark.parametrize("code", ["stripe", "paypal"])
SOON = timedelta(seconds=0.2)


def tills(sandbox: SandboxProcess, *, lasts: timedelta) -> Registry:
    return registry_at(
        stripe_at(sandbox.base, authorization_lasts=lasts),
        paypal_at(sandbox.base, authorization_lasts=lasts, merchant_id=MERCHANT),
    )


@pytest.fixture
def lapsing(sandbox: SandboxProcess, tenths: Any) -> Registry:
    tenths.ORDERLOOM_HELD_LOOK_SECONDS = 0.3
    return tills(sandbox, lasts=SOON)


def held(code: str, *, sandbox: SandboxProcess, plugins: Registry) -> PaymentStep:
    """Authorise the price of an order."""
    inputs = CARD if code == "stripe" else {}
    order = order_one(plugins=plugins)
    step = start(order, code, plugins=plugins, inputs=inputs, capture_now=False)
    if code == "paypal":
        sandbox.click(page_of(step))
        step = back(step, plugins=plugins)
    assert (step.order_payment_status, step.payment_status) == ("AUTHORIZED", "AUTHORIZED")
    return step


def lapse(step: PaymentStep, sandbox: SandboxProcess) -> None:
    """Let the gateway forget what it holds; it tells nobody."""
    fact = Fact.objects.get(payment_id=step.payment_id, kind="AUTHORIZED")
    sandbox.control("POST lapse", id=fact.object_id)


def swept(plugins: Registry, *, seconds: float) -> int:
    """Sweep for a while; return how many were asked after."""
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        count += sweep_authorizations(plugins=plugins, now=clock())
        time.sleep(0.05)
    return count


def order_of(step: PaymentStep) -> tuple[str, str]:
    order = Order.objects.get(pk=step.order_id)
    return order.status, order.payment_status


@both
def test_a_lapsed_authorisation_lets_its_order_expire(
    sandbox: SandboxProcess, lapsing: Registry, code: str
) -> None:
    step = held(code, sandbox=sandbox, plugins=lapsing)
    lapse(step, sandbox)
    later = clock() + timedelta(hours=1)
    kept = expire_orders(plugins=lapsing, now=later)

    looked_at = swept(lapsing, seconds=0.5)
    expired = expire_orders(plugins=lapsing, now=later)

    assert (kept, expired) == (0, 1)
    assert looked_at == 1
    assert order_of(step) == ("EXPIRED", "NONE")
    assert (payment_of(step).status, payment_of(step).held_minor) == ("CLOSED", 0)


@both
def test_an_order_whose_authorisation_lapsed_can_be_paid_again(
    sandbox: SandboxProcess, lapsing: Registry, code: str
) -> None:
    step = held(code, sandbox=sandbox, plugins=lapsing)
    order = Order.objects.get(pk=step.order_id)
    lapse(step, sandbox)
    swept(lapsing, seconds=0.5)

    again = start_again(order, plugins=lapsing)

    assert order_of(again) == ("PAID", "PAID")


def start_again(order: Order, *, plugins: Registry) -> PaymentStep:
    class Placed:
        order_id = order.pk

    return start(Placed, "stripe", plugins=plugins, inputs=CARD)


@both
def test_what_outlives_its_time_stays_and_is_asked_after_again(
    sandbox: SandboxProcess, lapsing: Registry, code: str
) -> None:
    """Time says when to look, never what is true."""
    step = held(code, sandbox=sandbox, plugins=lapsing)

    looked_at = swept(lapsing, seconds=1.2)
    before = order_of(step)
    lapse(step, sandbox)
    swept(lapsing, seconds=0.6)

    assert 2 <= looked_at <= 4
    assert before == ("CONFIRMED", "AUTHORIZED")
    assert order_of(step) == ("CONFIRMED", "NONE")


@both
def test_nobody_is_asked_before_it_is_time(sandbox: SandboxProcess, tenths: Any, code: str) -> None:
    plugins = tills(sandbox, lasts=timedelta(hours=1))
    step = held(code, sandbox=sandbox, plugins=plugins)
    lapse(step, sandbox)
    sandbox.control("DELETE requests")

    looked_at = swept(plugins, seconds=0.3)

    assert looked_at == 0
    assert sandbox.control("GET requests")["requests"] == []
    assert order_of(step) == ("CONFIRMED", "AUTHORIZED"), "control: nobody else notices"


def test_what_was_taken_is_not_looked_after(sandbox: SandboxProcess, lapsing: Registry) -> None:
    order = order_one(plugins=lapsing)
    start(order, "stripe", plugins=lapsing, inputs=CARD)

    assert swept(lapsing, seconds=0.5) == 0
    assert Payment.objects.get().look_at is None


def test_a_gateway_that_gives_no_answer_is_asked_again(
    sandbox: SandboxProcess, lapsing: Registry
) -> None:
    step = held("stripe", sandbox=sandbox, plugins=lapsing)
    lapse(step, sandbox)
    sandbox.control("POST faults", match="GET /v1/payment_intents", do="drop", times=1)

    swept(lapsing, seconds=1.2)

    assert order_of(step) == ("CONFIRMED", "NONE")


def test_what_waits_for_its_customer_is_looked_up_when_its_time_is_over(tenths: Any) -> None:
    """Where the gateway names no end, the strategy's own word counts."""
    tenths.ORDERLOOM_WAITING_LOOK_SECONDS = 600.0
    gateway = MemoryGateway(way="redirect", approval_lasts=timedelta(minutes=3))
    plugins = registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))

    start(order_one(plugins=plugins), "memory", plugins=plugins)

    due_at = Operation.objects.get().due_at
    assert due_at is not None
    assert timedelta(minutes=2) < due_at - clock() < timedelta(minutes=4)
