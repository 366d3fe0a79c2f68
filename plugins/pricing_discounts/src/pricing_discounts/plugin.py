"""What is offered: three reasons for a discount."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import PricingRule, hookimpl
from pricing_discounts.rules import rules_of
from pricing_discounts.settings import Settings


@hookimpl
def pricing_rules(settings: Settings) -> Iterable[PricingRule]:
    """Offer discounts as agreed, by volume, and on large orders."""
    return rules_of(settings)
