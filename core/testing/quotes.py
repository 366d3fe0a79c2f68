"""Quotes to ask pricing rules with: plain ones, and what a hostile core makes of one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, Final

from hookspecs import Address, Customer, Money, Quote, QuoteLine

__all__ = ["NOW", "a_line", "a_quote", "hostile_quotes", "in_currency", "shuffled"]

NOW: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_HUGE: Final = 10**15
_ODD: Final = "Ä\u202e'; --\r\nX-Free: yes \N{PILE OF POO}"


def a_line(
    line_id: str,
    price: int,
    quantity: int = 1,
    *,
    currency: str = "EUR",
    floor: int = 0,
    **more: Any,
) -> QuoteLine:
    """Return a line of so many pieces at this price each, in minor units."""
    return QuoteLine(
        line_id=line_id,
        sku=more.pop("sku", f"sku-{line_id}"),
        quantity=quantity,
        list_price=Money(price, currency),
        amount=Money(price * quantity, currency),
        floor=Money(floor, currency),
        **more,
    )


def a_quote(*lines: QuoteLine, currency: str = "EUR", shipping: int = 0, **more: Any) -> Quote:
    """Return a quote of these lines, at a moment that never changes."""
    nothing = Money(0, currency)
    return Quote(
        tenant="default",
        currency=currency,
        now=more.pop("now", NOW),
        lines=lines,
        customer=more.pop("customer", None),
        shipping=Money(shipping, currency),
        fees=more.pop("fees", nothing),
        tax=nothing,
        rounding=more.pop("rounding", nothing),
        **more,
    )


def in_currency(quote: Quote, currency: str) -> Quote:
    """Return the same quote in another currency, minor unit for minor unit."""

    def turned(amount: Money) -> Money:
        return Money(amount.minor, currency)

    lines = (
        replace(
            line,
            list_price=turned(line.list_price),
            amount=turned(line.amount),
            floor=turned(line.floor),
        )
        for line in quote.lines
    )
    return replace(
        quote,
        currency=currency,
        lines=tuple(lines),
        shipping=turned(quote.shipping),
        fees=turned(quote.fees),
        tax=turned(quote.tax),
        rounding=turned(quote.rounding),
    )


def shuffled(quote: Quote, seed: int) -> Quote:
    """Return the same quote with its lines in another order."""
    lines = list(quote.lines)
    random.Random(seed).shuffle(lines)  # noqa: S311 - a test's order
    return replace(quote, lines=tuple(lines))


def hostile_quotes(quote: Quote) -> Iterator[tuple[str, Quote]]:
    """Yield what could be asked instead of a quote, each with a few words on what is odd in it."""
    yield "nothing in it", replace(quote, lines=())
    yield "no decimals", in_currency(quote, "JPY")
    yield "three decimals", in_currency(quote, "KWD")
    yield "everything free", _at_price(quote, 0)
    yield "one cent each", _at_price(quote, 1)
    yield "huge amounts", _at_price(quote, _HUGE)
    yield "nothing may be taken off", _floored(quote)
    yield "every line twice", _doubled(quote)
    yield "hundreds of lines", _many(quote)
    yield "nobody's", replace(quote, customer=None, ship_to=None, coupons=frozenset())
    yield "a stranger's", replace(quote, customer=_STRANGER, ship_to=Address(country=""))
    yield "from far away", replace(quote, ship_to=Address(country="KI", region=_ODD, city=_ODD))
    yield "odd words from the customer", _spoken(quote)
    yield "coupons that nobody issued", replace(quote, coupons=frozenset({_ODD, "", "0"}))
    yield "ways that don't exist", replace(quote, shipping_method=_ODD, payment_strategy=_ODD)
    yield "tax on top", replace(quote, prices_include_tax=False)
    yield "tax inside", replace(quote, prices_include_tax=True)
    yield "another tenant", replace(quote, tenant="somebody-else")
    for moment in _MOMENTS:
        yield f"at {moment.isoformat()}", replace(quote, now=moment)


_STRANGER: Final = Customer(
    ref=_ODD, email="", name=_ODD, locale="tlh", time_zone="Mars/Olympus", groups=frozenset({_ODD})
)
_MOMENTS: Final = (
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 12, tzinfo=UTC),
    datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=14))),
)


def _at_price(quote: Quote, minor: int) -> Quote:
    currency = quote.currency
    lines = (
        replace(
            line,
            list_price=Money(minor, currency),
            amount=Money(minor * line.quantity, currency),
            floor=Money(0, currency),
        )
        for line in quote.lines
    )
    return replace(quote, lines=tuple(lines))


def _floored(quote: Quote) -> Quote:
    return replace(quote, lines=tuple(replace(line, floor=line.amount) for line in quote.lines))


def _doubled(quote: Quote) -> Quote:
    again = (replace(line, line_id=f"{line.line_id}-again") for line in quote.lines)
    return replace(quote, lines=(*quote.lines, *again))


def _many(quote: Quote) -> Quote:
    lines = (
        replace(line, line_id=f"{line.line_id}-{number}", sku=f"{line.sku}-{number}")
        for number in range(300 // max(1, len(quote.lines)))
        for line in quote.lines
    )
    return replace(quote, lines=tuple(lines))


def _spoken(quote: Quote) -> Quote:
    said = MappingProxyType({"engraving": _ODD, _ODD: "x" * 10_000, "": ""})
    lines = (
        replace(line, attributes=said, tax_class=_ODD, categories=frozenset({_ODD, ""}))
        for line in quote.lines
    )
    return replace(quote, lines=tuple(lines))
