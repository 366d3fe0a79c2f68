"""What this plugin answers to the core: one way to pay."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import PaymentStrategy, hookimpl
from payment_stripe_like.gateway import Gateway
from payment_stripe_like.settings import Settings
from payment_stripe_like.strategy import StripeStrategy


@hookimpl
def payment_strategies(settings: Settings) -> Iterable[PaymentStrategy]:
    """Offer cards."""
    return (StripeStrategy(settings, Gateway(settings)),)
