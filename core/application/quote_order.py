"""Quote an order: what would it cost now, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from core.application.checkout_time import part_of_checkout
from core.application.compose_order import Composed, Composition, compose_order
from core.application.shipping_choices import shipping_choices
from core.hooks.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteOrder:
    """Ask for a price."""

    composition: Composition


@part_of_checkout
def quote_order(command: QuoteOrder, *, plugins: Registry, now: datetime) -> Composed:
    """Return what an order would cost and why, and how it could be sent. Nothing is reserved.

    Raises:
        Refusal: it couldn't be placed either; the code says why.
    """
    composed = compose_order(command.composition, plugins=plugins, now=now)
    return replace(composed, shipping_choices=shipping_choices(composed.priced, plugins=plugins))
