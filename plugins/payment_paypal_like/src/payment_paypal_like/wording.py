"""PayPal's objects and issues in the words of the contract: facts, declines, amounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from hookspecs import DeclineCode, Fact, FactKind, Money, Retry

CURRENCIES = frozenset(
    [
        "AUD",
        "BRL",
        "CAD",
        "CHF",
        "CNY",
        "CZK",
        "DKK",
        "EUR",
        "GBP",
        "HKD",
        "HUF",
        "ILS",
        "JPY",
        "MXN",
        "MYR",
        "NOK",
        "NZD",
        "PHP",
        "PLN",
        "SEK",
        "SGD",
        "THB",
        "TWD",
        "USD",
    ]
)
_NO_DECIMALS = frozenset({"HUF", "JPY", "TWD"})

_AUTHORIZATIONS = {
    "CREATED": FactKind.AUTHORIZED,
    "PARTIALLY_CAPTURED": FactKind.AUTHORIZED,
    "CAPTURED": FactKind.AUTHORIZED,
    "PENDING": FactKind.AUTHORIZATION_PENDING,
    "DENIED": FactKind.AUTHORIZATION_FAILED,
    "VOIDED": FactKind.AUTHORIZATION_CLOSED,
    "EXPIRED": FactKind.AUTHORIZATION_CLOSED,
}
_CAPTURES = {
    "COMPLETED": FactKind.CAPTURED,
    "PARTIALLY_REFUNDED": FactKind.CAPTURED,
    "REFUNDED": FactKind.CAPTURED,
    "PENDING": FactKind.CAPTURE_PENDING,
    "DECLINED": FactKind.CAPTURE_FAILED,
    "FAILED": FactKind.CAPTURE_FAILED,
}
_REFUNDS = {
    "COMPLETED": FactKind.REFUNDED,
    "PENDING": FactKind.REFUND_PENDING,
    "FAILED": FactKind.REFUND_FAILED,
    "CANCELLED": FactKind.REFUND_FAILED,
}
_ISSUES = {
    "INSTRUMENT_DECLINED": (DeclineCode.CARD_DECLINED, Retry.SAME),
    "PAYER_ACTION_REQUIRED": (DeclineCode.AUTHENTICATION_FAILED, Retry.SAME),
    "PAYER_CANNOT_PAY": (DeclineCode.OTHER, Retry.OTHER_METHOD),
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": (DeclineCode.OTHER, Retry.OTHER_METHOD),
    "PAYER_ACCOUNT_RESTRICTED": (DeclineCode.OTHER, Retry.OTHER_METHOD),
    "TRANSACTION_REFUSED": (DeclineCode.OTHER, Retry.OTHER_METHOD),
    "TRANSACTION_BLOCKED_BY_PAYEE": (DeclineCode.FRAUD_SUSPECTED, Retry.OTHER_METHOD),
    "COMPLIANCE_VIOLATION": (DeclineCode.FRAUD_SUSPECTED, Retry.OTHER_METHOD),
    "CARD_EXPIRED": (DeclineCode.EXPIRED, Retry.OTHER_METHOD),
    "TRANSACTION_LIMIT_EXCEEDED": (DeclineCode.LIMIT_EXCEEDED, Retry.OTHER_METHOD),
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED": (DeclineCode.LIMIT_EXCEEDED, Retry.OTHER_METHOD),
    "CURRENCY_NOT_SUPPORTED_FOR_RECEIVER": (DeclineCode.NOT_SUPPORTED, Retry.OTHER_METHOD),
    "ORDER_EXPIRED": (DeclineCode.ABANDONED, Retry.SAME),
}


def to_wire(money: Money) -> dict[str, str] | None:
    """Return an amount as PayPal wants it, or None where it can't be expressed."""
    decimal = money.decimal
    if money.currency in _NO_DECIMALS:
        if decimal != decimal.to_integral_value():
            return None
        decimal = decimal.to_integral_value()
    return {"currency_code": money.currency, "value": f"{decimal:f}"}


def from_wire(amount: Mapping[str, str]) -> Money:
    """Read an amount of PayPal's.

    Raises:
        KeyError, ValueError: it is none.
    """
    return Money.parse(amount["value"], amount["currency_code"])


def decline(issue: str) -> tuple[DeclineCode, Retry]:
    """Return why not and what the customer may do."""
    return _ISSUES.get(issue, (DeclineCode.INVALID_REQUEST, Retry.OTHER_METHOD))


def moment(text: Any) -> datetime | None:
    """Read a moment of PayPal's."""
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def split_custom(custom_id: str) -> tuple[str | None, str | None]:
    """Return payment id and operation id from what we wrote into ``custom_id``.

    >>> split_custom("p-1/op-2"), split_custom("p-1"), split_custom("")
    (('p-1', 'op-2'), ('p-1', None), (None, None))
    """
    payment_id, _, operation_id = custom_id.partition("/")
    return payment_id or None, operation_id or None


