"""Both payment plugins under the core, against the sandbox's process, judged by its ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.drain_inbox import drain_inbox
from core.application.payment_step import PaymentStep, payment_step
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.resume_payment import ResumePayment, resume_payment
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.context import TenantRef
from core.hooks.registry import Registry
from core.models import InboxEntry, Operation, Order, Payment
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Redirect, Secret
from payment_paypal_like.gateway import Gateway as PaypalGateway
from payment_paypal_like.settings import Settings as PaypalSettings
from payment_paypal_like.strategy import PaypalStrategy
from payment_stripe_like.gateway import Gateway as StripeGateway
from payment_stripe_like.settings import Settings as StripeSettings
from payment_stripe_like.strategy import StripeStrategy
from sandbox_gateways.process import SandboxProcess
from tests.application.shelf import paying, placed

both = pytest.mark.parametrize("code", ["stripe", "paypal"])
WAYS = ("drop", "500", "503", "garbage", "empty")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox") / "ledger.sqlite3") as running:
        yield running


@pytest.fixture
def sandbox(running: SandboxProcess) -> Iterator[SandboxProcess]:
    yield running
    running.control("DELETE faults")
    running.control("DELETE webhooks")


@pytest.fixture
def now() -> datetime:
    """The gateways have a clock of their own: only the real time will do."""
    return datetime.now(UTC)


@pytest.fixture
def plugins(sandbox: SandboxProcess) -> Registry:
    secret = Secret("sandbox")
    stripe = StripeSettings(
        api_key=secret, base=sandbox.base, webhook_secrets=(Secret("whsec_sandbox"),)
    )
    paypal = PaypalSettings(
        client_id="sandbox", client_secret=secret, base=sandbox.base, webhook_id="WH-SANDBOX"
    )
    return registry_of(
        FakePlugin(
            name="payment-stripe-like", strategies=(StripeStrategy(stripe, StripeGateway(stripe)),)
        ),
        FakePlugin(
            name="payment-paypal-like", strategies=(PaypalStrategy(paypal, PaypalGateway(paypal)),)
        ),
    )


def page_of(step: PaymentStep) -> str:
    assert isinstance(step.action, Redirect), step
    return step.action.url


def back(step: PaymentStep, *, plugins: Registry, now: datetime) -> PaymentStep:
    command = ResumePayment(order_id=step.order_id, payment_id=step.payment_id)
    return resume_payment(command, plugins=plugins, now=now)


def sweep(times: int, *, plugins: Registry, now: datetime) -> None:
    for _ in range(times):
        Operation.objects.update(due_at=now - timedelta(days=1))
        sweep_payments(plugins=plugins, now=now)


def taken(sandbox: SandboxProcess, step: PaymentStep) -> int:
    """Count the charges of a payment in the provider's own ledger, by whatever name it kept."""
    names = {str(step.payment_id), step.payment_id.hex}
    charges = sandbox.control("GET ledger")["charges"]
    return sum(one["metadata"].get("payment_id") in names for one in charges)


@both
def test_a_customer_pays_and_gets_everything_back(
    shelf: TenantRef, plugins: Registry, sandbox: SandboxProcess, now: datetime, code: str
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code=code), plugins=plugins, now=now)
    sandbox.click(page_of(step))

    paid = back(step, plugins=plugins, now=now)
    refund_payment(
        RefundPayment(payment_id=step.payment_id, principal="staff", key="r", reason="returned"),
        plugins=plugins,
        now=now,
    )

    assert paid.order_status == "PAID"
    assert taken(sandbox, step) == 1
    assert Payment.objects.get().status == "REFUNDED"


@both
def test_a_customer_who_never_comes_back_is_found_by_the_sweeper(
    shelf: TenantRef, plugins: Registry, sandbox: SandboxProcess, now: datetime, code: str
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code=code), plugins=plugins, now=now)
    sandbox.click(page_of(step))

    sweep(2, plugins=plugins, now=now)

    assert Order.objects.get(pk=order.order_id).status == "PAID"
    assert taken(sandbox, step) == 1


