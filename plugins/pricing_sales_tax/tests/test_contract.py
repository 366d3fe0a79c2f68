"""The contract suite over sales tax."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import pytest

from core.testing.pricing_contract import PricingContract
from core.testing.quotes import a_line, a_quote
from hookspecs import Address, Quote, TaxRule
from pricing_sales_tax.plugin import pricing_rules
from pricing_sales_tax.settings import Rate, Settings

pytestmark = pytest.mark.once


class TestSalesTax(PricingContract):
    plugin = "pricing-sales-tax"

    @pytest.fixture
    def rules(self) -> Iterable[TaxRule]:
        rates = (
            Rate(country="DE", percent=Decimal(19), code="VAT", shipping=True),
            Rate(country="DE", percent=Decimal(7), code="VAT", tax_class="books"),
        )
        return pricing_rules(Settings(rates=rates))

    def quotes(self) -> Sequence[Quote]:
        lines = (a_line("a", 1999, 3), a_line("b", 333, 7, tax_class="books"))
        return [a_quote(*lines, shipping=490, ship_to=Address(country="DE"))]
