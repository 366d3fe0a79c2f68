"""The tells that are logged: all of them."""

from __future__ import annotations

from events_log.lines import append, line_of
from events_log.settings import Settings
from hookspecs import OrderEvent, PaymentEvent, ProductEvent, hookimpl


@hookimpl
def order_placed(event: OrderEvent, settings: Settings) -> None:
    """Log it."""
    append(line_of("order_placed", event), settings)


@hookimpl
def order_paid(event: OrderEvent, settings: Settings) -> None:
    """Log it."""
    append(line_of("order_paid", event), settings)


@hookimpl
def order_cancelled(event: OrderEvent, settings: Settings) -> None:
    """Log it."""
    append(line_of("order_cancelled", event), settings)


@hookimpl
def order_fulfilled(event: OrderEvent, settings: Settings) -> None:
    """Log it."""
    append(line_of("order_fulfilled", event), settings)


@hookimpl
def payment_authorized(event: PaymentEvent, settings: Settings) -> None:
    """Log it."""
    append(line_of("payment_authorized", event), settings)


@hookimpl
def payment_captured(event: PaymentEvent, settings: Settings) -> None:
    """Log it."""
    append(line_of("payment_captured", event), settings)


@hookimpl
def payment_refunded(event: PaymentEvent, settings: Settings) -> None:
    """Log it."""
    append(line_of("payment_refunded", event), settings)


@hookimpl
def product_changed(event: ProductEvent, settings: Settings) -> None:
    """Log it."""
    append(line_of("product_changed", event), settings)
