"""Facts as rows and as values, and what those that are stored amount to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.domain.payments import Folded, fold
from core.domain.settling import kept_minor
from core.models import Fact, Order, Payment
from core.models.ids import new_id
from hookspecs import Fact as Stated
from hookspecs import FactKind


def stated(row: Fact) -> Stated:
    """Return a stored fact as it was stated."""
    return Stated(
        kind=FactKind(row.kind),
        object_id=row.object_id,
        amount=row.amount,
        parent_id=row.parent_id,
        operation_id=row.operation_id,
        account=row.account,
        sequence=row.sequence,
        at=row.stated_at,
    )


def folded(payment: Payment, facts: Sequence[Stated]) -> Folded:
    """Fold the facts of a payment against what was asked of it."""
    asked = payment.amount
    return fold(facts, asked=asked, account=payment.account)


def fact_row(
    fact: Stated, *, payment: Payment, key: str, source: str, now: datetime
) -> dict[str, Any]:
    """Return the row of a fact; ``key`` is its digest, ``source`` the way it came in."""
    return {
        "id": new_id(),
        "tenant_id": payment.tenant_id,
        "payment_id": payment.id,
        "kind": fact.kind.value,
        "object_id": fact.object_id,
        "amount_minor": fact.amount.minor,
        "currency": fact.amount.currency,
        "parent_id": fact.parent_id,
        "operation_id": fact.operation_id,
        "account": fact.account,
        "sequence": fact.sequence,
        "stated_at": fact.at,
        "recorded_at": now,
        "source": source,
        "digest": key,
    }


def stated_of(payment: Payment) -> list[Stated]:
    """Return the stored facts of a payment."""
    return [stated(row) for row in Fact.objects.filter(payment_id=payment.id)]


def fold_payment(payment: Payment) -> Folded:
    """Return what the stored facts of a payment amount to."""
    return folded(payment, stated_of(payment))


def left_to_pay(order: Order) -> int:
    """Return what an order's payments neither hold nor have taken yet, in minor units."""
    held = sum(kept_minor(one) + one.capturing + one.authorized for one in _folds(order.id))
    return order.total_minor - held


def _folds(order_id: UUID) -> list[Folded]:
    facts: dict[UUID, list[Stated]] = {}
    for row in Fact.objects.filter(payment__order_id=order_id):
        facts.setdefault(row.payment_id, []).append(stated(row))
    return [
        folded(payment, facts.get(payment.id, []))
        for payment in Payment.objects.filter(order_id=order_id)
    ]