def names_another(order: Mapping[str, Any], payment_id: str) -> bool:
    """Say whether an order was made for another payment than this one."""
    for unit in order.get("purchase_units") or ():
        named, _ = split_custom(str(unit.get("custom_id") or ""))
        if named not in (None, payment_id):
            return True
    return False


def up_to(thing: Mapping[str, Any], kind: str) -> str | None:
    """Return the id of the object above, if it is of a kind (``captures``, ``authorizations``)."""
    for link in thing.get("links") or ():
        parts = str(link.get("href", "")).rstrip("/").split("/")
        if link.get("rel") == "up" and len(parts) > 1 and parts[-2] == kind:
            return parts[-1]
    return None


def approval(order: Mapping[str, Any], *, closed: bool = False) -> Fact:
    """Say that the buyer has approved, or can't any more."""
    return Fact(
        kind=FactKind.APPROVAL_CLOSED if closed else FactKind.APPROVED,
        object_id=order["id"],
        amount=from_wire(order["purchase_units"][0]["amount"]),
    )


def authorization_facts(held: Mapping[str, Any], account: str | None) -> tuple[Fact, ...]:
    """Say what is true of an authorisation."""
    kind = _AUTHORIZATIONS.get(held["status"], FactKind.AUTHORIZATION_PENDING)
    whole = from_wire(held["amount"])
    fact = Fact(kind=kind, object_id=held["id"], amount=whole, account=account)
    if held["status"] != "CAPTURED":
        return (fact,)
    closed = FactKind.AUTHORIZATION_CLOSED
    return fact, Fact(kind=closed, object_id=held["id"], amount=whole, account=account)


def capture_fact(capture: Mapping[str, Any], account: str | None) -> Fact:
    """Say what is true of a capture."""
    return Fact(
        kind=_CAPTURES.get(capture["status"], FactKind.CAPTURE_PENDING),
        object_id=capture["id"],
        amount=from_wire(capture["amount"]),
        parent_id=up_to(capture, "authorizations"),
        account=account,
        at=moment(capture.get("create_time")),
    )


def refund_fact(refund: Mapping[str, Any]) -> Fact:
    """Say what is true of a refund."""
    return Fact(
        kind=_REFUNDS.get(refund["status"], FactKind.REFUND_PENDING),
        object_id=refund["id"],
        amount=from_wire(refund["amount"]),
        parent_id=up_to(refund, "captures"),
        operation_id=split_custom(str(refund.get("custom_id") or ""))[1],
        at=moment(refund.get("create_time")),
    )


def dispute_facts(dispute: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Say what is true of a dispute."""
    outcome = str((dispute.get("dispute_outcome") or {}).get("outcome_code", ""))
    kinds = {
        "RESOLVED_SELLER_FAVOUR": FactKind.DISPUTE_WON,
        "CANCELED_BY_BUYER": FactKind.DISPUTE_WON,
        "DENIED": FactKind.DISPUTE_WON,
        "RESOLVED_BUYER_FAVOUR": FactKind.DISPUTE_LOST,
        "ACCEPTED": FactKind.DISPUTE_LOST,
    }
    about = dispute["disputed_transactions"][0]
    return (
        Fact(
            kind=kinds.get(outcome, FactKind.DISPUTE_OPENED),
            object_id=dispute["dispute_id"],
            amount=from_wire(dispute["dispute_amount"]),
            parent_id=about.get("seller_transaction_id"),
            at=moment(dispute.get("create_time")),
        ),
    )


def order_facts(order: Mapping[str, Any], *, merchant_id: str) -> tuple[Fact, ...]:
    """Say what is true of an order and everything that hangs on it."""
    return tuple(_order_facts(order, merchant_id))


def payee(thing: Mapping[str, Any], merchant_id: str) -> str | None:
    """Return whose money it is, where we know whose it should be and PayPal says."""
    said = (thing.get("payee") or {}).get("merchant_id")
    return str(said) if said and merchant_id else None


def _order_facts(order: Mapping[str, Any], merchant_id: str) -> Iterator[Fact]:
    if order["status"] == "APPROVED":
        yield approval(order)
    if order["status"] == "VOIDED":
        yield approval(order, closed=True)
    for unit in order.get("purchase_units") or ():
        account = payee(unit, merchant_id)
        payments = unit.get("payments") or {}
        for held in payments.get("authorizations") or ():
            yield from authorization_facts(held, account)
            if held["status"] in {"VOIDED", "EXPIRED"}:
                yield approval(order, closed=True)
        for capture in payments.get("captures") or ():
            yield capture_fact(capture, account)
        for refund in payments.get("refunds") or ():
            yield refund_fact(refund)
