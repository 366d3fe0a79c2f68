"""What customers rely on: refunds that add up, nothing below zero, taxes that agree both ways."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.money import units_minor
from core.domain.pricing import AskedRule, AskedTax, TaxRounding, compose
from hookspecs import Phase, Quote, QuoteLine, Tax
from tests.domain.quotes import a_line, a_quote, a_tax
from tests.domain.test_pricing_exact import CURRENCIES, ROUNDINGS, quotes, rules, taxes
from tests.session import tier

EXAMPLES = 150 if tier() == "quick" else 5_000
RATES = st.decimals("0.01", "30", places=2)


@settings(max_examples=EXAMPLES, deadline=None)
@given(quotes(), rules(), taxes(), ROUNDINGS, st.randoms(use_true_random=False))
def test_units_refunded_in_any_order_give_back_exactly_what_was_paid(
    quote: Quote,
    asked: list[AskedRule],
    levied: list[AskedTax],
    rounding: TaxRounding,
    shuffler: random.Random,
) -> None:
    outcome = compose(quote=quote, rules=asked, taxes=levied, tax_rounding=rounding)
    added = not outcome.prices_include_tax
    units = [
        (paid.total_minor + (paid.tax_minor if added else 0), line.quantity, unit)
        for line, paid in zip(quote.lines, outcome.lines, strict=True)
        for unit in range(line.quantity)
    ]
    shuffler.shuffle(units)

    back = [
        units_minor(amount=amount, quantity=quantity, start=unit, stop=unit + 1)
        for amount, quantity, unit in units
    ]

    lines_tax = sum(line.tax_minor for line in outcome.lines) if added else 0
    assert sum(back) == outcome.goods_minor + lines_tax
    assert all(minor >= 0 for minor in back)


@settings(max_examples=EXAMPLES, deadline=None)
@given(quotes(), rules(), taxes(), ROUNDINGS)
def test_no_total_is_below_zero_but_by_rounding(
    quote: Quote, asked: list[AskedRule], levied: list[AskedTax], rounding: TaxRounding
) -> None:
    outcome = compose(quote=quote, rules=asked, taxes=levied, tax_rounding=rounding)

    assert all(line.total_minor >= 0 and line.tax_minor >= 0 for line in outcome.lines)
    assert outcome.total_minor - outcome.rounding_minor >= 0


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8), RATES, CURRENCIES)
def test_a_tax_added_to_a_net_price_is_the_tax_included_in_the_gross_one(
    nets: list[int], rate: Decimal, currency: str
) -> None:
    tax = [a_tax(str(rate))]
    lines = [a_line(str(n), net, currency=currency) for n, net in enumerate(nets)]
    added = compose(
        quote=a_quote(*lines, currency=currency, prices_include_tax=False), rules=[], taxes=tax
    )
    gross = [
        a_line(one.line_id, one.total_minor + one.tax_minor, currency=currency)
        for one in added.lines
    ]

    included = compose(quote=a_quote(*gross, currency=currency), rules=[], taxes=tax)

    assert [one.tax_minor for one in included.lines] == [one.tax_minor for one in added.lines]
    assert included.total_minor == added.total_minor


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=12),
    st.lists(RATES, min_size=1, max_size=3, unique=True),
    st.booleans(),
)
def test_a_tax_by_sum_is_the_rounded_sum_and_no_share_is_off_by_a_unit(
    amounts: list[int], rates: list[Decimal], included: bool
) -> None:
    lines = [a_line(str(n), amount) for n, amount in enumerate(amounts)]
    every = [
        AskedTax(plugin="p", version="1", info=one.info, rates=one.rates) for one in _each(rates)
    ]

    outcome = compose(
        quote=a_quote(*lines, prices_include_tax=included),
        rules=[],
        taxes=every,
        tax_rounding=TaxRounding.BY_SUM,
    )

    divisor = 100 + sum(rates) if included else Decimal(100)
    exact = [sum(amounts) * rate / divisor for rate in rates]
    assert abs(outcome.tax_minor - sum(exact)) <= Decimal(len(rates)) / 2
    for line, amount in zip(outcome.lines, amounts, strict=True):
        own = sum(amount * rate / divisor for rate in rates)
        assert abs(line.tax_minor - own) < len(rates)


def _each(rates: Sequence[Decimal]) -> list[AskedTax]:
    return [a_tax(str(rate), key=f"t{n}", code=f"T{n}") for n, rate in enumerate(rates)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(quotes(), rules(), st.integers(2, 4))
def test_a_line_in_parts_costs_what_it_costs_whole_before_any_rule(
    quote: Quote, asked: list[AskedRule], parts: int
) -> None:
    """Without rules on lines, splitting a line changes no total: only sums count."""
    whole_only = [rule for rule in asked if rule.info.phase in (Phase.SHIPPING, Phase.FEE)]
    split = [part for line in quote.lines for part in _parts(line, parts)]

    one = compose(quote=quote, rules=whole_only, taxes=[])
    other = compose(quote=replace(quote, lines=tuple(split)), rules=whole_only, taxes=[])

    assert one.total_minor == other.total_minor


def _parts(line: QuoteLine, parts: int) -> list[QuoteLine]:
    each, extra = divmod(line.quantity, parts)
    counts = [each + (part < extra) for part in range(parts)]
    made: list[Any] = [
        replace(
            line,
            line_id=f"{line.line_id}-{n}",
            quantity=count,
            amount=line.list_price * count,
            floor=line.floor * 0,
        )
        for n, count in enumerate(counts)
        if count
    ]
    return made


def test_a_tax_of_every_target_is_named_once() -> None:
    quote = a_quote(a_line("a", 1000), shipping=500)

    outcome = compose(quote=quote, rules=[], taxes=[a_tax("10", targets=["a", "SHIPPING"])])

    assert outcome.tax_minor == 91 + 45
    assert isinstance(outcome.steps[0].proposals[0], Tax)
