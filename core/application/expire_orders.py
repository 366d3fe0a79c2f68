"""Let orders expire that nobody paid: their stock is free for others."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog

from core.application.cancel_order import held_back
from core.application.commanding import operation_clock
from core.application.move_order import OrderMove, move_order
from core.application.settle_pending import settle_pending
from core.domain.errors import PaymentUndecided, Refusal
from core.domain.journal import ORDER_EXPIRED
from core.domain.lifecycle import OperationStatus, OrderStatus, PaymentStatus, StockState
from core.hooks.registry import Registry
from core.infrastructure.crashpoints import crashpoint
from core.models import Operation, Order
from core.models.catalogue import RELEASE
from core.models.sheet import RuleViolated

log = structlog.get_logger(__name__)

_NOTHING_HELD = (PaymentStatus.NONE, PaymentStatus.PENDING)


def expire_orders(*, plugins: Registry, now: datetime, limit: int = 50) -> int:
    """Expire what is due, unless something is undecided, authorized or captured; return how many.

    A payment that waits for its customer is ended first, instructions to transfer money when their
    time is over; one that may have happened keeps the order, and its stock, until it is known.
    """
    due = Order.objects.filter(
        status=OrderStatus.CONFIRMED, expires_at__lte=now, payment_status__in=_NOTHING_HELD
    )

    def decide(order: Order) -> OrderMove | None:
        if order.status != OrderStatus.CONFIRMED:
            return None
        settle_pending(order, None, plugins=plugins, now=now)
        crashpoint("expiry.half_way")
        order.refresh_from_db(fields=["status", "payment_status", "log_seq", "log_head", "stock"])
        if order.status != OrderStatus.CONFIRMED or order.payment_status not in _NOTHING_HELD:
            return None
        return OrderMove(
            target=OrderStatus.EXPIRED,
            stock=StockState.RELEASED.value,
            stock_move=RELEASE,
            event=ORDER_EXPIRED,
            operations=held_back(order, "the order has expired", plugins, now),
            operation_clock=operation_clock(),
        )

    expired = 0
    for order_id in list(due.order_by("expires_at").values_list("pk", flat=True)):
        if expired >= limit:
            break  # counted by what expired: many that can't must not keep the others waiting
        if _put_off(order_id, now=now):
            continue
        try:
            expired += move_order(order_id, decide, now=now)
        except PaymentUndecided:
            continue  # it keeps its stock as long as anything is undecided
        except Refusal:
            continue
        except RuleViolated:  # its stock isn't counted as it should be: a person has to look
            log.exception("order.expiry.failed", order=str(order_id))
    return expired


def _put_off(order_id: UUID, *, now: datetime) -> bool:
    """Give an order as long as its customer was told to have for acting on instructions."""
    told = Operation.objects.filter(
        order_id=order_id, status=OperationStatus.NEEDS_CUSTOMER, action__kind="show"
    ).first()
    until = ((told.action if told else None) or {}).get("expires_at")
    if until is None or datetime.fromisoformat(until) <= now:
        return False
    waiting = Order.objects.filter(pk=order_id, status=OrderStatus.CONFIRMED)
    return bool(waiting.update(expires_at=datetime.fromisoformat(until)))
