"""What is offered: a rule for each way of shipping, and one for each fee."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import PricingRule, hookimpl
from pricing_shipping.rules import rules_of
from pricing_shipping.settings import Settings


@hookimpl
def pricing_rules(settings: Settings) -> Iterable[PricingRule]:
    """Offer the ways of shipping and the fees that are set up."""
    return rules_of(settings)
