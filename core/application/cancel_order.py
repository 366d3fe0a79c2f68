"""Cancel an order: its stock is free again at once, its money follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.application.commanding import operation_clock
from core.application.facts import refund_rows
from core.application.move_order import OrderMove, move_order
from core.application.refund_payment import fold_payment, refunding_strategy
from core.application.send_operation import claim_operation, send_operation
from core.application.settle_pending import settle_pending
from core.domain.journal import ORDER_CANCELLED
from core.domain.lifecycle import OperationStatus, OrderStatus, StockState
from core.hooks.registry import Registry
from core.infrastructure.crashpoints import crashpoint
from core.models import Operation, Order, Payment
from core.models.catalogue import RELEASE
from hookspecs import Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Which order, and why."""

    order_id: UUID
    reason: str = ""


def cancel_order(command: CancelOrder, *, plugins: Registry, now: datetime) -> None:
    """Cancel an order that isn't fulfilled; what was paid for it is refunded. Twice is once.

    Raises:
        NotFound: there is no such order.
        WrongState: it is fulfilled or expired.
        PaymentUndecided: a charge may have happened; nothing was changed.
        NotSupported, PluginUnavailable: what was paid couldn't be given back; nothing was changed.
    """

    def decide(order: Order) -> OrderMove | None:
        if order.status == OrderStatus.CANCELLED:
            return None
        settle_pending(order, None, plugins=plugins, now=now)
        order.refresh_from_db(fields=["status", "payment_status", "log_seq", "log_head", "stock"])
        return OrderMove(
            target=OrderStatus.CANCELLED,
            stock=StockState.RELEASED.value,
            stock_move=RELEASE,
            event=ORDER_CANCELLED,
            data={"reason": command.reason},
            operations=_refunds(order, command.reason, plugins, now),
            operation_clock=operation_clock(sent=False),
        )

    if move_order(command.order_id, decide, now=now):
        crashpoint("refund.intended")
        _give_back(command.order_id, plugins=plugins, now=now)


def _refunds(order: Order, reason: str, plugins: Registry, now: datetime) -> list[dict[str, Any]]:
    """Plan a refund for each payment that holds money, or refuse before anything is written."""
    rows = []
    for payment in Payment.objects.filter(order_id=order.id):
        after = fold_payment(payment)
        if after.refundable <= 0:
            continue
        strategy = refunding_strategy(payment, plugins)
        planned = refund_rows(
            payment,
            after,
            reason=reason,
            now=now,
            amount=after.refundable,
            keys_kept=strategy.info.keys_kept,
        )
        rows += planned[:1]  # one live command a payment; what more there is follows the facts
    return rows


def _give_back(order_id: UUID, *, plugins: Registry, now: datetime) -> None:
    """Send the planned refunds now; whatever stops us, the sweeper sends them later."""
    planned = Operation.objects.filter(
        order_id=order_id, verb=Verb.REFUND, status=OperationStatus.PLANNED
    )
    for operation in planned:
        claimed = claim_operation(operation)
        if claimed is not None:
            send_operation(claimed, plugins=plugins, now=now)
            crashpoint("refund.done")
