"""What is offered: one tax."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import TaxRule, hookimpl
from pricing_sales_tax.rules import SalesTax
from pricing_sales_tax.settings import Settings


@hookimpl
def pricing_rules(settings: Settings) -> Iterable[TaxRule]:
    """Offer sales tax by region and kind of goods."""
    return [SalesTax(settings)]
