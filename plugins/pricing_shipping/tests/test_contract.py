"""The contract suite over ways of shipping and a fee."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from core.testing.pricing_contract import PricingContract
from core.testing.quotes import a_line, a_quote
from hookspecs import Address, Money, PricingRule, Quote
from pricing_shipping.plugin import pricing_rules
from pricing_shipping.settings import Fee, Option, Settings

pytestmark = pytest.mark.once


class TestShipping(PricingContract):
    plugin = "pricing-shipping"

    @pytest.fixture
    def rules(self) -> Iterable[PricingRule]:
        settings = Settings(
            options=(Option(key="post", label="Post", prices=(Money(490, "EUR"),)),),
            fees=(Fee(key="fee", label="Fee", amounts=(Money(100, "EUR"),)),),
        )
        return pricing_rules(settings)  # type: ignore[return-value]

    def quotes(self) -> Sequence[Quote]:
        lines = (a_line("a", 1999, 3), a_line("b", 333, 7))
        return [a_quote(*lines, shipping_method="post", ship_to=Address(country="DE"))]
