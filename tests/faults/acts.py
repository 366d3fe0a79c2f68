"""What the children of the nursery do: a checkout, a refund, webhooks, and the end of all work."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime
from socketserver import ThreadingMixIn
from typing import Any
from uuid import UUID
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.db import connection

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.capture_payment import CapturePayment, capture_payment
from core.application.drain_inbox import drain_inbox
from core.application.expire_orders import expire_orders
from core.application.payment_step import PaymentStep
from core.application.pin_registry import pin_registry
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.application.refresh_registry import refresh_registry
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.report_worker import Worker, report_worker
from core.application.resume_payment import ResumePayment, resume_payment
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.application.switch_plugin import SwitchPlugin, switch_plugin
from core.domain.errors import ConcurrentChange, OrderloomError, PaymentUndecided
from core.hooks.registry import Registry
from core.jobs.relay import Relay, drain
from core.jobs.sweeper import Sweeper, sweep
from core.management.sandbox import Sandbox
from core.models import PluginSwitch
from core.project.wsgi import application
from hookspecs import Money, Redirect
from tests.application.shelf import paying, placed
from tests.faults.invariants import nothing_is_undecided, nothing_waits_for_a_customer

Say = Callable[[dict[str, Any]], None]


def now() -> datetime:
    return datetime.now(UTC)


def checkout(
    say: Say, *, key: str, code: str, base: str, at_once: bool = False, until: str = "paid"
) -> None:
    """Buy two teas as a customer does who repeats everything under the same keys.

    `until` is the last step taken: `placed`, `started`, `clicked`, `paid` or `refunded`.
    """
    plugins = refresh_registry()
    order = placed(("tea", 2), key=key, plugins=plugins, now=now())
    say({"order": str(order.order_id), "total": order.total.minor})
    if until == "placed":
        return
    command = paying(order, code=code, key=f"pay-{key}", inputs=_inputs(at_once))
    step = _said(say, start_payment(command, plugins=plugins, now=now()))
    if until == "started":
        return
    if isinstance(step.action, Redirect):
        Sandbox(base=base, pid=0).click(step.action.url)
    if until == "clicked":
        return
    step = _resumed(say, step, plugins)
    if until == "refunded":
        refund(say, payment=str(step.payment_id), key=f"refund-{key}")


def _said(say: Say, step: PaymentStep) -> PaymentStep:
    say(
        {
            "payment": str(step.payment_id),
            "order": str(step.order_id),
            "status": step.order_status,
            "operation": step.operation_status,
            "url": step.action.url if isinstance(step.action, Redirect) else "",
        }
    )
    return step


def _resumed(say: Say, step: PaymentStep, plugins: Registry) -> PaymentStep:
    command = ResumePayment(order_id=step.order_id, payment_id=step.payment_id)
    return _said(say, resume_payment(command, plugins=plugins, now=now()))


def pay(
    say: Say,
    *,
    order: str,
    code: str,
    key: str,
    base: str,
    at_once: bool = False,
    hold: bool = False,
) -> None:
    """Press pay on an order that is there already, approve, and come back; or only have it held."""
    plugins = refresh_registry()
    known: Any = _Known(order)
    command = paying(known, code=code, key=key, inputs=_inputs(at_once), capture_now=not hold)
    step = _said(say, start_payment(command, plugins=plugins, now=now()))
    if isinstance(step.action, Redirect):
        Sandbox(base=base, pid=0).click(step.action.url)
        _resumed(say, step, plugins)


class _Known:
    """As much of a placed order as paying needs."""

    def __init__(self, order: str) -> None:
        self.order_id = UUID(order)


def _inputs(at_once: bool) -> dict[str, str]:
    return {"payment_method": "pm_card_visa"} if at_once else {}


def resume(say: Say, *, order: str, payment: str) -> None:
    """Come back from the provider's page."""
    command = ResumePayment(order_id=UUID(order), payment_id=UUID(payment))
    _said(say, resume_payment(command, plugins=refresh_registry(), now=now()))


