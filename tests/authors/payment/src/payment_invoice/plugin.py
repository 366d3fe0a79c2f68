"""What is offered: one way to pay."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import PaymentStrategy, hookimpl
from payment_invoice.settings import Settings
from payment_invoice.strategy import Strategy


@hookimpl
def payment_strategies(settings: Settings) -> Iterable[PaymentStrategy]:
    """Offer it; asked once per set of settings."""
    return [Strategy(settings)]
