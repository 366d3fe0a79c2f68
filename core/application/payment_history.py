"""All that is known of a payment or of an order's payments: commands, facts, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q

from core.application.facts import folded, stated
from core.domain.errors import NotFound
from core.models import Event, Fact, Operation, Payment


def payment_history(named: str) -> list[dict[str, Any]]:
    """Return plain data of the payments with this id, or of the order with this id or number.

    Parameters of commands are left out: they hold what customers said.

    Raises:
        NotFound: there is no such payment, and no order with payments of this name.
    """
    found = Payment.objects.filter(_named(named)).select_related("order").defer("order__receipt")
    payments = list(found.order_by("created_at", "id"))
    if not payments:
        raise NotFound(f"There is no payment, and no order with payments, called {named}.")
    return [_told(payment) for payment in payments]


def _named(text: str) -> Q:
    try:
        key = UUID(text)
    except ValueError:
        return Q(order__number=text)
    return Q(pk=key) | Q(order_id=key)


def _told(payment: Payment) -> dict[str, Any]:
    facts = list(Fact.objects.filter(payment_id=payment.id).order_by("recorded_at", "id"))
    operations = Operation.objects.filter(payment_id=payment.id).order_by("created_at", "id")
    after = folded(payment, [stated(row) for row in facts])
    sums = ("authorized", "captured", "capturing", "refunded", "refunding", "refundable")
    return {
        "payment": payment.id,
        "order": payment.order_id,
        "number": payment.order.number,
        "order_status": payment.order.status,
        "strategy": payment.strategy_code,
        "plugin": payment.plugin,
        "version": payment.version,
        "account": payment.account,
        "reference": payment.reference,
        "status": payment.status,
        "currency": payment.currency,
        "amount_minor": payment.amount_minor,
        "created_at": payment.created_at,
        **{f"{name}_minor": getattr(after, name) for name in sums},
        "incidents": [
            {"code": one.code, "object": one.object_id, "text": one.text} for one in after.incidents
        ],
        "operations": [_operation(operation) for operation in operations],
        "facts": [_fact(row) for row in facts],
        "journal": [
            {"seq": event.seq, "at": event.at, "kind": event.kind, "data": event.data}
            for event in Event.objects.filter(order_id=payment.order_id).order_by("seq")
            if event.data.get("payment") == str(payment.id)
        ],
    }


def _operation(operation: Operation) -> Mapping[str, Any]:
    return {
        "id": operation.id,
        "verb": operation.verb,
        "status": operation.status,
        "amount_minor": operation.amount_minor,
        "attempt": operation.attempt,
        "looks": operation.looks,
        "due_at": operation.due_at,
        "created_at": operation.created_at,
        "outcome": operation.outcome,
    }


def _fact(row: Fact) -> Mapping[str, Any]:
    return {
        "kind": row.kind,
        "object": row.object_id,
        "parent": row.parent_id,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "source": row.source,
        "stated_at": row.stated_at,
        "recorded_at": row.recorded_at,
    }
