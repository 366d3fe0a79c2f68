"""Prices an order again from its receipt alone: what the receipt must therefore hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.domain.pricing import AskedRule, AskedTax, Priced, TaxRounding, compose
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


def replay(receipt: Mapping[str, Any]) -> Priced:
    """Give the stored quote and proposals to today's composer."""
    currency = receipt["quote"]["currency"]
    steps = receipt["steps"]
    first: dict[tuple[str, str], int] = {}
    for place, step in enumerate(steps):
        first.setdefault((step["phase"], step["group"]), place)
    return compose(
        quote=_quote(receipt["quote"]),
        rules=[
            _rule(step, place, first[step["phase"], step["group"]], currency)
            for place, step in enumerate(steps)
            if step["phase"] != "TAX"
        ],
        taxes=[_tax(step) for step in steps if step["phase"] == "TAX"],
        prepared=receipt["prepared"],
        tax_rounding=TaxRounding(receipt["tax_rounding"]),
    )


def _rule(step: Mapping[str, Any], place: int, group_order: int, currency: str) -> AskedRule:
    """The steps stand in the settled order: their places stand for order and priority."""
    info = RuleInfo(
        key=step["rule"],
        label=step["label"],
        phase=Phase[step["phase"]],
        group=Group(name=step["group"], mode=Mode(step["mode"]), order=group_order),
        priority=-place,
    )
    proposals = [
        Adjustment(target=target, amount=Money(minor, currency), reason=reason, coupon=coupon)
        for target, minor, reason, coupon in step["proposals"]
    ]
    answer = proposals or Skip(reason=step["reason"])
    return AskedRule(
        plugin=step["plugin"], version=step["version"], info=info, propose=lambda _: answer
    )


def _tax(step: Mapping[str, Any]) -> AskedTax:
    taxes = [
        Tax(target=target, rate=Decimal(rate), code=code)
        for target, rate, code in step["proposals"]
    ]
    answer = taxes or Skip(reason=step["reason"])
    info = TaxInfo(key=step["rule"], label=step["label"])
    return AskedTax(
        plugin=step["plugin"], version=step["version"], info=info, rates=lambda _: answer
    )


def _quote(data: Mapping[str, Any]) -> Quote:
    currency = data["currency"]
    customer, ship_to = data["customer"], data["ship_to"]
    return Quote(
        tenant=data["tenant"],
        currency=currency,
        now=datetime.fromisoformat(data["now"]),
        lines=tuple(_line(line, currency) for line in data["lines"]),
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


def _line(data: Mapping[str, Any], currency: str) -> QuoteLine:
    return QuoteLine(
        line_id=data["line_id"],
        sku=data["sku"],
        quantity=data["quantity"],
        list_price=Money(data["list_price_minor"], currency),
        amount=Money(data["amount_minor"], currency),
        floor=Money(data["floor_minor"], currency),
        tax_class=data["tax_class"],
        attributes=data["attributes"],
        terms=data["terms"],
        categories=frozenset(data["categories"]),
    )
