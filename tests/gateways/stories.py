"""What happens at a gateway, as the webhooks that tell of it, and a shop to tell it to again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Model

from core.application.drain_inbox import drain_inbox
from core.application.payment_step import PaymentStep
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.hooks.registry import Registry
from core.models import Event, Fact, InboxEntry, Operation, Order, Payment, Stock
from hookspecs import (
    Call,
    Feature,
    Finding,
    InquireRequest,
    Notice,
    Outcome,
    PaymentInfo,
    ResumeRequest,
    Unknown,
    Untrusted,
    Webhook,
)
from hookspecs import Fact as Stated
from payment_paypal_like.settings import Settings as PaypalSettings
from payment_paypal_like.strategy import PaypalStrategy
from payment_paypal_like.wording import capture_fact, order_facts, payee, refund_fact
from payment_stripe_like.strategy import StripeStrategy
from sandbox_gateways.process import SandboxProcess
from tests.gateways.till import Postbox, clock, order_one, page_of, start

Told = tuple[bytes, dict[str, str]]
KINDS = {"stripe": 12, "paypal": 5}
"""How many kinds of event each story has."""


class BlindStripe(StripeStrategy):
    """Sees nothing when it looks."""

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        return Unknown(cause="blind")

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        return Unknown(cause="blind")


class BlindPaypal(PaypalStrategy):
    """Sees nothing when it looks."""

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        return Unknown(cause="blind")

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        return Unknown(cause="blind")


class BelievedStripe(BlindStripe):
    """Without its protection: there is nobody to ask, so webhooks are believed as they come.

    Whatever is known, they have told; and so they show what order and repetition do to facts.
    """

    @cached_property
    def info(self) -> PaymentInfo:
        return _manual(super().info)


class AnonymousStripe(BelievedStripe):
    """Believed, and told of by the provider's reference alone, which is `late`."""

    def read_webhook(self, webhook: Webhook, call: Call, /) -> Answer:
        answer = super().read_webhook(webhook, call)
        if isinstance(answer, (Untrusted, Unknown)):
            return answer
        return [replace(one, payment_id=None, reference="late") for one in answer]


class BelievedPaypal(BlindPaypal):
    """Without its protection: webhooks are believed as they come, and state facts."""

    @cached_property
    def info(self) -> PaymentInfo:
        return _manual(super().info)

    def read_webhook(self, webhook: Webhook, call: Call, /) -> Answer:
        answer = super().read_webhook(webhook, call)
        if isinstance(answer, (Untrusted, Unknown)):
            return answer
        event = json.loads(webhook.body)
        facts = paypal_facts(str(event["event_type"]), event["resource"], self._settings)
        return [replace(notice, facts=facts) for notice in answer]


Answer = Sequence[Notice] | Untrusted | Unknown


def paypal_facts(
    kind: str, thing: Mapping[str, Any], settings: PaypalSettings
) -> tuple[Stated, ...]:
    """Return what the body of an event says: what the plugin itself never believes."""
    merchant_id = settings.merchant_id
    if kind.startswith("CHECKOUT.ORDER."):
        return order_facts(thing, merchant_id=merchant_id)
    if kind in ("PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.PENDING"):
        return (refund_fact(thing),)
    return (capture_fact(thing, payee(thing, merchant_id)),)


def _manual(info: PaymentInfo) -> PaymentInfo:
    return replace(info, features=info.features | {Feature.MANUAL})


def kind_of(told: Told) -> str:
    event = json.loads(told[0])
    return str(event.get("type") or event["event_type"])


def _stripe(sandbox: SandboxProcess, step: PaymentStep) -> None:
    """Declined, then challenged, then paid; part of it back; disputed and won."""
    page = page_of(step)
    sandbox.browse(page, number="4000000000000002")
    _, challenge, _ = sandbox.browse(page, number="4000002760003184")
    sandbox.browse(challenge, do="pass")
    charge = next(
        one
        for one in sandbox.control("GET ledger")["charges"]
        if one["metadata"].get("payment_id") == step.payment_id.hex and one["status"] == "succeeded"
    )
    sandbox.control("POST options", refund_status="PENDING")
    headers = {"Authorization": "Bearer sandbox", "Content-Type": _FORM}
    sandbox.request("POST", "/v1/refunds", f"charge={charge['id']}&amount=300", **headers)
    refund = sandbox.control("GET ledger")["refunds"][0]["id"]
    sandbox.control("POST finish_refund", refund=refund, status="SUCCEEDED")
    sandbox.control("POST dispute", charge=charge["id"])
    sandbox.control("POST dispute", charge=charge["id"], status="won")


_FORM = "application/x-www-form-urlencoded"


