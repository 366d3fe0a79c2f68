"""Work out the ways of shipping that an order could be sent by, each with what it would cost."""

from __future__ import annotations

from dataclasses import replace

from core.domain.pricing import TaxRounding, compose
from core.domain.receipt import Priced
from core.domain.shipping import fits, options_of
from core.hooks.registry import Registry
from hookspecs import Money, ShippingChoice


def shipping_choices(priced: Priced, *, plugins: Registry) -> tuple[ShippingChoice, ...]:
    """Return the ways that fit a priced quote, cheapest first; nothing is read.

    A way costs what the whole order's shipping would cost with it: free shipping counts.

    Raises:
        RuleFailedError: a mandatory rule broke its contract.
    """
    found = []
    for option in options_of(plugins.rules):
        if not fits(option, priced.start):
            continue
        would = compose(
            quote=replace(priced.start, shipping_method=option.info.key),
            rules=plugins.rules,
            taxes=plugins.taxes,
            prepared=priced.prepared,
            tax_rounding=TaxRounding(priced.tax_rounding),
        )
        price = Money(would.shipping_minor, priced.quote.currency)
        found.append(ShippingChoice(code=option.info.key, label=option.info.label, price=price))
    return tuple(sorted(found, key=lambda choice: (choice.price, choice.code)))
