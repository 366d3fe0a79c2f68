"""Which discounts there are besides those agreed with a customer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hookspecs import Money, NotConfigured, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A discount from so many pieces of one product on."""

    quantity: int = setting(label="From how many pieces", minimum=1)
    percent: Decimal = setting(label="Per cent off", minimum=0, maximum=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Discounts by volume and on large orders; without values, agreed ones are the only ones.

    Raises:
        NotConfigured: a percentage outside 0 to 100, a quantity twice or below 1, a currency
            twice or an amount below 0, or a percentage on orders without an amount.

    """

    volume: tuple[Tier, ...] = setting(
        label="Volume discounts",
        help="The tier with the greatest quantity reached counts, for all pieces",
        default=(),
    )
    order_percent: Decimal = setting(
        label="Per cent off large orders", default=Decimal(0), minimum=0, maximum=100
    )
    order_from: tuple[Money, ...] = setting(
        label="Large orders begin at",
        help="One amount per currency, of goods after other discounts; no amount, no discount",
        default=(),
    )

    def __post_init__(self) -> None:
        for percent in (self.order_percent, *(tier.percent for tier in self.volume)):
            if not (percent.is_finite() and 0 <= percent <= 100):
                raise NotConfigured(f"a discount is 0 to 100 per cent, not {percent}")
        quantities = [tier.quantity for tier in self.volume]
        if any(quantity < 1 for quantity in quantities):
            raise NotConfigured("volume: a tier begins at 1 piece or more")
        if len(set(quantities)) < len(quantities):
            raise NotConfigured("volume: two tiers begin at the same quantity")
        currencies = [amount.currency for amount in self.order_from]
        if len(set(currencies)) < len(currencies):
            raise NotConfigured("order_from: one amount per currency")
        if any(amount.minor < 0 for amount in self.order_from):
            raise NotConfigured("order_from: an amount is below 0")
        if self.order_percent and not self.order_from:
            raise NotConfigured("order_percent is set, but order_from has no amount")