def _paypal(sandbox: SandboxProcess, step: PaymentStep) -> None:
    """Approved, captured after a review; part of it back, after a while."""
    order_id = Payment.objects.get(pk=step.payment_id).reference
    sandbox.browse(page_of(step), funding="PENDING")
    bearer = json.loads(
        sandbox.request(
            "POST",
            "/v1/oauth2/token",
            "grant_type=client_credentials",
            **{"Authorization": "Basic c2FuZGJveDpzYW5kYm94", "Content-Type": _FORM},
        )[2]
    )["access_token"]
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    sandbox.request("POST", f"/v2/checkout/orders/{order_id}/capture", "{}", **headers)
    charges = sandbox.control("GET ledger")["charges"]
    capture = next(one["id"] for one in charges if one["payment"] == order_id)
    sandbox.control("POST finish_capture", capture=capture, status="COMPLETED")
    sandbox.control("POST options", refund_status="PENDING")
    part = json.dumps({"amount": {"value": "3.00", "currency_code": "EUR"}})
    sandbox.request("POST", f"/v2/payments/captures/{capture}/refund", part, **headers)
    refund = next(
        one["id"]
        for one in sandbox.control("GET ledger")["refunds"]
        if one["provider"] == "paypal" and one["status"] == "PENDING"
    )
    sandbox.control("POST finish_refund", refund=refund, status="COMPLETED")


def told_story(code: str, *, sandbox: SandboxProcess, plugins: Registry) -> Story:
    """Let a customer do everything there is; return it as it was told, nothing applied yet."""
    with Postbox() as postbox:
        sandbox.control("POST webhooks", **{code: postbox.url})
        step = start(order_one(plugins=plugins), code, plugins=plugins)
        (_stripe if code == "stripe" else _paypal)(sandbox, step)
        kinds = KINDS[code]
        told = postbox.wait_for(lambda kept: len({kind_of(one) for one in kept}) >= kinds)
    sandbox.control("DELETE webhooks")
    sandbox.control("POST options", refund_status="SUCCEEDED")
    created = {kind_of(one): index for index, one in enumerate(told)}
    return Story(code=code, step=step, told=tuple(sorted(told, key=lambda one: _at(one, created))))


def _at(told: Told, created: dict[str, int]) -> tuple[Any, int]:
    event = json.loads(told[0])
    return event.get("created") or event["create_time"], created[kind_of(told)]


@dataclass(kw_only=True)
class Story:
    """Webhooks of one payment, and the shop's rows as they were before the first of them."""

    code: str
    step: PaymentStep
    told: Sequence[Told]
    _before: dict[type[Model], list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def plugin(self) -> str:
        return f"payment-{self.code}-like"

    def __post_init__(self) -> None:
        for model in (Order, Payment, Operation, Event, Stock):
            self._before[model] = list(model._base_manager.values())

    def begin_again(self) -> None:
        """Put the shop back to before the first webhook."""
        Fact.objects.all().delete()
        InboxEntry.objects.all().delete()
        for model in (Event, Operation, Payment, Order, Stock):
            name = str(model._meta.pk.attname)
            kept = {row[name] for row in self._before[model]}
            model._base_manager.exclude(pk__in=kept).delete()
            for row in self._before[model]:
                model._base_manager.filter(pk=row[name]).update(**row)

    def tell(
        self,
        told: Iterable[Told],
        *,
        plugins: Registry,
        received_at: datetime | None = None,
    ) -> None:
        """Let webhooks come in one by one, each worked off before the next."""
        endpoint_id = webhook_endpoint(plugin=self.plugin, now=clock())
        for body, headers in told:
            receive_webhook(
                plugin=self.plugin,
                endpoint_id=endpoint_id,
                body=body,
                headers=headers,
                now=received_at or clock(),
            )
            drain_inbox(plugins=plugins, now=clock())

    def state(self) -> dict[str, Any]:
        """Return what it all came to: states, money, and what others were told of, once each."""
        order = Order.objects.get(pk=self.step.order_id)
        payment = Payment.objects.get(pk=self.step.payment_id)
        events = Event.objects.filter(order_id=order.pk).order_by("seq")
        effects = sorted(
            (one.kind, one.data.get("amount_minor", 0), one.data.get("object", ""))
            for one in events
            if one.kind in _EFFECTS
        )
        return {
            "order": (order.status, order.payment_status, order.stock),
            "payment": payment.status,
            "facts": sorted(Fact.objects.values_list("digest", flat=True)),
            "effects": effects,
            "reserved": list(Stock.objects.order_by("pk").values_list("reserved", flat=True)),
        }


_EFFECTS = frozenset({"order_paid", "payment_captured", "payment_refunded"})


def drain_due(*, plugins: Registry, now: datetime | None = None) -> None:
    """Work the inbox off as if all that waits were due."""
    InboxEntry.objects.filter(status="STORED").update(due_at=clock() - timedelta(days=1))
    drain_inbox(plugins=plugins, now=now or clock(), limit=2000)


def inbox_statuses() -> set[str]:
    return set(InboxEntry.objects.values_list("status", flat=True))