def refund(say: Say, *, payment: str, key: str, minor: int = 0, seconds: float = 0.0) -> None:
    """Give everything back, or an amount; for `seconds`, ask again while another is under way."""
    command = RefundPayment(
        payment_id=UUID(payment),
        principal="staff",
        key=key,
        amount=Money(minor, "EUR") if minor else None,
    )
    until = time.monotonic() + seconds
    while True:
        try:
            step = refund_payment(command, plugins=refresh_registry(), now=now())
        except (PaymentUndecided, ConcurrentChange):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            break
    say({"refund": step.payment_status, "operation": step.operation_status})


def capture(say: Say, *, payment: str, key: str, minor: int) -> None:
    """Take a part of what is held, and keep the rest held."""
    command = CapturePayment(
        payment_id=UUID(payment),
        principal="staff",
        key=key,
        amount=Money(minor, "EUR"),
        final=False,
    )
    step = capture_payment(command, plugins=refresh_registry(), now=now())
    say({"capture": step.payment_status, "operation": step.operation_status})


def cancel(say: Say, *, order: str) -> None:
    """Cancel an order."""
    cancel_order(CancelOrder(order_id=UUID(order)), plugins=refresh_registry(), now=now())
    say({"cancelled": order})


def expire(say: Say) -> None:
    """Let orders expire."""
    say({"expired": expire_orders(plugins=refresh_registry(), now=now())})


def webhooks(say: Say, *, plugin: str, came: list[list[Any]], apply: bool = False) -> None:
    """Store webhooks as the door does, saying of each that it is stored, and maybe work them off.

    `came` holds body (base64) and headers of each.
    """
    endpoint = webhook_endpoint(plugin=plugin, now=now())
    for n, (body, headers) in enumerate(came):
        receive_webhook(
            plugin=plugin,
            endpoint_id=endpoint,
            body=base64.b64decode(body),
            headers=headers,
            now=now(),
        )
        say({"stored": n})
    if apply:
        drain_inbox(plugins=refresh_registry(), now=now())


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """Say nothing: who was answered has hung up."""


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def serve(_say: Say, *, port: int) -> None:
    """Be the web server, until killed."""
    make_server("127.0.0.1", port, application, _Server, _Quiet).serve_forever(0.05)


def relay(_say: Say, *, poll: float) -> None:
    """Be a relay, until killed."""
    Relay(poll=poll, idle=poll).run()


def sweeper(_say: Say, *, poll: float) -> None:
    """Be a sweeper, until killed."""
    Sweeper(poll=poll, idle=poll).run()


def switch(say: Say, *, plugin: str, on: bool) -> None:
    """Switch a plugin."""
    command = SwitchPlugin(plugin=plugin, on=on, who="ada", reason="a test")
    done = switch_plugin(command, plugins=refresh_registry(), now=now())
    say({"generation": done.generation})


def held_back(say: Say, *, order: str = "", code: str = "", key: str, base: str = "") -> None:
    """Be a worker that has pinned its registry, and goes on when a switch has been turned off.

    With an `order` it presses pay then, else it sends what is planned.
    """
    with pin_registry(tenant="default") as plugins:
        me = Worker(id=key, process="held back", versions={})
        report_worker(me, generation=plugins.generation)
        while not PluginSwitch.objects.filter(is_on=False).exists():
            time.sleep(0.01)
        if not order:
            say({"swept": sweep_payments(plugins=plugins, now=now())})
            return
        known: Any = _Known(order)
        command = paying(known, code=code, key=key, inputs=_inputs(at_once=True))
        _said(say, start_payment(command, plugins=plugins, now=now()))


def finish(say: Say, *, seconds: float = 30.0, customers: bool = False) -> None:
    """Be relay and sweeper until nothing is undecided, or the deadline is over.

    With `customers`, all of them have done their part, so that nothing may wait for one.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            sweep()
            drain(until=until)
        except OrderloomError as refused:
            say({"refused": refused.code})
        with connection.cursor() as cursor:
            left = nothing_is_undecided(cursor)
            left += nothing_waits_for_a_customer(cursor) if customers else []
        if not left:
            say({"finished": round(seconds - (until - time.monotonic()), 2)})
            return
        time.sleep(0.05)
    say({"left": [list(row) for row in left]})