@both
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("way", WAYS)
def test_a_start_without_an_answer_goes_on_after_a_look_up(
    shelf: TenantRef,
    plugins: Registry,
    sandbox: SandboxProcess,
    now: datetime,
    code: str,
    way: str,
    when: str,
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    match = "POST /v[12]/checkout/(sessions|orders)"
    sandbox.control("POST faults", match=match, do=way, when=when)

    started = start_payment(paying(order, code=code), plugins=plugins, now=now)
    sweep(1, plugins=plugins, now=now)
    step = payment_step(started.payment_id)
    sandbox.click(page_of(step))
    paid = back(step, plugins=plugins, now=now)

    assert started.operation_status == "UNKNOWN"
    assert paid.order_status == "PAID"
    assert taken(sandbox, step) == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("way", WAYS)
def test_a_capture_without_an_answer_is_neither_lost_nor_doubled(
    shelf: TenantRef,
    plugins: Registry,
    sandbox: SandboxProcess,
    now: datetime,
    way: str,
    when: str,
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code="paypal"), plugins=plugins, now=now)
    sandbox.click(page_of(step))
    sandbox.control("POST faults", match="POST /v2/.*/capture", do=way, when=when)

    resumed = back(step, plugins=plugins, now=now)
    sweep(2, plugins=plugins, now=now)

    assert resumed.operation_status == "UNKNOWN"
    assert Order.objects.get(pk=order.order_id).status == "PAID"
    assert taken(sandbox, step) == 1


@pytest.mark.parametrize("codes", [("stripe", "paypal"), ("paypal", "stripe")])
def test_changing_the_way_closes_the_first_one(
    shelf: TenantRef,
    plugins: Registry,
    sandbox: SandboxProcess,
    now: datetime,
    codes: tuple[str, str],
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)

    first, second = (
        start_payment(paying(order, code=code), plugins=plugins, now=now) for code in codes
    )
    sandbox.click(page_of(second))
    paid = back(second, plugins=plugins, now=now)

    assert paid.order_status == "PAID"
    assert Payment.objects.get(pk=first.payment_id).status == "CLOSED"
    assert (taken(sandbox, first), taken(sandbox, second)) == (0, 1)


@both
def test_cancelling_closes_what_waits(
    shelf: TenantRef, plugins: Registry, sandbox: SandboxProcess, now: datetime, code: str
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code=code), plugins=plugins, now=now)

    cancel_order(CancelOrder(order_id=order.order_id, reason="no"), plugins=plugins, now=now)

    assert Order.objects.get(pk=order.order_id).status == "CANCELLED"
    assert Payment.objects.get().status == "CLOSED"
    assert taken(sandbox, step) == 0


@both
def test_cancelling_what_is_paid_gives_it_back(
    shelf: TenantRef, plugins: Registry, sandbox: SandboxProcess, now: datetime, code: str
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code=code), plugins=plugins, now=now)
    sandbox.click(page_of(step))
    back(step, plugins=plugins, now=now)

    cancel_order(CancelOrder(order_id=order.order_id, reason="no"), plugins=plugins, now=now)
    sweep(1, plugins=plugins, now=now)

    assert Payment.objects.get().status == "REFUNDED"


@both
def test_a_webhook_alone_pays_the_order_and_all_of_them_change_nothing_more(
    shelf: TenantRef, plugins: Registry, sandbox: SandboxProcess, now: datetime, code: str
) -> None:
    plugin = f"payment-{code}-like"
    endpoint_id = webhook_endpoint(plugin=plugin, now=now)
    kept: list[tuple[bytes, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.append((body, {name.lower(): text for name, text in self.headers.items()}))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sandbox.control("POST webhooks", **{code: f"http://127.0.0.1:{server.server_port}/"})
        order = placed(("tea", 2), plugins=plugins, now=now)
        step = start_payment(paying(order, code=code), plugins=plugins, now=now)
        sandbox.click(page_of(step))
        waiting_for = 4 if code == "stripe" else 1
        until = time.monotonic() + 10
        while len(kept) < waiting_for and time.monotonic() < until:
            time.sleep(0.02)
        server.shutdown()

    for body, headers in kept * 2:
        receive_webhook(plugin=plugin, endpoint_id=endpoint_id, body=body, headers=headers, now=now)
    drain_inbox(plugins=plugins, now=now)

    assert Order.objects.get(pk=order.order_id).status == "PAID"
    assert taken(sandbox, step) == 1
    assert set(InboxEntry.objects.values_list("status", flat=True)) == {"APPLIED"}
