"""The ten faults in copies of the Stripe-like plugin, tried against the sandbox's process."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from hookspecs import (
    Call,
    Declined,
    Done,
    Fact,
    FactKind,
    Finding,
    InquireRequest,
    Money,
    NotFound,
    Notice,
    Outcome,
    RefundRequest,
    Secret,
    StartRequest,
    Unknown,
    Untrusted,
    Webhook,
)
from payment_stripe_like.gateway import Document, Gateway
from payment_stripe_like.settings import Settings
from payment_stripe_like.strategy import StripeStrategy
from tests.contract.test_gateways import StripeLike

PLANTED = (
    "NewKeyOnRetry",
    "LostIsDeclined",
    "OverRefund",
    "UnverifiedSignature",
    "FutureTimestamp",
    "FloatAmount",
    "WrongExponent",
    "ByReferenceOnly",
    "WritesState",
    "BelievesWebhooks",
)
SECRET = "whsec_sandbox"
Answer = Sequence[Notice] | Untrusted | Unknown


class Copy(StripeLike):
    """By card at once; `kind` is the copy that is tried, `wire` how it speaks."""

    kind: type[StripeStrategy] = StripeStrategy
    wire: type[Gateway] = Gateway

    def strategy_at(self, base: str) -> StripeStrategy:
        settings = Settings(
            api_key=Secret("sk_sandbox"),
            base=base,
            webhook_secrets=(Secret(SECRET),),
            visible_after=timedelta(0),
        )
        return self.kind(settings, self.wire(settings))

    def inputs(self, amount: Money) -> Mapping[str, str]:
        return {"payment_method": "pm_card_visa"}


def signed_again(webhook: Webhook) -> Webhook:
    """Return a webhook as if the provider had signed it the moment it came."""
    stamp = str(int(webhook.received_at.timestamp()))
    right = hmac.new(SECRET.encode(), stamp.encode() + b"." + webhook.body, hashlib.sha256)
    headers = {**webhook.headers, "stripe-signature": f"t={stamp},v1={right.hexdigest()}"}
    return dataclasses.replace(webhook, headers=headers)


class NewKeyOnRetry(Gateway):
    def _ask(self, call: Call, ask: Callable[..., Any], key: str = "") -> Document:
        return super()._ask(call, ask, uuid.uuid4().hex if key else "")


class LostIsDeclined(StripeStrategy):
    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        answer = super().start(request, call)
        return Declined(text=answer.cause) if isinstance(answer, Unknown) else answer


class OverRefund(StripeStrategy):
    def refund(self, request: RefundRequest, call: Call, /) -> Outcome:
        answer = super().refund(request, call)
        if not isinstance(answer, Declined):
            return answer
        given = Fact(
            kind=FactKind.REFUNDED,
            object_id=request.operation_id,
            amount=request.amount,
            parent_id=request.capture_id,
        )
        return Done(facts=(given,))


class UnverifiedSignature(StripeStrategy):
    def read_webhook(self, webhook: Webhook, call: Call, /) -> Answer:
        return super().read_webhook(signed_again(webhook), call)


class FutureTimestamp(StripeStrategy):
    def read_webhook(self, webhook: Webhook, call: Call, /) -> Answer:
        stamp = webhook.headers.get("stripe-signature", "").partition("t=")[2].partition(",")[0]
        with contextlib.suppress(ValueError):
            signed_at = datetime.fromtimestamp(int(stamp), UTC)
            later = max(webhook.received_at, signed_at)
            return super().read_webhook(dataclasses.replace(webhook, received_at=later), call)
        return super().read_webhook(webhook, call)


class FloatAmount(Gateway):
    def create_intent(self, params: Document, *, key: str, call: Call) -> Document:
        units = int(params["amount"] / 100 * 100)  # 19.99 * 100 is 1998.9999…
        return super().create_intent({**params, "amount": units}, key=key, call=call)


class WrongExponent(Gateway):
    def create_intent(self, params: Document, *, key: str, call: Call) -> Document:
        exponent = Money.exponent(str(params["currency"]).upper())
        units = params["amount"] * 10 ** (2 - exponent) if exponent < 2 else params["amount"]
        return super().create_intent({**params, "amount": units}, key=key, call=call)


class ByReferenceOnly(StripeStrategy):
    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        return super().inquire(request, call) if request.reference else NotFound()


class WritesState(StripeStrategy):
    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        answer = super().start(request, call)
        if isinstance(answer, Done):
            sql = "UPDATE orderloom_payment SET status = 'CAPTURED' WHERE id = %s"
            with (
                contextlib.suppress(DatabaseError),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(sql, [request.payment_id])
        return answer


class BelievesWebhooks(UnverifiedSignature):
    """As if its provider signed nothing: it takes the body's word instead of looking it up."""


class LooksUp(StripeStrategy):
    """The control: the same provider, and webhooks are hints."""

    def read_webhook(self, webhook: Webhook, call: Call, /) -> Answer:
        try:
            event = json.loads(webhook.body)
            named = event["data"]["object"]["metadata"]["payment_id"]
        except (ValueError, KeyError, TypeError):
            return Untrusted(cause="no event of ours")
        return [Notice(event_id=str(event["id"]), payment_id=str(named))]


class TestSound(Copy):
    """The control: without a fault, everything passes."""


class TestNewKeyOnRetry(Copy):
    wire = NewKeyOnRetry


class TestLostIsDeclined(Copy):
    kind = LostIsDeclined


class TestOverRefund(Copy):
    kind = OverRefund


class TestUnverifiedSignature(Copy):
    kind = UnverifiedSignature


class TestFutureTimestamp(Copy):
    kind = FutureTimestamp


class TestFloatAmount(Copy):
    wire = FloatAmount


class TestWrongExponent(Copy):
    wire = WrongExponent


class TestByReferenceOnly(Copy):
    kind = ByReferenceOnly


@pytest.mark.django_db(transaction=True)
class TestWritesState(Copy):
    kind = WritesState


class TestBelievesWebhooks(Copy):
    kind = BelievesWebhooks
    signed_webhooks = False


class TestLooksUp(Copy):
    kind = LooksUp
    signed_webhooks = False
