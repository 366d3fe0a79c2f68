"""Record money that was collected elsewhere: history, or cash that a person took."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from core.domain.journal import ORDER_PAID
from core.domain.payments import digest
from core.models.ids import new_id
from core.models.journal import Chain
from hookspecs import Fact as StatedFact
from hookspecs import FactKind, Money

ELSEWHERE: Final = "elsewhere"
"""The strategy code of money that was collected outside, and is recorded by a person."""


def collected_elsewhere(
    reference: str, *, chain: Chain, total: Money, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the rows of such money: a payment, and the fact that a person states."""
    payment_id = new_id()
    fact = StatedFact(kind=FactKind.CAPTURED, object_id=reference, amount=total)
    chain.add(ORDER_PAID, at=now, data={"payment": str(payment_id), "strategy": ELSEWHERE})
    payment = {
        "id": payment_id,
        "tenant_id": chain.tenant_id,
        "order_id": chain.order_id,
        "plugin": "",
        "distribution": "",
        "version": "",
        "api": "",
        "settings_version": "",
        "strategy_code": ELSEWHERE,
        "label": "Collected elsewhere",
        "account": None,
        "amount_minor": total.minor,
        "currency": total.currency,
        "status": "CAPTURED",
        "reference": reference,
        "created_at": now,
    }
    return payment, {
        "id": new_id(),
        "tenant_id": chain.tenant_id,
        "payment_id": payment_id,
        "kind": fact.kind.value,
        "object_id": fact.object_id,
        "amount_minor": total.minor,
        "currency": total.currency,
        "parent_id": None,
        "operation_id": None,
        "account": None,
        "sequence": 0,
        "stated_at": None,
        "recorded_at": now,
        "source": "PERSON",
        "digest": digest(ELSEWHERE, fact),
    }
