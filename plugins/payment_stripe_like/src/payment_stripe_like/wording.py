"""Stripe's objects and codes in the words of the contract: facts, declines, amounts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hookspecs import DeclineCode, Fact, FactKind, Money, Retry

_TWO_DECIMALS_ON_THE_WIRE = frozenset({"ISK", "UGX"})
"""Without decimals in ISO 4217, but written with two by Stripe."""
_NO_DECIMALS_ON_THE_WIRE = frozenset({"MGA"})
"""With decimals in ISO 4217, but written without by Stripe."""

_CODES = {
    "insufficient_funds": DeclineCode.INSUFFICIENT_FUNDS,
    "expired_card": DeclineCode.EXPIRED,
    "authentication_required": DeclineCode.AUTHENTICATION_FAILED,
    "payment_intent_authentication_failure": DeclineCode.AUTHENTICATION_FAILED,
    "fraudulent": DeclineCode.FRAUD_SUSPECTED,
    "lost_card": DeclineCode.FRAUD_SUSPECTED,
    "merchant_blacklist": DeclineCode.FRAUD_SUSPECTED,
    "pickup_card": DeclineCode.FRAUD_SUSPECTED,
    "restricted_card": DeclineCode.FRAUD_SUSPECTED,
    "security_violation": DeclineCode.FRAUD_SUSPECTED,
    "stolen_card": DeclineCode.FRAUD_SUSPECTED,
    "amount_too_large": DeclineCode.LIMIT_EXCEEDED,
    "amount_too_small": DeclineCode.LIMIT_EXCEEDED,
    "card_velocity_exceeded": DeclineCode.LIMIT_EXCEEDED,
    "withdrawal_count_limit_exceeded": DeclineCode.LIMIT_EXCEEDED,
    "card_not_supported": DeclineCode.NOT_SUPPORTED,
    "currency_not_supported": DeclineCode.NOT_SUPPORTED,
    "transaction_not_allowed": DeclineCode.NOT_SUPPORTED,
    "incorrect_cvc": DeclineCode.INVALID_INPUT,
    "incorrect_number": DeclineCode.INVALID_INPUT,
    "incorrect_zip": DeclineCode.INVALID_INPUT,
    "invalid_cvc": DeclineCode.INVALID_INPUT,
    "invalid_expiry_month": DeclineCode.INVALID_INPUT,
    "invalid_expiry_year": DeclineCode.INVALID_INPUT,
    "invalid_number": DeclineCode.INVALID_INPUT,
    "processing_error": DeclineCode.OTHER,
    "issuer_not_available": DeclineCode.OTHER,
}
_SAME = frozenset({DeclineCode.OTHER, DeclineCode.INVALID_INPUT, DeclineCode.AUTHENTICATION_FAILED})
_REFUND_KINDS = {
    "succeeded": FactKind.REFUNDED,
    "pending": FactKind.REFUND_PENDING,
    "requires_action": FactKind.REFUND_PENDING,
    "failed": FactKind.REFUND_FAILED,
    "canceled": FactKind.REFUND_FAILED,
}


def to_wire(money: Money) -> int | None:
    """Return an amount as Stripe wants it, or None where it can't be expressed."""
    if money.currency in _TWO_DECIMALS_ON_THE_WIRE:
        return money.minor * 100
    if money.currency in _NO_DECIMALS_ON_THE_WIRE:
        return money.minor // 100 if money.minor % 100 == 0 else None
    if Money.exponent(money.currency) == 3 and money.minor % 10:
        return None
    return money.minor


