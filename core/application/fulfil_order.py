"""Mark an order as handed over: its units leave the shelf."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.application.move_order import OrderMove, move_order
from core.domain.journal import ORDER_FULFILLED
from core.domain.lifecycle import OrderStatus, StockState
from core.models.catalogue import SHIP


def fulfil_order(order_id: UUID, *, now: datetime) -> None:
    """Mark a paid order as fulfilled. Labels and carriers are nobody's core.

    Raises:
        NotFound: there is no such order.
        WrongState: it isn't paid.
    """
    move = OrderMove(
        target=OrderStatus.FULFILLED,
        stock=StockState.SHIPPED.value,
        stock_move=SHIP,
        event=ORDER_FULFILLED,
    )
    move_order(order_id, lambda _: move, now=now)
