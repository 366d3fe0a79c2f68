"""Export orders with their lines, payments and receipts, from rows alone: no plugin is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from core.application.queries import known_steps
from core.domain.receipt import Step
from core.models import Fact, Order, OrderLine, Payment

__all__ = ["ExportOrders", "export_orders"]

_BATCH: Final = 200
_SUMS: Final = ("goods", "shipping", "fees", "tax", "rounding", "total")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOrders:
    """Which orders: those placed from `since` on and before `until`, all where None."""

    since: datetime | None = None
    until: datetime | None = None


def export_orders(command: ExportOrders) -> Iterator[dict[str, Any]]:
    """Yield the orders of the tenant at hand as plain data, oldest id first.

    Four statements for two hundred orders, so that any number of them takes the same memory. What
    is missing is a plugin's code and never its name: rows froze it.
    """
    orders = Order.objects.order_by("id")
    if command.since is not None:
        orders = orders.filter(placed_at__gte=command.since)
    if command.until is not None:
        orders = orders.filter(placed_at__lt=command.until)
    after: UUID | None = None
    while batch := list((orders if after is None else orders.filter(id__gt=after))[:_BATCH]):
        yield from _told(batch)
        after = batch[-1].id


def _told(batch: list[Order]) -> Iterator[dict[str, Any]]:
    ids = [order.id for order in batch]
    lines = _by(
        "order_id", OrderLine.objects.filter(order_id__in=ids).order_by("order_id", "position")
    )
    payments = _by(
        "order_id", Payment.objects.filter(order_id__in=ids).order_by("created_at", "id")
    )
    facts = _by(
        "payment_id",
        Fact.objects.filter(payment__order_id__in=ids).order_by("recorded_at", "id"),
    )
    for order in batch:
        yield {
            "id": order.id,
            "number": order.number,
            "source": order.source,
            "placed_at": order.placed_at,
            "status": order.status,
            "payment_status": order.payment_status,
            "stock": order.stock,
            "currency": order.currency,
            "prices_include_tax": order.prices_include_tax,
            **{f"{name}_minor": getattr(order, f"{name}_minor") for name in _SUMS},
            "contact": order.contact,
            "lines": [_line(line) for line in lines[order.id]],
            "payments": [_payment(each, facts[each.id]) for each in payments[order.id]],
            "receipt": [_step(step) for step in known_steps(order.receipt)],
        }


def _by(column: str, rows: Iterable[Any]) -> Mapping[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, column)].append(row)
    return found


def _line(line: OrderLine) -> dict[str, Any]:
    names = ("sku", "name", "quantity", "unit_price_minor", "adjustment_minor", "tax_minor")
    return {
        "position": line.position,
        **{name: getattr(line, name) for name in names},
        "total_minor": line.total_minor,
        "attributes": line.attributes,
        "terms": line.terms,
    }


def _step(step: Step) -> dict[str, Any]:
    said = step._asdict()
    return {name: value for name, value in said.items() if name != "proposals"}


def _payment(payment: Payment, facts: list[Fact]) -> dict[str, Any]:
    names = ("plugin", "distribution", "version", "strategy_code", "label", "account", "status")
    return {
        "id": payment.id,
        **{name: getattr(payment, name) for name in names},
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "reference": payment.reference,
        "created_at": payment.created_at,
        "facts": [
            {
                "kind": fact.kind,
                "object": fact.object_id,
                "amount_minor": fact.amount_minor,
                "currency": fact.currency,
                "recorded_at": fact.recorded_at,
            }
            for fact in facts
        ],
    }
