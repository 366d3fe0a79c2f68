"""The contract suite over a few promotions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import pytest

from core.testing.pricing_contract import PricingContract
from core.testing.quotes import a_line, a_quote
from hookspecs import Money, PricingRule, Quote
from pricing_promotions.plugin import pricing_rules
from pricing_promotions.settings import Promotion, Settings

pytestmark = pytest.mark.once


class TestPromotions(PricingContract):
    plugin = "pricing-promotions"

    @pytest.fixture
    def rules(self) -> Iterable[PricingRule]:
        promotions = (
            Promotion(key="a", label="A", kind="percent", percent=Decimal(10), coupon="SPRING"),
            Promotion(key="b", label="B", kind="buy-x-get-y", buy=2, free=1),
            Promotion(key="c", label="C", kind="amount", amounts=(Money(500, "EUR"),)),
            Promotion(key="d", label="D", kind="tiers", tiers=("5:5",)),
            Promotion(key="e", label="E", kind="free-shipping"),
        )
        return pricing_rules(Settings(promotions=promotions))  # type: ignore[return-value]

    def quotes(self) -> Sequence[Quote]:
        lines = (a_line("a", 1999, 3), a_line("b", 333, 7))
        return [a_quote(*lines, shipping=490, coupons=frozenset({"SPRING"}))]
