"""A way of shipping as a rule that waits to be chosen, and a fee as a rule that always looks."""

from __future__ import annotations

from collections.abc import Sequence

from hookspecs import (
    SHIPPING_OPTIONS,
    Adjustment,
    Money,
    Phase,
    PricingRule,
    Quote,
    RuleInfo,
    Skip,
    Target,
)
from pricing_shipping.settings import Fee, Option, Settings


class ShippingOption:
    """Proposes its price if it was chosen and goes there; agreed shipping stands alone."""

    def __init__(self, key: str, rows: Sequence[Option], nothing: frozenset[str], /) -> None:
        """Take the rows of one way, of which the first that fits the place counts."""
        self.info = RuleInfo(
            key=key, label=rows[0].label, phase=Phase.SHIPPING, group=SHIPPING_OPTIONS
        )
        self._rows = rows
        self._nothing = nothing

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        """Propose what it costs to send the order this way."""
        if quote.shipping_method != self.info.key:
            return Skip(reason="another way was chosen")
        if quote.shipping:
            return Skip(reason="shipping was agreed")
        if all(not self._nothing.isdisjoint(line.categories) for line in quote.lines):
            return Skip(reason="nothing to send")
        country = quote.ship_to.country.upper() if quote.ship_to else ""
        fitting = (row for row in self._rows if not row.countries or country in row.countries)
        row = next(fitting, None)
        if row is None:
            return Skip(reason="not for this place")
        return _by_row(row, quote, f"to {country}" if country else "as chosen")


def _by_row(row: Option, quote: Quote, reason: str) -> Sequence[Adjustment] | Skip:
    if any(not line.categories.isdisjoint(row.not_for) for line in quote.lines):
        return Skip(reason="not for these goods")
    price = _in(quote.currency, row.prices)
    if price is None:
        return Skip(reason=f"not in {quote.currency}")
    free = _in(quote.currency, row.free_from)
    if free is not None and quote.subtotal >= free:
        price, reason = price * 0, f"free from {free}"
    return [Adjustment(target=Target.SHIPPING, amount=price, reason=reason)]


class FeeRule:
    """Proposes a fee where it is due."""

    def __init__(self, fee: Fee, /) -> None:
        """Take one fee."""
        self.info = RuleInfo(key=f"fee.{fee.key}", label=fee.label, phase=Phase.FEE)
        self._fee = fee

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        """Propose the fee, or say why it isn't due."""
        fee = self._fee
        if any(line.terms for line in quote.lines):
            return Skip(reason="prices were agreed")
        if fee.payments and quote.payment_strategy not in fee.payments:
            return Skip(reason="not for this way to pay")
        least = _in(quote.currency, fee.below)
        if fee.below and (least is None or quote.subtotal >= least):
            return Skip(reason=f"not from {least} on" if least else f"not in {quote.currency}")
        amount = _in(quote.currency, fee.amounts)
        if amount is None:
            return Skip(reason=f"not in {quote.currency}")
        reason = f"below {least}" if least else fee.label
        return [Adjustment(target=Target.FEES, amount=amount, reason=reason)]


def rules_of(settings: Settings, /) -> tuple[PricingRule, ...]:
    """Return a rule for each way of shipping, and one for each fee."""
    rows: dict[str, list[Option]] = {}
    for option in settings.options:
        rows.setdefault(option.key, []).append(option)
    nothing = frozenset(settings.nothing_to_send)
    return (
        *(ShippingOption(key, tuple(own), nothing) for key, own in rows.items()),
        *(FeeRule(fee) for fee in settings.fees),
    )


def _in(currency: str, amounts: Sequence[Money]) -> Money | None:
    return next((amount for amount in amounts if amount.currency == currency), None)
