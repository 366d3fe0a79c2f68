"""Move an order and its stock in one piece, or read again and retry: nobody loads and saves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from core.domain.errors import ConcurrentChange, NotFound, WrongState
from core.domain.lifecycle import OrderStatus, order_sources
from core.models import Event, Operation, Order, OrderLine
from core.models.coupon import given_back
from core.models.journal import Chain
from core.models.order import advance
from core.models.sheet import Move, RuleViolated, Sheet

_ATTEMPTS: Final = 8
_RETRIED: Final = frozenset({"order_moved", "operation_one_live_per_payment"})
_UNUSED: Final = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMove:
    """Where an order goes, what its lines do to the stock, and what is said about it."""

    target: OrderStatus
    stock: str
    stock_move: Move
    event: str
    data: Mapping[str, Any] = field(default_factory=dict)
    operations: Sequence[Mapping[str, Any]] = ()
    operation_clock: Mapping[str, float] = field(default_factory=dict)


def move_order(
    order_id: UUID, decide: Callable[[Order], OrderMove | None], *, now: datetime
) -> bool:
    """Move an order as ``decide`` says of its row; return False if that says None.

    Raises:
        NotFound: there is no such order.
        WrongState: it can't go there from where it stands.
        ConcurrentChange: too many others moved it at the same time.
    """
    for _ in range(_ATTEMPTS):
        order = Order.objects.filter(pk=order_id).defer("receipt").first()
        if order is None:
            raise NotFound("There is no such order.")
        move = decide(order)
        if move is None:
            return False
        if order.status not in order_sources(move.target):
            raise WrongState(
                f"This order is {order.status.lower()} and can't become {move.target.lower()}.",
                status=order.status,
                wanted=move.target.value,
            )
        try:
            _sheet(order, move, now=now).write()
        except RuleViolated as missed:
            if missed.rule not in _RETRIED:
                raise
            continue
        return True
    raise ConcurrentChange("This order is being changed by others; try again.")


def _sheet(order: Order, move: OrderMove, *, now: datetime) -> Sheet:
    chain = Chain(
        order_id=order.id, tenant_id=order.tenant_id, seq=order.log_seq, head=order.log_head
    )
    chain.add(move.event, at=now, data=move.data)
    sheet = Sheet()
    sheet.change(
        advance(1),
        {
            "id": order.id,
            "status": move.target.value,
            "payment_status": order.payment_status,
            "stock": move.stock,
            "log_seq": chain.seq,
            "log_head": chain.head,
        },
    )
    sheet.insert(Operation, *move.operations, clock=move.operation_clock)
    sheet.insert(Event, *chain.rows)
    if order.status == OrderStatus.CONFIRMED and move.target in _UNUSED:
        # Nobody paid, so the coupons weren't used; once paid they were, whatever follows.
        for coupon_move, rows in given_back(order.id, now=now):
            sheet.change(coupon_move, *rows)
    sheet.change(move.stock_move, *stock_rows(order.id))
    return sheet


def stock_rows(order_id: UUID) -> list[dict[str, Any]]:
    """Return what an order's lines do to the stock: units of each product, over all lines."""
    taken: dict[UUID, int] = {}
    for line in OrderLine.objects.filter(order_id=order_id).only("product_id", "quantity"):
        taken[line.product_id] = taken.get(line.product_id, 0) + line.quantity
    return [{"product_id": key, "reserved": count} for key, count in taken.items()]
