"""A shop with both gateways at its till: settings in tenths, a sandbox, and what its ledger says."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

from core.application.payment_step import PaymentStep
from core.application.resume_payment import ResumePayment, resume_payment
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.domain.lifecycle import LIVE, OperationStatus
from core.hooks.breaker import Breakers, Thresholds
from core.hooks.registry import Registry
from core.models import Event, Operation, Order, Payment
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

CARD = {"payment_method": "pm_card_visa"}
CHARGES = {"stripe": "POST /v1/payment_intents", "paypal": r"POST /v2/checkout/orders/\w+/capture"}
"""The request that takes money, by strategy."""
STARTS = {"stripe": "POST /v1/checkout/sessions", "paypal": "POST /v2/checkout/orders"}
WAITS = LIVE - {OperationStatus.NEEDS_CUSTOMER}
MERCHANT = "SANDBOXMERCHANT"


def clock() -> datetime:
    """The gateways have a clock of their own: only the real time will do."""
    return datetime.now(UTC)


def stripe_at(
    base: str, *, kind: type[StripeStrategy] = StripeStrategy, **given: Any
) -> StripeStrategy:
    settings = StripeSettings(
        **{
            "api_key": Secret("sandbox"),
            "base": base,
            "webhook_secrets": (Secret("whsec_sandbox"),),
            "visible_after": timedelta(0),
            **given,
        }
    )
    return kind(settings, StripeGateway(settings))


def paypal_at(
    base: str, *, kind: type[PaypalStrategy] = PaypalStrategy, **given: Any
) -> PaypalStrategy:
    settings = PaypalSettings(
        **{
            "client_id": "sandbox",
            "client_secret": Secret("sandbox"),
            "base": base,
            "webhook_id": "WH-SANDBOX",
            **given,
        }
    )
    return kind(settings, PaypalGateway(settings))


TIRELESS = Thresholds(failures=10**9)
"""For breakers that never open: what gateways do wrong is asked about, and asked often."""


def registry_at(*strategies: Any, thresholds: Thresholds = TIRELESS) -> Registry:
    """Return a registry of strategies, each as its plugin would offer it."""
    return registry_of(
        *(
            FakePlugin(name=f"payment-{one.info.code}-like", strategies=(one,))
            for one in strategies
        ),
        breakers=Breakers(thresholds),
    )


def page_of(step: PaymentStep) -> str:
    assert isinstance(step.action, Redirect), step
    return step.action.url


def order_one(sku: str = "mug", *, plugins: Registry) -> Any:
    return placed((sku, 1), plugins=plugins, now=clock())


def start(order: Any, code: str, *, plugins: Registry, **more: Any) -> PaymentStep:
    return start_payment(paying(order, code=code, **more), plugins=plugins, now=clock())


def back(step: PaymentStep, *, plugins: Registry) -> PaymentStep:
    command = ResumePayment(order_id=step.order_id, payment_id=step.payment_id)
    return resume_payment(command, plugins=plugins, now=clock())


def charge(
    code: str, *, sandbox: SandboxProcess, plugins: Registry, fault: dict[str, Any]
) -> PaymentStep:
    """Place an order and let the request that takes its money meet a fault."""
    order = order_one(plugins=plugins)
    if code == "stripe":
        sandbox.control("POST faults", match=CHARGES[code], **fault)
        return start(order, code, plugins=plugins, inputs=CARD)
    step = start(order, code, plugins=plugins)
    sandbox.click(page_of(step))
    sandbox.control("POST faults", match=CHARGES[code], **fault)
    return back(step, plugins=plugins)


def settle(*, plugins: Registry, within: float = 20.0) -> None:
    """Let the sweeper work, as time goes by, until nothing is due any more."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        sweep_payments(plugins=plugins, now=clock())
        if not Operation.objects.filter(status__in=WAITS, due_at__isnull=False).exists():
            return
        time.sleep(0.03)
    raise AssertionError(f"still due: {list(Operation.objects.values('verb', 'status'))}")


def sweep_now(*, plugins: Registry, times: int = 1) -> None:
    for _ in range(times):
        Operation.objects.filter(due_at__isnull=False).update(due_at=clock() - timedelta(days=1))
        sweep_payments(plugins=plugins, now=clock())


def charged(sandbox: SandboxProcess, steps: Iterable[PaymentStep]) -> list[int]:
    """Count the charges of each payment in the providers' own ledger."""
    charges = sandbox.control("GET ledger")["charges"]
    return [
        sum(one["metadata"].get("payment_id") == step.payment_id.hex for one in charges)
        for step in steps
    ]


def posts(sandbox: SandboxProcess) -> list[str]:
    """Return what was posted to the gateways since last cleared, but for signing in."""
    lines = [one["line"] for one in sandbox.control("GET requests")["requests"]]
    return [line for line in lines if line.startswith("POST") and "oauth2" not in line]


def statuses(steps: Iterable[PaymentStep]) -> list[str]:
    return [Order.objects.get(pk=step.order_id).status for step in steps]


def incidents(step: PaymentStep) -> list[str]:
    """Return the codes of the incidents that the order's journal tells of."""
    rows = Event.objects.filter(order_id=step.order_id).order_by("seq")
    return [row.data["code"] for row in rows if "incident" in row.kind.lower()]


def payment_of(step: PaymentStep) -> Payment:
    return Payment.objects.get(pk=step.payment_id)


def check_once_and_paid(sandbox: SandboxProcess, steps: Sequence[PaymentStep]) -> None:
    assert charged(sandbox, steps) == [1] * len(steps), "not charged exactly once"
    assert statuses(steps) == ["PAID"] * len(steps), "charged, but not paid"


class Postbox:
    """A server that keeps the webhooks it gets: (body, headers)."""

    def __init__(self) -> None:
        kept: list[tuple[bytes, dict[str, str]]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept.append((body, {name.lower(): text for name, text in self.headers.items()}))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.kept = kept
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for(
        self, holds: Callable[[list[tuple[bytes, dict[str, str]]]], bool]
    ) -> list[tuple[bytes, dict[str, str]]]:
        until = time.monotonic() + 15
        while time.monotonic() < until:
            if holds(list(self.kept)):
                return list(self.kept)
            time.sleep(0.02)
        raise AssertionError(f"{len(self.kept)} webhooks came")


def another_key(request: Any) -> Any:
    """Return the request under a key that nobody has seen."""
    return dataclasses.replace(request, operation_id=f"k-{time.monotonic_ns()}")
