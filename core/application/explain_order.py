"""Explain an order: what each rule did to its price and why not, and what shadow rules would have."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.domain.errors import NotFound
from core.domain.receipt import Shadow, Step
from core.domain.replay import stored_shadow, stored_steps
from core.models import Order
from hookspecs import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Why an order costs what it costs; ``steps`` in the order in which they were asked."""

    order_id: UUID
    number: str
    total: Money
    steps: tuple[Step, ...]
    shadow: Shadow | None


def explain_order(named: str) -> Explained:
    """Explain the order with this id or number.

    Raises:
        NotFound: there is no such order, or its receipt is in a format of long ago.
    """
    try:
        found = Order.objects.filter(pk=UUID(named))
    except ValueError:
        found = Order.objects.filter(number=named.upper())
    order = found.first()
    if order is None:
        raise NotFound(f"There is no order {named}.")
    try:
        steps, shadow = stored_steps(order.receipt), stored_shadow(order.receipt)
    except ValueError as error:
        raise NotFound(f"The receipt of {order.number} can't be read: {error}.") from error
    return Explained(
        order_id=order.id,
        number=order.number,
        total=Money(order.total_minor, order.currency),
        steps=tuple(steps),
        shadow=shadow,
    )