def from_wire(amount: int, currency: str) -> Money:
    """Read an amount of Stripe's."""
    code = currency.upper()
    if code in _TWO_DECIMALS_ON_THE_WIRE:
        return Money(amount // 100, code)
    return Money(amount * 100 if code in _NO_DECIMALS_ON_THE_WIRE else amount, code)


def moment(seconds: Any) -> datetime | None:
    """Read a moment of Stripe's."""
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def decline(code: str, decline_code: str) -> tuple[DeclineCode, Retry]:
    """Return why not and what the customer may do, from Stripe's two codes."""
    known = _CODES.get(decline_code) or _CODES.get(code) or DeclineCode.CARD_DECLINED
    return known, Retry.SAME if known in _SAME else Retry.OTHER_METHOD


def intent_facts(intent: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Say what is true of an intent and its charge.

    The authorisation bears the intent's id (which captures and cancels), the capture the
    charge's (which refunds).
    """
    intent_id, status, currency = intent["id"], intent["status"], intent["currency"]
    metadata = intent.get("metadata") or {}
    manual = intent.get("capture_method") == "manual"
    whole = from_wire(intent["amount"], currency)
    started = metadata.get("operation_id")
    account = on_behalf_of(intent)
    held = Fact(
        kind=FactKind.AUTHORIZED,
        object_id=intent_id,
        amount=whole,
        operation_id=started,
        account=account,
    )
    closed = Fact(kind=FactKind.AUTHORIZATION_CLOSED, object_id=intent_id, amount=whole)
    if status == "requires_capture":
        return (held,)
    if status == "canceled":
        over = Fact(kind=FactKind.APPROVAL_CLOSED, object_id=intent_id, amount=whole)
        return (over, closed) if manual else (over,)
    charge_id = object_id(intent.get("latest_charge"))
    if status != "succeeded" or not charge_id:
        return ()
    if not manual:
        taken = from_wire(intent.get("amount_received", intent["amount"]), currency)
        captured = Fact(
            kind=FactKind.CAPTURED,
            object_id=charge_id,
            amount=taken,
            operation_id=started,
            account=account,
        )
        return (captured,)
    taken = from_wire(intent.get("amount_received", intent["amount"]), currency)
    captured = Fact(
        kind=FactKind.CAPTURED,
        object_id=charge_id,
        amount=taken,
        parent_id=intent_id,
        operation_id=metadata.get("capture_operation_id"),
        account=account,
    )
    return (held, captured) if taken == whole else (held, captured, closed)


def on_behalf_of(intent: Mapping[str, Any]) -> str | None:
    """Return whose money it is where Stripe names an account: ours goes without saying."""
    named = intent.get("on_behalf_of")
    return object_id(named or (intent.get("transfer_data") or {}).get("destination"))


def session_facts(session: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Say what is true of a session and, where it is expanded, of its intent."""
    intent = session.get("payment_intent")
    facts = intent_facts(intent) if isinstance(intent, Mapping) else ()
    if session["status"] != "expired":
        return facts
    whole = from_wire(session["amount_total"], session["currency"])
    return (*facts, Fact(kind=FactKind.APPROVAL_CLOSED, object_id=session["id"], amount=whole))


def refund_fact(refund: Mapping[str, Any]) -> Fact:
    """Say what is true of a refund."""
    return Fact(
        kind=_REFUND_KINDS.get(refund["status"], FactKind.REFUND_PENDING),
        object_id=refund["id"],
        amount=from_wire(refund["amount"], refund["currency"]),
        parent_id=object_id(refund.get("charge")),
        operation_id=(refund.get("metadata") or {}).get("operation_id"),
        at=moment(refund.get("created")),
    )


def dispute_facts(dispute: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Say what is true of a dispute; a mere question of the bank (``warning_…``) moves nothing."""
    status = str(dispute["status"])
    if status.startswith("warning"):
        return ()
    kinds = {"won": FactKind.DISPUTE_WON, "lost": FactKind.DISPUTE_LOST}
    return (
        Fact(
            kind=kinds.get(status, FactKind.DISPUTE_OPENED),
            object_id=dispute["id"],
            amount=from_wire(dispute["amount"], dispute["currency"]),
            parent_id=object_id(dispute.get("charge")),
            at=moment(dispute.get("created")),
        ),
    )


def object_id(value: Any) -> str | None:
    """Return the id of what may be expanded, an id, or missing."""
    if isinstance(value, Mapping):
        return str(value["id"])
    return str(value) if value else None
