"""The contract suite over the three discounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import pytest

from core.testing.pricing_contract import PricingContract
from core.testing.quotes import a_line, a_quote
from hookspecs import Money, PricingRule, Quote
from pricing_discounts.plugin import pricing_rules
from pricing_discounts.settings import Settings, Tier

pytestmark = pytest.mark.once


class TestDiscounts(PricingContract):
    plugin = "pricing-discounts"

    @pytest.fixture
    def rules(self) -> Iterable[PricingRule]:
        settings = Settings(
            volume=(Tier(quantity=10, percent=Decimal("7.5")),),
            order_percent=Decimal(3),
            order_from=(Money(10_000, "EUR"),),
        )
        return pricing_rules(settings)

    def quotes(self) -> Sequence[Quote]:
        return [
            a_quote(a_line("a", 1999, 12), a_line("b", 333, 3), a_line("c", 777, 11)),
            a_quote(a_line("a", 1999, 3, terms={"discount": "0.15"}), a_line("b", 5, 1)),
        ]
