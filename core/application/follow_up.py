"""Commit a command that follows another one of the same payment, and send it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.application.commanding import operation_clock, operation_row
from core.application.payment_step import PaymentStep, payment_step
from core.application.send_operation import send_operation
from core.domain.journal import PAYMENT_MOVED
from core.domain.lifecycle import OperationStatus
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.models import Event, Operation, Payment
from core.models.journal import Chain
from core.models.order import advance
from core.models.payment import OPERATION_MOVES
from core.models.sheet import RuleViolated, Sheet
from hookspecs import Verb

_LOST = frozenset(
    {
        "order_moved",
        "operation_moved",
        "operation_one_live_per_payment",
        "operation_one_charge_per_order",
        "operation_key_unique",
    }
)


def follow_up(
    *,
    verb: Verb,
    after: Operation,
    payment: Payment,
    params: Mapping[str, Any],
    strategy: OfferedStrategy,
    plugins: Registry,
    now: datetime,
    idem: tuple[str, str, str] | None = None,
) -> PaymentStep:
    """Move the command that waits to DONE and commit the next one, in one piece; then send it.

    Whoever loses a race gets the state as it is: somebody else goes on.
    """
    operation = operation_row(
        verb=verb,
        payment_id=payment.id,
        order_id=payment.order_id,
        tenant_id=payment.tenant_id,
        amount_minor=payment.amount_minor,
        params={"reference": payment.reference, **params},
        now=now,
        keys_kept=strategy.info.keys_kept,
        sent=True,
        idem=idem,
    )
    try:
        _sheet(operation, after, payment, now=now).write()
    except RuleViolated as missed:
        if missed.rule not in _LOST:
            raise
        return payment_step(payment.id)
    return send_operation(
        Operation.objects.get(pk=UUID(str(operation["id"]))), plugins=plugins, now=now
    )


def _sheet(
    operation: Mapping[str, Any], after: Operation, payment: Payment, *, now: datetime
) -> Sheet:
    sheet = Sheet()
    event = order_moves_on(sheet, payment, operation, now=now)
    sheet.change(
        OPERATION_MOVES,
        {
            "id": after.id,
            "status": OperationStatus.DONE.value,
            "action": None,
            "outcome": None,
            "looks": after.looks,
            "fence": after.fence,
        },
    )
    sheet.insert(Operation, operation, clock=operation_clock(sent=Verb(operation["verb"])))
    sheet.insert(Event, event)
    return sheet


def order_moves_on(
    sheet: Sheet, payment: Payment, operation: Mapping[str, Any], *, now: datetime
) -> Mapping[str, Any]:
    """Guard a sheet by the order as it was read, and return the event that tells of the command."""
    order = payment.order
    chain = Chain(
        order_id=order.id, tenant_id=order.tenant_id, seq=order.log_seq, head=order.log_head
    )
    about = {"payment": str(payment.id), "strategy": payment.strategy_code}
    chain.add(PAYMENT_MOVED, at=now, data={**about, "status": f"{operation['verb']} SENT"})
    sheet.change(
        advance(1),
        {
            "id": order.id,
            "status": order.status,
            "payment_status": order.payment_status,
            "stock": order.stock,
            "log_seq": chain.seq,
            "log_head": chain.head,
        },
    )
    return chain.rows[0]
