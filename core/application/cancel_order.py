"""Cancel an order: its stock is free again at once, its money follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.application.commanding import operation_clock
from core.application.facts import fold_payment
from core.application.move_order import OrderMove, move_order
from core.application.next_commands import back_row
from core.application.refund_payment import refunding_strategy
from core.application.send_operation import send_planned
from core.application.settle_pending import settle_pending
from core.domain.journal import ORDER_CANCELLED
from core.domain.lifecycle import OrderStatus, StockState
from core.hooks.registry import Registry
from core.infrastructure.crashpoints import crashpoint
from core.models import Order, Payment
from core.models.catalogue import RELEASE
from hookspecs import Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Which order, and why."""

    order_id: UUID
    reason: str = ""


def cancel_order(command: CancelOrder, *, plugins: Registry, now: datetime) -> None:
    """Cancel an order that isn't fulfilled; what is held for it goes back. Twice is once.

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
            operations=held_back(order, command.reason, plugins, now),
            operation_clock=operation_clock(),
        )

    if move_order(command.order_id, decide, now=now):
        crashpoint("refund.intended")
        send_planned(command.order_id, Verb.REFUND, Verb.VOID, plugins=plugins, now=now)


def held_back(order: Order, reason: str, plugins: Registry, now: datetime) -> list[dict[str, Any]]:
    """Plan to give back each payment that holds money, or refuse before anything is written.

    Raises:
        NotSupported, PluginUnavailable: what was captured couldn't be given back.
    """
    rows = []
    for payment in Payment.objects.filter(order_id=order.id):
        after = fold_payment(payment)
        if after.refundable > 0:
            strategy = refunding_strategy(payment, plugins)
        elif after.authorized > 0:
            strategy = plugins.strategy(
                plugin=payment.plugin, code=payment.strategy_code, account=payment.account
            )
            if "void" not in strategy.can:
                continue  # nothing was taken, and it ends by itself
        else:
            continue
        kept = strategy.info.keys_kept
        row = back_row(payment, after, reason=reason, now=now, keys_kept=kept)
        rows += [row] if row is not None else []
    return rows
