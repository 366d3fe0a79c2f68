"""What is offered: one rule."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import PricingRule, hookimpl
from pricing_third_free.rule import Rule
from pricing_third_free.settings import Settings


@hookimpl
def pricing_rules(settings: Settings) -> Iterable[PricingRule]:
    """Offer it; asked once per set of settings."""
    return [Rule(settings)]
