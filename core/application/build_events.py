"""Turn rows of the journal into what plugins hear: frozen events, with the order as it is now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import structlog

from core.application.queries import snapshot_of
from core.context import tenant
from core.domain import journal
from core.models import Event as EventRow
from core.models import Order, OrderLine
from hookspecs import Event, Money, OrderEvent, OrderSnapshot, PaymentEvent, ProductEvent

__all__ = ["TELLS", "build_events", "order_snapshots"]

log = structlog.get_logger(__name__)

_OF_ORDERS = frozenset(
    {
        journal.ORDER_PLACED,
        journal.ORDER_PAID,
        journal.ORDER_CANCELLED,
        journal.ORDER_FULFILLED,
    }
)
_OF_PAYMENTS = frozenset(
    {journal.PAYMENT_AUTHORIZED, journal.PAYMENT_CAPTURED, journal.PAYMENT_REFUNDED}
)

TELLS = _OF_ORDERS | _OF_PAYMENTS | {journal.PRODUCT_CHANGED}
"""The kinds of events that plugins may hear of; the others are for people and signals."""


def build_events(rows: Iterable[EventRow]) -> dict[UUID, Event]:
    """Return what plugins hear, by the row's id; two statements for any number of rows.

    A row that can't be understood is left out, and logged: it must not keep the others waiting.
    """
    wanted = [row for row in rows if row.kind in TELLS]
    orders = order_snapshots({row.order_id for row in wanted if row.order_id is not None})
    events = {}
    for row in wanted:
        try:
            events[row.id] = _event(row, orders)
        except (LookupError, ValueError, TypeError):
            log.exception("event.unreadable", event_id=str(row.id), kind=row.kind)
    return events


def order_snapshots(order_ids: Iterable[UUID]) -> dict[UUID, OrderSnapshot]:
    """Return orders as plugins see them, by id."""
    ids = list(order_ids)
    if not ids:
        return {}
    lines: dict[UUID, list[OrderLine]] = {}
    for line in OrderLine.objects.filter(order_id__in=ids).order_by("order_id", "position"):
        lines.setdefault(line.order_id, []).append(line)
    orders = Order.objects.filter(pk__in=ids).defer("receipt")
    return {order.id: snapshot_of(order, lines.get(order.id, ())) for order in orders}


def _event(row: EventRow, orders: Mapping[UUID, OrderSnapshot]) -> Event:
    who: dict[str, Any] = {"id": str(row.id), "at": row.at, "tenant": tenant().slug}
    if row.order_id is None:
        return ProductEvent(**who, skus=tuple(row.data.get("skus", ())))
    order = orders[row.order_id]
    if row.kind in _OF_ORDERS:
        return OrderEvent(**who, order=order, reason=str(row.data.get("reason", "")))
    return PaymentEvent(
        **who,
        order=order,
        payment_id=str(row.data["payment"]),
        strategy_code=str(row.data["strategy"]),
        amount=Money(int(row.data["amount_minor"]), order.total.currency),
    )
