"""Any lines, any rules, any currency, in any order: the sums are exact."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.pricing import AskedRule, AskedTax, Priced, TaxRounding, compose
from core.domain.replay import replay
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
    Tax,
    TaxInfo,
)
from tests.domain.quotes import a_line, a_quote, a_rule, proposes
from tests.session import tier

EXAMPLES = 250 if tier() == "quick" else 5_000
CURRENCIES = st.sampled_from(["JPY", "EUR", "USD", "KWD"])
GROUPS = [
    Group(name="", mode=Mode.STACK),
    Group(name="best", mode=Mode.BEST),
    Group(name="first", mode=Mode.FIRST, order=1),
    Group(name="only", mode=Mode.EXCLUSIVE, order=-1),
    Group(name="last", mode=Mode.BEST, order=2),
]
ASIDE = {Phase.SHIPPING: "SHIPPING", Phase.FEE: "FEES", Phase.ROUND: "ROUNDING"}


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    currency = draw(CURRENCIES)
    lines = []
    for number in range(draw(st.integers(0, 7))):
        price, quantity = draw(st.integers(0, 50_000)), draw(st.integers(1, 30))
        lines.append(
            QuoteLine(
                line_id=f"l{number}",
                sku=f"sku-{number}",
                quantity=quantity,
                list_price=Money(price, currency),
                amount=Money(price * quantity, currency),
                floor=Money(draw(st.sampled_from([0, 0, -5, 1, 700, 10**6])), currency),
            )
        )
    return a_quote(
        *lines,
        currency=currency,
        shipping=draw(st.integers(0, 2000)),
        prices_include_tax=draw(st.booleans()),
        coupons=frozenset({"C"}),
    )


def fixed(target: str, minor: int, coupon: str | None) -> Any:
    def propose(quote: Quote) -> Sequence[Adjustment] | Skip:
        known = {line.line_id for line in quote.lines} | set(Target)
        if target not in known:
            return Skip(reason="no such line")
        amount = Money(minor, quote.currency)
        return [Adjustment(target=target, amount=amount, reason="fixed", coupon=coupon)]

    return propose


def per_cent(rate: Decimal, whole: bool) -> Any:
    def propose(quote: Quote) -> Sequence[Adjustment]:
        if whole:
            amount = -quote.subtotal.percent(rate)
            return [Adjustment(target=Target.ORDER, amount=amount, reason="whole")]
        return [
            Adjustment(target=line.line_id, amount=-line.amount.percent(rate), reason="each")
            for line in quote.lines
        ]

    return propose


@st.composite
def rules(draw: st.DrawFn) -> list[AskedRule]:
    made = []
    for number in range(draw(st.integers(0, 8))):
        phase = draw(st.sampled_from(list(Phase)))
        minor = draw(st.integers(-60_000, 5_000))
        coupon = draw(st.sampled_from([None, "C"]))
        if phase in ASIDE:
            propose = fixed(ASIDE[phase], minor, coupon)
        elif draw(st.booleans()):
            rate = draw(st.decimals(0, 100, places=2))
            propose = per_cent(rate, phase is Phase.ORDER and draw(st.booleans()))
        else:
            lines = [f"l{n}" for n in range(7)]
            targets = [*lines, "ORDER"] if phase is Phase.ORDER else lines
            propose = fixed(draw(st.sampled_from(targets)), minor, coupon)
        info = RuleInfo(
            key=f"r{number}",
            label=f"Rule {number}",
            phase=phase,
            group=draw(st.sampled_from(GROUPS)),
            priority=draw(st.integers(0, 2)),
        )
        made.append(AskedRule(plugin="p", version="1", info=info, propose=propose))
    return made


@st.composite
def taxes(draw: st.DrawFn) -> list[AskedTax]:
    made = []
    for number in range(draw(st.integers(0, 3))):
        rate = draw(st.decimals(0, 30, places=3))

        def rates(quote: Quote, rate: Decimal = rate, number: int = number) -> Sequence[Tax]:
            targets: list[str] = [line.line_id for line in quote.lines[number:]]
            return [
                Tax(target=target, rate=rate, code=f"T{number}")
                for target in [*targets, "SHIPPING"]
            ]

        info = TaxInfo(key=f"t{number}", label=f"Tax {number}")
        made.append(AskedTax(plugin="p", version="1", info=info, rates=rates))
    return made


ROUNDINGS = st.sampled_from(list(TaxRounding))


def in_all(outcome: Priced) -> int:
    added = 0 if outcome.prices_include_tax else outcome.tax_minor
    aside = outcome.shipping_minor + outcome.fees_minor + outcome.rounding_minor
    return outcome.goods_minor + aside + added


@settings(max_examples=EXAMPLES, deadline=None)
@given(quotes(), rules(), taxes(), ROUNDINGS)
def test_every_sum_is_exact(
    quote: Quote, asked: list[AskedRule], levied: list[AskedTax], rounding: TaxRounding
) -> None:
    outcome = compose(quote=quote, rules=asked, taxes=levied, tax_rounding=rounding)

    start = quote.total.minor
    accepted = sum(step.accepted_minor for step in outcome.steps if step.phase != "TAX")
    tax = sum(step.accepted_minor for step in outcome.steps if step.phase == "TAX")
    added = 0 if quote.prices_include_tax else tax
    assert outcome.total_minor == start + accepted + added
    assert outcome.total_minor == in_all(outcome) == outcome.quote.total.minor
    assert outcome.goods_minor == sum(line.total_minor for line in outcome.lines)
    assert outcome.tax_minor == tax == outcome.quote.tax.minor
    if outcome.steps:
        assert outcome.steps[-1].running_minor == outcome.total_minor


@settings(max_examples=EXAMPLES, deadline=None)
@given(quotes(), rules())
def test_no_line_falls_below_its_floor_and_nothing_but_rounding_below_nothing(
    quote: Quote, asked: list[AskedRule]
) -> None:
    outcome = compose(quote=quote, rules=asked, taxes=[])

    assert outcome.shipping_minor >= 0
    assert outcome.fees_minor >= 0
    for before, after in zip(quote.lines, outcome.quote.lines, strict=True):
        assert after.amount.minor >= min(before.amount.minor, max(before.floor.minor, 0))


@settings(max_examples=EXAMPLES, deadline=None)
@given(quotes(), rules(), taxes(), ROUNDINGS, st.randoms(use_true_random=False))
def test_the_order_of_lines_rules_and_taxes_cant_matter(
    quote: Quote,
    asked: list[AskedRule],
    levied: list[AskedTax],
    rounding: TaxRounding,
    shuffler: random.Random,
) -> None:
    lines = list(quote.lines)
    shuffler.shuffle(lines)
    mixed_rules, mixed_taxes = list(asked), list(levied)
    shuffler.shuffle(mixed_rules)
    shuffler.shuffle(mixed_taxes)
    # A tax that leaves out the first lines would leave out others: give it the lines by name.
    levied = [by_name(tax, quote) for tax in levied]
    mixed_taxes = [by_name(tax, quote) for tax in mixed_taxes]

    one = compose(quote=quote, rules=asked, taxes=levied, tax_rounding=rounding)
    other = compose(
        quote=shuffled(quote, lines), rules=mixed_rules, taxes=mixed_taxes, tax_rounding=rounding
    )

    assert other.total_minor == one.total_minor
    assert {line.line_id: line for line in other.lines} == {
        line.line_id: line for line in one.lines
    }
    assert [line.line_id for line in other.lines] == [line.line_id for line in lines]
    assert [brief(step) for step in other.steps] == [brief(step) for step in one.steps]


def by_name(tax: AskedTax, quote: Quote) -> AskedTax:
    named = tax.rates(quote)
    return AskedTax(plugin=tax.plugin, version=tax.version, info=tax.info, rates=lambda _: named)


def shuffled(quote: Quote, lines: list[QuoteLine]) -> Quote:
    return a_quote(
        *lines,
        currency=quote.currency,
        shipping=quote.shipping.minor,
        prices_include_tax=quote.prices_include_tax,
        coupons=quote.coupons,
    )


def brief(step: Any) -> tuple[Any, ...]:
    return (
        step.phase,
        step.rule,
        step.applied,
        step.proposed_minor,
        step.accepted_minor,
        step.running_minor,
    )


@settings(max_examples=EXAMPLES, deadline=None)
@given(quotes(), st.integers(1, 10**7))
def test_an_order_discount_is_spread_less_than_a_unit_off_unless_a_floor_binds(
    quote: Quote, off: int
) -> None:
    subtotal = quote.subtotal.minor
    rule = AskedRule(
        plugin="p",
        version="1",
        info=RuleInfo(key="off", label="Off", phase=Phase.ORDER),
        propose=fixed("ORDER", -off, None),
    )

    outcome = compose(quote=quote, rules=[rule], taxes=[])

    room = [max(line.amount.minor - max(line.floor.minor, 0), 0) for line in quote.lines]
    assert outcome.goods_minor == subtotal - min(off, sum(room))
    exact = [Decimal(off) * line.amount.minor / max(subtotal, 1) for line in quote.lines]
    if all(share <= most for share, most in zip(exact, room, strict=True)):
        for line, share in zip(outcome.lines, exact, strict=True):
            assert abs(-line.adjustment_minor - share) < 1


@settings(max_examples=EXAMPLES, deadline=None)
@given(quotes(), rules(), taxes(), ROUNDINGS)
def test_a_receipt_alone_is_enough_to_price_the_order_again(
    quote: Quote, asked: list[AskedRule], levied: list[AskedTax], rounding: TaxRounding
) -> None:
    outcome = compose(quote=quote, rules=asked, taxes=levied, tax_rounding=rounding)
    receipt = json.loads(json.dumps(outcome.receipt()))

    again = replay(receipt)

    assert json.loads(json.dumps(again.receipt())) == receipt
    assert again.lines == outcome.lines


def test_a_tampered_proposal_comes_to_another_price() -> None:
    quote = a_quote(a_line("a", 1000))
    outcome = compose(quote=quote, rules=[a_rule("off", proposes({"a": -100}))], taxes=[])
    receipt = outcome.receipt()

    receipt["steps"][0][-1][0][3] = -101

    assert replay(receipt).total_minor == outcome.total_minor - 1
