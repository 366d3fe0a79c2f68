"""What is offered: a rule for each promotion."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import PricingRule, hookimpl
from pricing_promotions.rules import rules_of
from pricing_promotions.settings import Settings


@hookimpl
def pricing_rules(settings: Settings) -> Iterable[PricingRule]:
    """Offer the promotions that are set up."""
    return rules_of(settings)
