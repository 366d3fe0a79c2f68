"""Ways of shipping: which pricing rules are ways that a customer chooses from, and who must choose.

ShippingMethodMissing      SHIPPING_METHOD_MISSING
ShippingMethodUnavailable  SHIPPING_METHOD_UNAVAILABLE    not offered, or not for this order
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from core.domain.errors import Refusal
from core.domain.pricing import Asked
from core.domain.receipt import Priced
from hookspecs import SHIPPING_OPTIONS, Phase, Quote, Skip

A = TypeVar("A", bound=Asked)


class ShippingMethodMissing(Refusal):
    """Ways of shipping are offered, and none was chosen."""

    code = "SHIPPING_METHOD_MISSING"


class ShippingMethodUnavailable(Refusal):
    """The way of shipping isn't offered for this order; ``details["shipping_method"]`` names it."""

    code = "SHIPPING_METHOD_UNAVAILABLE"


def options_of(rules: Sequence[A]) -> tuple[A, ...]:
    """Return the rules that are ways of shipping; the key of each is what a customer chooses."""
    return tuple(
        rule
        for rule in rules
        if rule.info.phase is Phase.SHIPPING and rule.info.group == SHIPPING_OPTIONS
    )


def fits(option: Asked, quote: Quote) -> bool:
    """Say whether a way of shipping would take this order."""
    answer = option.propose(replace(quote, shipping_method=option.info.key))
    return not isinstance(answer, Skip) and bool(answer)


def check_shipping(priced: Priced, rules: Sequence[Asked]) -> None:
    """Refuse an order that would be sent for nothing because no way, or no fitting way, was chosen.

    Where nothing is offered, or nothing fits (there is nothing to send), nobody has to choose.

    Raises:
        ShippingMethodMissing, ShippingMethodUnavailable: it is.
    """
    options = options_of(rules)
    if not options:
        return
    method = priced.start.shipping_method
    if method is None:
        if any(fits(option, priced.start) for option in options):
            raise ShippingMethodMissing("Choose how the order is sent.")
        return
    if not any(step.rule == method and step.applied for step in priced.steps):
        raise ShippingMethodUnavailable(
            f"This order can't be sent by {method}.", shipping_method=method
        )
