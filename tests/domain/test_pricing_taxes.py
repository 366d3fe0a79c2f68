"""The sum behind a tax rate."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.pricing import AskedTax, TaxRounding, compose
from core.domain.taxes import levied
from hookspecs import Phase, Skip, Tax, TaxInfo
from tests.domain.quotes import a_line, a_quote, a_rule, a_tax, proposes


@pytest.mark.parametrize(
    ("price", "rate", "included", "tax", "total"),
    [
        (1190, "19", True, 190, 1190),
        (1000, "19", False, 190, 1190),
        (999, "19", True, 160, 999),
        (50, "7", False, 4, 54),
        (150, "1", False, 2, 152),
        (149, "1", False, 1, 150),
        (1000, "8.875", False, 89, 1089),
        (1000, "0", False, 0, 1000),
        (0, "19", False, 0, 0),
    ],
)
def test_a_rate_is_taken_out_of_the_price_or_added_to_it(
    price: int, rate: str, included: bool, tax: int, total: int
) -> None:
    quote = a_quote(a_line("a", price), prices_include_tax=included)

    outcome = compose(quote=quote, rules=[], taxes=[a_tax(rate)])

    assert (outcome.tax_minor, outcome.total_minor) == (tax, total)
    assert outcome.lines[0].tax_minor == tax
    assert outcome.lines[0].total_minor == price


def test_tax_is_on_what_the_rules_left_shipping_and_fees_included() -> None:
    quote = a_quote(a_line("a", 1000), shipping=500, prices_include_tax=False)
    rules = [
        a_rule("off", proposes({"a": -500})),
        a_rule("fee", proposes({"FEES": 100}), phase=Phase.FEE),
    ]
    tax = a_tax("10", targets=["a", "SHIPPING", "FEES"])

    outcome = compose(quote=quote, rules=rules, taxes=[tax])

    assert (outcome.tax_minor, outcome.total_minor) == (110, 1210)
    assert outcome.lines[0].tax_minor == 50


def test_two_included_taxes_share_one_denominator() -> None:
    quote = a_quote(a_line("a", 1150))
    taxes = [a_tax("5", key="state", code="STATE"), a_tax("10", key="city", code="CITY")]

    outcome = compose(quote=quote, rules=[], taxes=taxes)

    assert {step.rule: step.accepted_minor for step in outcome.steps} == {"city": 100, "state": 50}


def test_rounding_by_sum_rounds_once_and_gives_the_cents_back_to_the_lines() -> None:
    quote = a_quote(*(a_line(f"l{n}", 149) for n in range(3)), prices_include_tax=False)

    per_line = compose(quote=quote, rules=[], taxes=[a_tax("1")])
    by_sum = compose(quote=quote, rules=[], taxes=[a_tax("1")], tax_rounding=TaxRounding.BY_SUM)

    assert [line.tax_minor for line in per_line.lines] == [1, 1, 1]
    assert [line.tax_minor for line in by_sum.lines] == [2, 1, 1]
    assert by_sum.tax_minor == 4


def test_a_share_of_a_rounded_sum_is_less_than_a_unit_off_its_own_tax() -> None:
    amounts = {
        "a": 244,
        "b": 251,
        "c": 34533,
    }  # 13.0784, 13.4536 and 1850.9688; the sum is 1877.5008
    taxes = [Tax(target=target, rate=Decimal("5.36"), code="T") for target in amounts]

    shares = levied(taxes=taxes, amounts=amounts, included=False, rounding=TaxRounding.BY_SUM)

    assert shares == [13, 14, 1851]  # in proportion to 1878 the last would have been 1852


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.decimals(0, 40, places=3)), min_size=1, max_size=8
    ),
    st.booleans(),
)
def test_rounding_by_sum_is_within_half_a_unit_for_each_code_and_rate(
    rows: list[tuple[int, Decimal]], included: bool
) -> None:
    taxes = [Tax(target=f"l{n}", rate=rate, code="T") for n, (_, rate) in enumerate(rows)]
    amounts = {f"l{n}": amount for n, (amount, _) in enumerate(rows)}

    minors = levied(taxes=taxes, amounts=amounts, included=included, rounding=TaxRounding.BY_SUM)

    for rate in {rate for _, rate in rows}:
        below = 100 + Fraction(rate) if included else Fraction(100)
        exact = sum(amount * Fraction(rate) / below for amount, own in rows if own == rate)
        sum_of_rate = sum(
            minor for minor, (_, own) in zip(minors, rows, strict=True) if own == rate
        )
        assert abs(sum_of_rate - exact) <= Fraction(1, 2)


def test_a_tax_step_says_its_rate_or_why_there_is_none() -> None:
    idle = AskedTax(
        plugin="p",
        version="1",
        info=TaxInfo(key="idle", label="Idle"),
        rates=lambda _: Skip(reason="no rate for CH"),
    )

    outcome = compose(quote=a_quote(a_line("a", 119)), rules=[], taxes=[a_tax("19"), idle])

    assert [(step.rule, step.applied, step.reason) for step in outcome.steps] == [
        ("idle", False, "no rate for CH"),
        ("vat", True, "VAT 19 %"),
    ]
    assert [step.phase for step in outcome.steps] == ["TAX", "TAX"]


def tax(target: object = "a", rate: object = Decimal(19), code: object = "VAT") -> Tax:
    return Tax(target=target, rate=rate, code=code)  # type: ignore[arg-type]


BROKEN_RATES = [
    (None, "answered NoneType"),
    ([19], "proposed int, not a Tax"),
    ([tax(target="ORDER")], "tax is on a line"),
    ([tax(target="ROUNDING")], "tax is on a line"),
    ([tax(target="nobody")], "tax is on a line"),
    ([tax(rate=19)], "a rate is a Decimal, not int"),
    ([tax(rate=0.19)], "a rate is a Decimal, not float"),
    ([tax(rate=Decimal("NaN"))], "0 to 1000 per cent"),
    ([tax(rate=Decimal("Infinity"))], "0 to 1000 per cent"),
    ([tax(rate=Decimal(-1))], "0 to 1000 per cent"),
    ([tax(rate=Decimal(1001))], "0 to 1000 per cent"),
    ([tax(rate=Decimal("1e-900000"))], "at most 9 decimals"),
    ([tax(code=None)], "a code is a text"),
    ([tax(), tax()], "'VAT' stands twice for 'a'"),
    (Skip(reason=3), "skipped with int"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("answer", "wrong"), BROKEN_RATES)
def test_rates_that_break_the_contract_fail_the_quote(answer: object, wrong: str) -> None:
    info = TaxInfo(key="bad", label="Bad")
    rule = AskedTax(plugin="acme", version="1", info=info, rates=lambda _: answer)  # type: ignore[arg-type,return-value]

    with pytest.raises(Exception, match=wrong) as failed:
        compose(quote=a_quote(a_line("a", 1)), rules=[], taxes=[rule])

    assert failed.value.details == {"rule": "bad", "plugin": "acme"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("answer", "wrong"), BROKEN_RATES)
def test_an_optional_tax_that_breaks_the_contract_is_left_out(answer: object, wrong: str) -> None:
    info = TaxInfo(key="bad", label="Bad", optional=True)
    rule = AskedTax(plugin="acme", version="1", info=info, rates=lambda _: answer)  # type: ignore[arg-type,return-value]

    outcome = compose(quote=a_quote(a_line("a", 1)), rules=[], taxes=[rule, a_tax("7")])

    assert wrong in outcome.steps[0].reason
    assert outcome.steps[1].applied


def test_one_code_twice_for_a_target_is_refused_across_rules_too() -> None:
    taxes = [a_tax("19", key="one"), a_tax("7", key="two")]

    with pytest.raises(Exception, match=r"Rule two .*stands twice") as failed:
        compose(quote=a_quote(a_line("a", 1)), rules=[], taxes=taxes)

    assert failed.value.code == "RULE_FAILED"  # type: ignore[attr-defined]
