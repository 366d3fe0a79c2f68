"""A stored receipt priced again: its quote, its prepared data and its proposals, composed today."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.domain.pricing import AskedRule, AskedTax, TaxRounding, compose
from core.domain.receipt import FORMAT, TAX_PHASE, Priced, Shadow, Step
from hookspecs import (
    Address,
    Adjustment,
    Customer,
    Group,
    Mode,
    Money,
    Phase,
    Quote,
    QuoteLine,
    RuleInfo,
    Skip,
    Tax,
    TaxInfo,
)

Receipt = Mapping[str, Any]
"""A receipt as it is stored; see `Priced.receipt`."""


Watch = Callable[[Step, Quote], None]
"""Told of each stored step that is asked, and of the quote as it stands then."""


def replay(receipt: Receipt, *, watch: Watch = lambda *_: None) -> Priced:
    """Give the stored quote, prepared data and proposals to today's composer.

    Raises:
        ValueError: it is no receipt that can be read.

    """
    try:
        steps = stored_steps(receipt)
        quote = stored_quote(receipt)
        rules, taxes = _asked(steps, quote.currency, watch)
        rounding, prepared = TaxRounding(receipt["tax_rounding"]), receipt["prepared"]
    except (KeyError, TypeError, IndexError, ArithmeticError) as error:
        raise ValueError(f"no receipt that can be read: {error!r}") from error
    return compose(quote=quote, rules=rules, taxes=taxes, prepared=prepared, tax_rounding=rounding)


def stored_steps(receipt: Receipt) -> list[Step]:
    """Return what became of each rule, its proposals as they are stored.

    Raises:
        ValueError: it is written in another format.

    """
    if receipt["format"] != FORMAT:
        raise ValueError(f"a receipt of format {receipt['format']!r}, expected {FORMAT}")
    return [Step(*row) for row in receipt["steps"]]


def stored_shadow(receipt: Receipt) -> Shadow | None:
    """Return what shadow rules would have done, if there were any."""
    data = receipt.get("shadow")
    return data and Shadow(**data | {"steps": tuple(Step(*row) for row in data["steps"])})


def stored_quote(receipt: Receipt) -> Quote:
    """Return the quote that pricing started from."""
    data = receipt["quote"]
    currency = data["currency"]
    customer, ship_to = data["customer"], data["ship_to"]
    return Quote(
        tenant=data["tenant"],
        currency=currency,
        now=datetime.fromisoformat(data["now"]),
        lines=tuple(_line(row, currency) for row in data["lines"]),
        customer=customer and Customer(**customer | {"groups": frozenset(customer["groups"])}),
        shipping=Money(data["shipping_minor"], currency),
        fees=Money(data["fees_minor"], currency),
        tax=Money(0, currency),
        rounding=Money(data["rounding_minor"], currency),
        shipping_method=data["shipping_method"],
        payment_strategy=data["payment_strategy"],
        coupons=frozenset(data["coupons"]),
        prices_include_tax=data["prices_include_tax"],
        ship_to=ship_to and Address(**ship_to),
    )


def stored_proposals(step: Step, currency: str) -> tuple[Adjustment | Tax, ...]:
    """Return what a stored step proposed."""
    read = _taxes if step.phase == TAX_PHASE else _adjustments
    return tuple(read(step, currency))


def _asked(
    steps: Sequence[Step], currency: str, watch: Watch
) -> tuple[list[AskedRule], list[AskedTax]]:
    rules, taxes = [], []
    first: dict[tuple[str, str], int] = {}
    for place, step in enumerate(steps):
        if step.phase == TAX_PHASE:
            taxes.append(_tax(step, currency, watch))
        else:
            order = first.setdefault((step.phase, step.group), place)
            rules.append(_rule(step, place, order, currency, watch))
    return rules, taxes


def _rule(step: Step, place: int, group_order: int, currency: str, watch: Watch) -> AskedRule:
    """The steps stand in the settled order: their places stand for order and priority."""
    info = RuleInfo(
        key=step.rule,
        label=step.label,
        phase=Phase[step.phase],
        group=Group(name=step.group, mode=Mode(step.mode), order=group_order),
        priority=-place,
    )
    answer = tuple(_adjustments(step, currency)) or Skip(reason=step.reason)

    def propose(quote: Quote) -> tuple[Adjustment, ...] | Skip:
        watch(step, quote)
        return answer

    return AskedRule(plugin=step.plugin, version=step.version, info=info, propose=propose)


def _tax(step: Step, currency: str, watch: Watch) -> AskedTax:
    answer = tuple(_taxes(step, currency)) or Skip(reason=step.reason)
    info = TaxInfo(key=step.rule, label=step.label)

    def rates(quote: Quote) -> tuple[Tax, ...] | Skip:
        watch(step, quote)
        return answer

    return AskedTax(plugin=step.plugin, version=step.version, info=info, rates=rates)


def _adjustments(step: Step, currency: str) -> Iterator[Adjustment]:
    rows: Sequence[Any] = step.proposals
    for reason, coupon, *pairs in rows:
        for target, minor in zip(pairs[::2], pairs[1::2], strict=True):
            amount = Money(minor, currency)
            yield Adjustment(target=target, amount=amount, reason=reason, coupon=coupon)


def _taxes(step: Step, _: str) -> Iterator[Tax]:
    rows: Sequence[Any] = step.proposals
    for code, rate, *targets in rows:
        for target in targets:
            yield Tax(target=target, rate=Decimal(rate), code=code)


def _line(row: Sequence[Any], currency: str) -> QuoteLine:
    line_id, sku, quantity, price, amount, floor, tax_class, categories, attributes, terms = row
    return QuoteLine(
        line_id=line_id,
        sku=sku,
        quantity=quantity,
        list_price=Money(price, currency),
        amount=Money(amount, currency),
        floor=Money(floor, currency),
        tax_class=tax_class,
        attributes=attributes,
        terms=terms,
        categories=frozenset(categories),
    )
