"""Three reasons for a discount. What was agreed stands alone: nothing comes on top of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from hookspecs import Adjustment, Money, Phase, Quote, QuoteLine, RuleInfo, Skip, Target
from pricing_discounts.settings import Settings, Tier

DISCOUNT: Final = "discount"
"""The term of a line that holds the agreed discount, as a fraction: "0.15" is 15 %."""

DECIMALS: Final = 8


class AgreedDiscount:
    """Takes off each line the fraction that its terms name, rounded half up once."""

    info = RuleInfo(key="agreed-discount", label="Agreed discount", phase=Phase.LINE, priority=100)

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        """Propose each agreed discount.

        Raises:
            ValueError: a discount that isn't a fraction from 0 to 1: better no price than a wrong.

        """
        proposals = []
        known: dict[str, tuple[Decimal, str]] = {}
        for line in quote.lines:
            text = line.terms.get(DISCOUNT)
            if text is None:
                continue
            if text not in known:
                percent = _agreed_percent(line.line_id, text)
                known[text] = percent, f"{_shown(percent)} % agreed"
            if known[text][0]:
                proposals.append(_off(line, *known[text]))
        return proposals or Skip(reason="no discount was agreed")


class VolumeDiscount:
    """Takes a percentage off products of which many are bought, over all their lines."""

    info = RuleInfo(key="volume-discount", label="Volume discount", phase=Phase.LINE)

    def __init__(self, tiers: Sequence[Tier], /) -> None:
        """Take the tiers in any order."""
        self._tiers = sorted(tiers, key=lambda tier: tier.quantity, reverse=True)
        self._reasons = {
            tier.quantity: f"{_shown(tier.percent)} % from {tier.quantity} pieces" for tier in tiers
        }

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        """Propose the tier that each product reaches."""
        if not self._tiers:
            return Skip(reason="no volume discount is set up")
        free = [line for line in quote.lines if not line.terms]
        pieces: Counter[str] = Counter()
        for line in free:
            pieces[line.sku] += line.quantity
        reached = [(line, self._tier(pieces[line.sku])) for line in free]
        proposals = [
            _off(line, tier.percent, self._reasons[tier.quantity])
            for line, tier in reached
            if tier is not None and tier.percent
        ]
        least = self._tiers[-1].quantity
        return proposals or Skip(reason=f"no product of {least} pieces or more")

    def _tier(self, pieces: int) -> Tier | None:
        return next((tier for tier in self._tiers if pieces >= tier.quantity), None)


class OrderDiscount:
    """Takes a percentage off the goods of a large order."""

    info = RuleInfo(key="order-discount", label="Order discount", phase=Phase.ORDER)

    def __init__(self, percent: Decimal, begins_at: Sequence[Money], /) -> None:
        """Take the percentage, and the amount per currency where it begins."""
        self._percent = percent
        self._begins_at = {amount.currency: amount for amount in begins_at}

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        """Propose the discount if the goods come to enough and no price was agreed."""
        if not self._percent:
            return Skip(reason="no discount on orders is set up")
        least = self._begins_at.get(quote.currency)
        if least is None:
            return Skip(reason=f"no discount on orders in {quote.currency}")
        if any(line.terms for line in quote.lines):
            return Skip(reason="prices were agreed")
        goods = quote.subtotal
        if goods < least:
            return Skip(reason=f"{least - goods} short of {least}")
        amount = -goods.percent(self._percent)
        reason = f"{_shown(self._percent)} % from {least}"
        return [Adjustment(target=Target.ORDER, amount=amount, reason=reason)]


def rules_of(settings: Settings, /) -> tuple[AgreedDiscount, VolumeDiscount, OrderDiscount]:
    """Return the three rules, each of which says why where it doesn't apply."""
    return (
        AgreedDiscount(),
        VolumeDiscount(settings.volume),
        OrderDiscount(settings.order_percent, settings.order_from),
    )


def _agreed_percent(line_id: str, text: str) -> Decimal:
    try:
        fraction = Decimal(text)
    except InvalidOperation:
        fraction = Decimal("NaN")
    if not (fraction.is_finite() and 0 <= fraction <= 1) or fraction != round(fraction, DECIMALS):
        raise ValueError(f"line {line_id}: a discount is 0 to 1, such as 0.15, not {text!r}")
    return fraction * 100


def _off(line: QuoteLine, percent: Decimal, reason: str) -> Adjustment:
    return Adjustment(target=line.line_id, amount=-line.amount.percent(percent), reason=reason)


def _shown(percent: Decimal) -> str:
    text = f"{percent:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
