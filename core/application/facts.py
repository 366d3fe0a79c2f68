"""Facts as rows and as values, and what follows of them for giving money back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from core.application.commanding import operation_row
from core.domain.payments import Folded, ObjectKind, fold, object_kind
from core.models import Fact, Payment
from core.models.ids import new_id
from hookspecs import Fact as Stated
from hookspecs import FactKind, Money, Verb


def stated(row: Fact) -> Stated:
    """Return a stored fact as it was stated."""
    return Stated(
        kind=FactKind(row.kind),
        object_id=row.object_id,
        amount=Money(row.amount_minor, row.currency),
        parent_id=row.parent_id,
        operation_id=row.operation_id,
        account=row.account,
        sequence=row.sequence,
        at=row.stated_at,
    )


def folded(payment: Payment, facts: Sequence[Stated]) -> Folded:
    """Fold the facts of a payment against what was asked of it."""
    asked = Money(payment.amount_minor, payment.currency)
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


def refund_rows(
    payment: Payment,
    after: Folded,
    *,
    reason: str,
    now: datetime,
    amount: int,
    keys_kept: timedelta = timedelta(hours=24),
    sent: bool = False,
    idem: tuple[str, str, str] | None = None,
) -> list[dict[str, Any]]:
    """Return a refund command for each capture that still holds money, up to ``amount``."""
    rows, left = [], amount
    for capture in after.objects:
        if object_kind(capture.kind) is not ObjectKind.CAPTURE or capture.kind != FactKind.CAPTURED:
            continue
        given = sum(
            one.amount
            for one in after.objects
            if one.parent_id == capture.object_id
            and one.kind in (FactKind.REFUNDED, FactKind.REFUND_PENDING)
        )
        part = min(left, capture.amount - given)
        if part <= 0:
            continue
        left -= part
        rows.append(
            operation_row(
                verb=Verb.REFUND,
                payment_id=payment.id,
                order_id=payment.order_id,
                tenant_id=payment.tenant_id,
                amount_minor=part,
                params={
                    "reference": payment.reference,
                    "capture_id": capture.object_id,
                    "reason": reason,
                },
                now=now,
                keys_kept=keys_kept,
                sent=sent,
                idem=idem,
            )
        )
        idem = None
    return rows
