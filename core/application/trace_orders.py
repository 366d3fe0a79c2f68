"""Trace which plugins were called for an order, when and how that ended, from what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from core.application.queries import known_steps
from core.domain.errors import NotFound
from core.models import Delivery, Operation, Order

__all__ = ["TracedCall", "TracedOrder", "trace_orders"]

_MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedCall:
    """One plugin, asked or told one thing; never what was said.

    `at` is None for what was planned and hasn't happened. `call` is a rule's phase and key, a
    payment's command, an event told, or a message's channel and template. `outcome` is a state.
    """

    at: datetime | None
    plugin: str
    version: str
    call: str
    outcome: str
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedOrder:
    """An order and its calls, in the order in which they were made."""

    number: str
    order_id: UUID
    status: str
    placed_at: datetime
    calls: tuple[TracedCall, ...]


def trace_orders(*, named: str | None = None, last: int = 1) -> tuple[TracedOrder, ...]:
    """Return the order of this id or number, or the last ones, newest first; two hundred at most.

    Raises:
        NotFound: there is no such order.

    """
    orders = Order.objects.order_by("-id")
    orders = orders.filter(_named(named)) if named else orders[: max(1, min(last, _MOST))]
    found = tuple(_traced(order) for order in orders)
    if named and not found:
        raise NotFound(f"There is no order called {named}.")
    return found


def _named(text: str) -> Q:
    try:
        return Q(pk=UUID(text))
    except ValueError:
        return Q(number=text)


def _traced(order: Order) -> TracedOrder:
    calls = [*_priced(order), *_commanded(order), *_told(order)]
    calls.sort(key=lambda call: (call.at is None, call.at or order.placed_at))
    return TracedOrder(
        number=order.number,
        order_id=order.id,
        status=order.status,
        placed_at=order.placed_at,
        calls=tuple(calls),
    )


def _priced(order: Order) -> Iterator[TracedCall]:
    """Imported orders were priced when they were placed here, not when they were placed there."""
    for step in known_steps(order.receipt):
        if step.plugin:
            yield TracedCall(
                at=order.placed_at,
                plugin=step.plugin,
                version=step.version,
                call=f"price {step.phase} {step.rule}",
                outcome="APPLIED" if step.applied else "SKIPPED",
            )


def _commanded(order: Order) -> Iterator[TracedCall]:
    rows: Iterable[Operation] = (
        Operation.objects.filter(order_id=order.id)
        .select_related("payment")
        .defer("params", "action")
        .order_by("created_at", "id")
    )
    for row in rows:
        about = {"plugin": row.payment.plugin, "version": row.payment.version}
        what = f"{row.verb.lower()} {row.payment.strategy_code}"
        yield TracedCall(
            at=row.sent_at, call=what, outcome=row.status, attempts=row.attempt, **about
        )
        if row.looks:
            yield TracedCall(
                at=row.sent_at,
                call=f"inquire {row.payment.strategy_code}",
                outcome=row.status,
                attempts=row.looks,
                **about,
            )


def _told(order: Order) -> Iterator[TracedCall]:
    rows: Iterable[Delivery] = (
        Delivery.objects.filter(event__order_id=order.id)
        .exclude(plugin="")
        .select_related("event")
        .defer("recipient", "cause", "event__data")
        .order_by("event__seq", "receiver")
    )
    for row in rows:
        kind = row.receiver.partition(":")[0]
        through = f" {row.channel} {row.template}" if row.channel else ""
        yield TracedCall(
            at=row.done_at,
            plugin=row.plugin,
            version="",
            call=f"{kind} {row.event.kind}{through}",
            outcome=row.status,
            attempts=row.attempt,
        )
