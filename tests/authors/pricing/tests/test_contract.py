"""The contract suite over the rule, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from pricing_third_free.plugin import pricing_rules
from pricing_third_free.settings import Settings

from core.testing.pricing_contract import PricingContract
from core.testing.quotes import a_line, a_quote
from hookspecs import PricingRule, Quote


class TestContract(PricingContract):
    plugin = "pricing-third-free"

    @pytest.fixture
    def rules(self) -> Iterable[PricingRule]:
        return pricing_rules(Settings())

    def quotes(self) -> Sequence[Quote]:
        return [a_quote(a_line("a", 1000, 7), a_line("b", 333, 3), a_line("c", 2500, 2))]

    def test_two_of_seven_are_free(self) -> None:
        priced = self.priced(a_quote(a_line("a", 1000, 7)))

        assert priced.total_minor == 5 * 1000
        assert priced.steps[0].reason == "2 of 7 free"
