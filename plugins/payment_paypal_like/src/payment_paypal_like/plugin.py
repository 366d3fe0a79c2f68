"""What this plugin answers to the core: one way to pay."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import PaymentStrategy, hookimpl
from payment_paypal_like.gateway import Gateway
from payment_paypal_like.settings import Settings
from payment_paypal_like.strategy import PaypalStrategy


@hookimpl
def payment_strategies(settings: Settings) -> Iterable[PaymentStrategy]:
    """Offer approval and capture."""
    return (PaypalStrategy(settings, Gateway(settings)),)
