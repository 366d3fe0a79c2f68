"""A promotion as a rule: whom and what it is for, and what it takes off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from hookspecs import (
    Adjustment,
    Group,
    Mode,
    Money,
    Phase,
    Quote,
    QuoteLine,
    RuleInfo,
    Skip,
    Target,
)
from pricing_promotions.settings import Promotion, Settings

_PHASES: Final = {
    "percent": Phase.LINE,
    "tiers": Phase.LINE,
    "buy-x-get-y": Phase.LINE,
    "amount": Phase.ORDER,
    "free-shipping": Phase.SHIPPING,
}
_STACK: Final = Group(name="", mode=Mode.STACK)

Off = Iterable[tuple[str, Money, str]]
"""What is taken off: target, amount above zero, reason."""


class PromotionRule:
    """Proposes one promotion; lines with agreed terms stand alone and are never part of it."""

    def __init__(self, promotion: Promotion, /) -> None:
        """Work out once what doesn't depend on the order."""
        best = promotion.best_of
        self.info = RuleInfo(
            key=f"promotion.{promotion.key}",
            label=promotion.label,
            phase=_PHASES[promotion.kind],
            group=Group(name=f"best of {best}", mode=Mode.BEST) if best else _STACK,
            priority=promotion.priority,
        )
        self._promotion = promotion
        self._begins, self._ends = promotion.period
        self._minimum = {amount.currency: amount for amount in promotion.minimum}
        self._amounts = {amount.currency: amount for amount in promotion.amounts}
        self._skus = frozenset(promotion.skus)
        self._categories = frozenset(promotion.categories)
        self._groups = frozenset(promotion.groups)
        self._tiers = promotion.steps

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        """Propose what the promotion takes off, or say why it doesn't apply."""
        why = self._why_not(quote)
        if why:
            return Skip(reason=why)
        lines = [line for line in quote.lines if self._holds(line)]
        if not lines:
            return Skip(reason="nothing in the order is part of it")
        coupon = self._promotion.code or None
        proposals = [
            Adjustment(target=target, amount=-amount, reason=reason, coupon=coupon)
            for target, amount, reason in self._off(quote, lines)
            if amount
        ]
        return proposals or Skip(reason=self._nothing(quote))

    def _why_not(self, quote: Quote) -> str:
        code = self._promotion.code
        if code and code not in quote.coupons:
            return "no code was given"
        early = self._begins is not None and quote.now < self._begins
        if early or (self._ends is not None and quote.now >= self._ends):
            return "not now"
        if self._groups and (
            quote.customer is None or self._groups.isdisjoint(quote.customer.groups)
        ):
            return "not for this customer"
        if not self._minimum:
            return ""
        least, goods = self._minimum.get(quote.currency), quote.subtotal
        if least is None:
            return f"not in {quote.currency}"
        return f"{least - goods} short of {least}" if goods < least else ""

    def _holds(self, line: QuoteLine) -> bool:
        if line.terms or (self._skus and line.sku not in self._skus):
            return False
        return not self._categories or not self._categories.isdisjoint(line.categories)

    def _off(self, quote: Quote, lines: Sequence[QuoteLine]) -> Off:
        match self._promotion.kind:
            case "percent":
                percent = self._promotion.percent
                return _per_cent(((line, percent) for line in lines), f"{_shown(percent)} %")
            case "tiers":
                return self._by_tiers(lines)
            case "buy-x-get-y":
                return _cheapest(lines, self._promotion.buy, self._promotion.free)
            case "amount":
                return self._amount(quote)
        return [(Target.SHIPPING, quote.shipping, "free shipping")]

    def _by_tiers(self, lines: Sequence[QuoteLine]) -> Off:
        pieces: Counter[str] = Counter()
        for line in lines:
            pieces[line.sku] += line.quantity
        for least, percent in self._tiers:
            reached = [line for line in lines if pieces[line.sku] >= least]
            lines = [line for line in lines if pieces[line.sku] < least]
            reason = f"{_shown(percent)} % from {least} pieces"
            yield from _per_cent(((line, percent) for line in reached), reason)

    def _amount(self, quote: Quote) -> Off:
        amount = self._amounts.get(quote.currency)
        return [(Target.ORDER, amount, f"{amount} off")] if amount else []

    def _nothing(self, quote: Quote) -> str:
        if self._promotion.kind == "free-shipping":
            return "shipping costs nothing yet"
        if self._promotion.kind == "amount":
            return f"not in {quote.currency}"
        return "not enough pieces"


def rules_of(settings: Settings, /) -> tuple[PromotionRule, ...]:
    """Return a rule for each promotion."""
    return tuple(PromotionRule(promotion) for promotion in settings.promotions)


def _per_cent(lines: Iterable[tuple[QuoteLine, Decimal]], reason: str) -> Off:
    return [(line.line_id, line.amount.percent(percent), reason) for line, percent in lines]


def _cheapest(lines: Sequence[QuoteLine], buy: int, free: int) -> Off:
    """Of all pieces together the cheapest are free, so many for each full set of buy and free."""
    left = sum(line.quantity for line in lines) // (buy + free) * free
    cheap_first = sorted(
        lines, key=lambda line: (Fraction(line.amount.minor, line.quantity), line.line_id)
    )
    for line in cheap_first:
        pieces = min(left, line.quantity)
        if pieces:
            left -= pieces
            minor = line.amount.minor * pieces // line.quantity
            reason = f"{pieces} of {line.quantity} free"
            yield line.line_id, Money(minor, line.amount.currency), reason


def _shown(percent: Decimal) -> str:
    text = f"{percent:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
