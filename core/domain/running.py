"""The amounts of a quote while rules change them: what a proposal comes to, floors included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from core.domain.money import spread
from hookspecs import Adjustment, Money, Quote, QuoteLine, Target

_BOTTOMLESS: Final = -(10**30)
ASIDE: Final = (Target.SHIPPING, Target.FEES, Target.ROUNDING)


@dataclass(frozen=True, slots=True)
class Change:
    """A proposal in trial: sums per target as proposed and accepted, and the amounts it moves."""

    proposed: Mapping[str, int]
    accepted: Mapping[str, int]
    moves: Mapping[str, int]

    @property
    def proposed_minor(self) -> int:
        """The sum of what was proposed, signed, in minor units."""
        return sum(self.proposed.values())

    @property
    def accepted_minor(self) -> int:
        """The sum of what would come of it, signed, in minor units."""
        return sum(self.accepted.values())

    def applies(self, adjustment: Adjustment, /) -> bool:
        """Say whether anything comes of one of the proposal's adjustments."""
        return not adjustment.amount.minor or self.accepted[adjustment.target] != 0


class Running:
    """A quote under way: integers by line id and target, and the `Quote` that shows them."""

    __slots__ = ("_changed", "_least", "_quote", "amounts", "line_ids", "tax", "total")

    def __init__(self, quote: Quote, /) -> None:
        """Begin with the amounts of `quote`.

        Raises:
            ValueError: a line id twice or like a target, or an amount in another currency.

        """
        currency = quote.currency
        amounts: dict[str, int] = {}
        least: dict[str, int] = {Target.SHIPPING: 0, Target.FEES: 0, Target.ROUNDING: _BOTTOMLESS}
        for line in quote.lines:
            if line.amount.currency != currency or line.floor.currency != currency:
                raise ValueError(f"line {line.line_id} isn't in {currency}")
            amounts[line.line_id] = line.amount.minor
            least[line.line_id] = max(line.floor.minor, 0)
        self.line_ids = tuple(amounts)
        if len(amounts) != len(quote.lines) or not amounts.keys().isdisjoint(Target):
            raise ValueError("line ids are unique, and no line is named like a target")
        for target, money in zip(ASIDE, (quote.shipping, quote.fees, quote.rounding), strict=True):
            if money.currency != currency:
                raise ValueError(f"{target} isn't in {currency}")
            amounts[target] = money.minor
        self.amounts = amounts
        self.tax = 0
        self.total = sum(amounts.values())
        self._least = least
        self._changed: set[str] = set()
        self._quote = quote if not quote.tax else replace(quote, tax=Money(0, currency))

    @property
    def quote(self) -> Quote:
        """The quote as it stands; built anew only if something changed since the last look."""
        if self._changed:
            self._quote = self._rebuilt(self._quote, self._changed)
            self._changed = set()
        return self._quote

    def trial(self, adjustments: Sequence[Adjustment], /) -> Change:
        """Say what would come of a proposal: lines first, then ORDER over what they leave."""
        proposed: dict[str, int] = {}
        for adjustment in adjustments:
            target = adjustment.target
            proposed[target] = proposed.get(target, 0) + adjustment.amount.minor
        amounts, least = self.amounts, self._least
        accepted = {
            # Less stops at the least that may be left, but nothing is ever put up to it.
            target: minor if minor >= 0 else max(minor, min(0, least[target] - amounts[target]))
            for target, minor in proposed.items()
            if target != Target.ORDER
        }
        if Target.ORDER not in proposed:
            return Change(proposed, accepted, accepted)
        shares = self._shares(proposed[Target.ORDER], accepted)
        moves = {key: accepted.get(key, 0) + share for key, share in shares.items()}
        accepted[Target.ORDER] = sum(shares.values())
        return Change(proposed, accepted, moves)

    def accept(self, change: Change, /) -> None:
        """Make a trial come true."""
        for key, minor in change.moves.items():
            if minor:
                self.amounts[key] += minor
                self.total += minor
                self._changed.add(key)

    def levy(self, tax: int, /) -> None:
        """Set the tax, in minor units; where prices exclude it, it joins the total."""
        if not self._quote.prices_include_tax:
            self.total += tax - self.tax
        if tax != self.tax:
            self.tax = tax
            self._changed.add("tax")

    def _shares(self, minor: int, accepted: Mapping[str, int]) -> dict[str, int]:
        left = {key: self.amounts[key] + accepted.get(key, 0) for key in self.line_ids}
        weights = {key: max(amount, 0) for key, amount in left.items()}
        if minor >= 0:
            return spread(amount=minor, weights=weights)
        caps = {key: max(amount - self._least[key], 0) for key, amount in left.items()}
        shares = spread(amount=-minor, weights=weights, caps=caps)
        return {key: -share for key, share in shares.items()}

    def _rebuilt(self, quote: Quote, changed: set[str]) -> Quote:
        currency, amounts = quote.currency, self.amounts
        if changed.isdisjoint(self.line_ids):
            lines = quote.lines
        else:
            lines = tuple(
                _with_amount(line, Money(amounts[line.line_id], currency))
                if line.line_id in changed
                else line
                for line in quote.lines
            )
        return replace(
            quote,
            lines=lines,
            shipping=Money(amounts[Target.SHIPPING], currency),
            fees=Money(amounts[Target.FEES], currency),
            rounding=Money(amounts[Target.ROUNDING], currency),
            tax=Money(self.tax, currency),
        )


# A frozen dataclass is made field by field through `object.__setattr__`, which takes six times as
# long as putting values into the slots: it counts, once per line and rule.
_SLOTS: Final[dict[str, Any]] = {
    name: getattr(QuoteLine, name).__set__ for name in QuoteLine.__slots__
}
_line_id, _sku, _quantity, _list_price, _amount, _floor, *_rest = _SLOTS.values()
_tax_class, _attributes, _terms, _categories = _rest


def _with_amount(line: QuoteLine, amount: Money) -> QuoteLine:
    copy = object.__new__(QuoteLine)
    _line_id(copy, line.line_id)
    _sku(copy, line.sku)
    _quantity(copy, line.quantity)
    _list_price(copy, line.list_price)
    _amount(copy, amount)
    _floor(copy, line.floor)
    _tax_class(copy, line.tax_class)
    _attributes(copy, line.attributes)
    _terms(copy, line.terms)
    _categories(copy, line.categories)
    return copy
