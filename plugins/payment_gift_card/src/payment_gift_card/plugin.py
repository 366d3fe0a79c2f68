"""What this plugin answers to the core: one way to pay."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings as django_settings

from hookspecs import PaymentStrategy, hookimpl
from payment_gift_card.settings import Settings
from payment_gift_card.strategy import GiftCardStrategy


@hookimpl
def payment_strategies(settings: Settings) -> Iterable[PaymentStrategy]:
    """Offer gift cards."""
    sandbox = bool(getattr(django_settings, "ORDERLOOM_SANDBOX", False))
    return (GiftCardStrategy(settings, sandbox=sandbox),)
