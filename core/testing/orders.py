"""Orders and events as plugins see them, for tests."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from hookspecs import (
    Customer,
    Event,
    Money,
    OrderEvent,
    OrderLine,
    OrderSnapshot,
    PaymentEvent,
    ProductEvent,
)

__all__ = ["ANNA", "TELLS", "an_event", "an_order", "order_of"]

TELLS: Final = (
    *("order_placed", "order_paid", "order_cancelled", "order_fulfilled"),
    *("payment_authorized", "payment_captured", "payment_refunded", "product_changed"),
)
"""The names of the tells."""

ANNA: Final = Customer(ref="", email="anna@shop.example", name="Anna Example")
"""A guest of no group."""


def order_of(
    amount: Money, lines: Iterable[OrderLine] = (), customer: Customer = ANNA
) -> OrderSnapshot:
    """Return an order that costs this much."""
    nothing = Money(0, amount.currency)
    return OrderSnapshot(
        number=f"{uuid.uuid4().hex[:5]}-{uuid.uuid4().hex[:5]}".upper(),
        tenant="default",
        placed_at=datetime.now(UTC),
        customer=customer,
        lines=tuple(lines),
        shipping=nothing,
        fees=nothing,
        tax=nothing,
        rounding=nothing,
        total=amount,
    )


def an_order(*skus: str, currency: str = "EUR") -> OrderSnapshot:
    """Return an order of one piece each of these products, at 10.00 apiece."""
    price = Money(1000, currency)
    lines = [
        OrderLine(
            line_id=str(number),
            sku=sku,
            name=f"Product {sku}",
            quantity=1,
            unit_price=price,
            tax=Money(0, currency),
            total=price,
        )
        for number, sku in enumerate(skus, 1)
    ]
    return order_of(price * len(lines), lines)


def an_event(tell: str, *skus: str, tenant: str = "default") -> Event:
    """Return an event as the tell of this name brings it, about these products."""
    about = {"id": uuid.uuid4().hex, "at": datetime.now(UTC), "tenant": tenant}
    if tell == "product_changed":
        return ProductEvent(skus=skus, **about)  # type: ignore[arg-type]
    order = an_order(*skus)
    if tell.startswith("payment_"):
        return PaymentEvent(
            order=order,
            payment_id=uuid.uuid4().hex,
            strategy_code="memory",
            amount=order.total,
            **about,  # type: ignore[arg-type]
        )
    return OrderEvent(order=order, reason="a test", **about)  # type: ignore[arg-type]
