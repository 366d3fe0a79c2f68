"""Stripe's webhooks: the signature, checked by hand, and what an event tells."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hookspecs import Fact, Secret, Untrusted, Webhook
from payment_stripe_like.wording import (
    dispute_facts,
    intent_facts,
    object_id,
    refund_fact,
    session_facts,
)

TOLERANCE = timedelta(seconds=300)
_INTENT_NEWS = frozenset(
    {
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.succeeded",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What an event tells: facts (none: go and look), of which payment, as far as it says."""

    event_id: str
    payment_id: str | None
    session_id: str | None
    intent_id: str | None
    facts: tuple[Fact, ...]


def verified(webhook: Webhook, secrets: tuple[Secret, ...]) -> Mapping[str, Any] | Untrusted:
    """Return the event, once one of the signatures holds under one of the secrets.

    A time more than 300 s off, in either direction, is refused, judged by when it came in.
    """
    if not secrets:
        return Untrusted(cause="no webhook secret is set")
    pairs = [part.partition("=") for part in webhook.headers.get("stripe-signature", "").split(",")]
    times = [value for name, _, value in pairs if name.strip() == "t"]
    given = [value.strip() for name, _, value in pairs if name.strip() == "v1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdecimal()) or len(times[0]) > 12:
        return Untrusted(cause="no signature that can be read")
    if abs(webhook.received_at.timestamp() - int(times[0])) > TOLERANCE.total_seconds():
        return Untrusted(cause="signed more than 300 seconds away from when it came")
    signed = times[0].encode() + b"." + webhook.body
    right = [
        hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest() for secret in secrets
    ]
    if not any(
        hmac.compare_digest(one.encode(), other.encode()) for one in given for other in right
    ):
        return Untrusted(cause="no signature holds")
    try:
        event = json.loads(webhook.body)
    except ValueError:
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("id"), str):
        return Untrusted(cause="signed, but no event")
    return event


def news_of(event: Mapping[str, Any]) -> News | None:
    """Return what an event tells, or None where it is none of our business.

    Raises:
        KeyError, TypeError, ValueError: the event isn't shaped as Stripe's are.
    """
    kind, thing = str(event["type"]), event["data"]["object"]
    if event.get("account"):
        thing = {**thing, "on_behalf_of": event["account"]}
    facts: tuple[Fact, ...]
    if kind in _INTENT_NEWS:
        facts, session_id, intent_id = intent_facts(thing), None, thing["id"]
    elif kind.startswith("checkout.session."):
        facts, session_id = session_facts(thing), thing["id"]
        intent_id = object_id(thing.get("payment_intent"))
    elif kind.startswith("refund.") or kind == "charge.refund.updated":
        facts, session_id = (refund_fact(thing),), None
        intent_id = object_id(thing.get("payment_intent"))
    elif kind.startswith("charge.dispute."):
        facts, session_id = dispute_facts(thing), None
        intent_id = object_id(thing.get("payment_intent"))
        if not facts:
            return None
    else:
        return None
    return News(
        event_id=event["id"],
        payment_id=(thing.get("metadata") or {}).get("payment_id"),
        session_id=session_id,
        intent_id=intent_id,
        facts=facts,
    )
