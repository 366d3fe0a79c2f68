"""How a price is made up, row by row, for whoever pays it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from hookspecs import Money, OrderSnapshot, PricedBasket, ReceiptStep
from storefront import words

__all__ = ["Row", "includes_tax", "rows"]

_OF_GOODS = frozenset({"BASE", "LINE", "ORDER"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a receipt; `change` is written with its sign."""

    label: str
    amount: Money
    note: str = ""
    change: bool = False


def rows(costs: PricedBasket | OrderSnapshot, steps: Sequence[ReceiptStep]) -> list[Row]:
    """Return the rows above the total: goods with what changed their price, then what is added."""
    nothing = Money(0, costs.total.currency)
    goods = sum((line.total for line in costs.lines), nothing)
    found = [*_changes(costs, goods, steps), Row(label=_("Goods"), amount=goods)]
    if costs.shipping:
        found.append(_added(_("Shipping"), costs.shipping, "SHIPPING", steps))
    if costs.fees:
        found.append(_added(_("Fees"), costs.fees, "FEE", steps))
    if costs.tax and not includes_tax(costs):
        found.append(Row(label=_("Tax"), amount=costs.tax))
    if costs.rounding:
        found.append(Row(label=_("Rounding"), amount=costs.rounding, change=True))
    return found


def includes_tax(costs: PricedBasket | OrderSnapshot) -> bool:
    """Say whether the tax is within the prices, or comes on top of them."""
    if isinstance(costs, PricedBasket):
        return costs.prices_include_tax
    goods = sum((line.total for line in costs.lines), Money(0, costs.total.currency))
    return goods + costs.shipping + costs.fees + costs.rounding == costs.total


def _changes(
    costs: PricedBasket | OrderSnapshot, goods: Money, steps: Sequence[ReceiptStep]
) -> list[Row]:
    listed = sum((line.unit_price * line.quantity for line in costs.lines), goods * 0)
    changes = [
        Row(
            label=words.spoken(step.label),
            note=words.spoken(step.reason),
            amount=step.accepted,
            change=True,
        )
        for step in steps
        if step.applied and step.accepted and step.phase in _OF_GOODS
    ]
    # Shown only where the sum is right to the cent: a receipt that doesn't add up explains nothing.
    if not changes or sum((row.amount for row in changes), listed) != goods:
        return []
    return [Row(label=_("Before reductions"), amount=listed), *changes]


def _added(label: str, amount: Money, phase: str, steps: Sequence[ReceiptStep]) -> Row:
    why = [words.spoken(step.label) for step in steps if step.applied and step.phase == phase]
    return Row(label=label, amount=amount, note=", ".join(why))
