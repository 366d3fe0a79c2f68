"""Which rates are named where, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.testing.pricing_adapter import Priced, TaxRounding, composed
from core.testing.quotes import a_line, a_quote
from hookspecs import Address, Money, NotConfigured, Quote, Skip, Tax, TaxRule
from pricing_sales_tax.plugin import pricing_rules
from pricing_sales_tax.rules import SalesTax
from pricing_sales_tax.settings import Rate, Settings


def a_rate(country: str, percent: str, code: str = "VAT", **more: Any) -> Rate:
    return Rate(country=country, percent=Decimal(percent), code=code, **more)


GERMANY = (
    a_rate("DE", "19", shipping=True),
    a_rate("DE", "7", tax_class="books"),
    a_rate("DE", "0", category="Stamps"),
)
AMERICA = (
    a_rate("US", "7.25", "State", region="CA"),
    a_rate("US", "1.5", "City", region="CA"),
    a_rate("US", "0", "State", region="CA", category="Produce"),
    a_rate("US", "4", "State", region="NY", shipping=True),
)
BERLIN = Address(country="DE")
LOS_ANGELES = Address(country="US", region="CA")


def named(quote: Quote, *rates: Rate, **home: str) -> list[tuple[str, str, str]] | str:
    answer = SalesTax(Settings(rates=rates, **home)).rates(quote)
    if isinstance(answer, Skip):
        return answer.reason
    return [(str(tax.target), str(tax.rate), tax.code) for tax in answer]


def priced(quote: Quote, *rates: Rate, rounding: TaxRounding = TaxRounding.PER_LINE) -> Priced:
    offered = pricing_rules(Settings(rates=rates))
    return composed(quote, offered, plugin="pricing-sales-tax", tax_rounding=rounding)


def test_hook_pricing_rules() -> None:
    offered: Sequence[Any] = list(pricing_rules(Settings()))  # type: ignore[arg-type]

    assert [rule.info.key for rule in offered] == ["sales-tax"]
    assert isinstance(offered[0], TaxRule)


@pytest.mark.parametrize(
    ("address", "home", "reason"),
    [
        (None, {}, "no rate for an unknown address"),
        (BERLIN, {}, "no rate for DE"),
        (LOS_ANGELES, {}, "no rate for US-CA"),
        (None, {"country": "ch"}, "no rate for CH"),
    ],
)
def test_without_rates_nothing_is_taxed_and_it_says_for_where(
    address: Address | None, home: dict[str, str], reason: str
) -> None:
    assert named(a_quote(a_line("a", 100), ship_to=address), **home) == reason


def test_settings_left_alone_change_no_price() -> None:
    outcome = priced(a_quote(a_line("a", 1999), ship_to=BERLIN, prices_include_tax=False))

    assert (outcome.total_minor, outcome.tax_minor) == (1999, 0)
    assert (outcome.steps[0].applied, outcome.steps[0].reason) == (False, "no rate for DE")


def test_a_line_bears_the_most_specific_rate_of_its_country() -> None:
    quote = a_quote(
        a_line("plain", 100),
        a_line("book", 100, tax_class="books"),
        a_line("stamp", 100, categories=frozenset({"Stamps", "Paper"})),
        ship_to=BERLIN,
    )

    assert named(quote, *GERMANY, *AMERICA) == [
        ("plain", "19", "VAT"),
        ("book", "7", "VAT"),
        ("stamp", "0", "VAT"),
    ]


def test_rates_of_different_codes_add_up_and_a_category_may_be_exempt() -> None:
    quote = a_quote(
        a_line("lamp", 100),
        a_line("kale", 100, categories=frozenset({"Produce"})),
        ship_to=LOS_ANGELES,
    )

    assert named(quote, *GERMANY, *AMERICA) == [
        ("lamp", "7.25", "State"),
        ("lamp", "1.5", "City"),
        ("kale", "0", "State"),
        ("kale", "1.5", "City"),
    ]


def test_a_region_outweighs_a_kind_of_goods() -> None:
    rates = (a_rate("ES", "4", tax_class="books"), a_rate("ES", "0", region="CN"))
    quote = a_quote(
        a_line("book", 100, tax_class="books"), ship_to=Address(country="ES", region="cn")
    )

    assert named(quote, *rates) == [("book", "0", "VAT")]
    assert named(quote, *reversed(rates)) == [("book", "0", "VAT")]


def test_of_equally_specific_rates_the_first_counts() -> None:
    rates = (a_rate("DE", "7", category="Food"), a_rate("DE", "19", category="Drink"))
    quote = a_quote(a_line("soup", 1, categories=frozenset({"Drink", "Food"})), ship_to=BERLIN)

    assert named(quote, *rates) == [("soup", "7", "VAT")]
    assert named(quote, *reversed(rates)) == [("soup", "19", "VAT")]


def test_shipping_and_fees_are_taxed_where_a_rate_says_so_and_they_cost_something() -> None:
    taxed = a_quote(a_line("a", 100), shipping=500, fees=Money(50, "EUR"), ship_to=BERLIN)
    free = a_quote(a_line("a", 100), ship_to=BERLIN)
    elsewhere = a_quote(a_line("a", 100), shipping=500, ship_to=LOS_ANGELES)

    assert named(taxed, *GERMANY)[1:] == [("SHIPPING", "19", "VAT"), ("FEES", "19", "VAT")]
    assert named(free, *GERMANY) == [("a", "19", "VAT")]
    assert "SHIPPING" not in [target for target, _, _ in named(elsewhere, *AMERICA)]


def test_the_shop_s_own_place_counts_until_an_address_is_known() -> None:
    quote = a_quote(a_line("a", 100))

    assert named(quote, *GERMANY, country="de") == [("a", "19", "VAT")]
    assert named(quote, *AMERICA, country="US", region="ny") == [("a", "4", "State")]


def test_goods_that_no_rate_names_are_not_taxed() -> None:
    quote = a_quote(a_line("a", 100), ship_to=BERLIN)

    assert named(quote, a_rate("DE", "7", tax_class="books")) == "no rate for these goods in DE"


@pytest.mark.parametrize(
    ("included", "tax", "total"), [(True, 190 + 65 + 95, 2785), (False, 226 + 70 + 113, 2785 + 409)]
)
def test_it_comes_to_the_cent_with_prices_including_tax_and_without(
    included: bool, tax: int, total: int
) -> None:
    quote = a_quote(
        a_line("lamp", 1190),
        a_line("book", 1000, tax_class="books"),
        shipping=595,
        ship_to=BERLIN,
        prices_include_tax=included,
    )

    outcome = priced(quote, *GERMANY)

    assert (outcome.tax_minor, outcome.total_minor) == (tax, total)
    assert outcome.steps[0].reason == "VAT 19 %; VAT 7 %"


def test_it_can_be_rounded_on_the_sum() -> None:
    lines = [a_line(f"l{n}", 101) for n in range(10)]
    quote = a_quote(*lines, ship_to=BERLIN, prices_include_tax=False)

    assert priced(quote, a_rate("DE", "0.5")).tax_minor == 10
    assert priced(quote, a_rate("DE", "0.5"), rounding=TaxRounding.BY_SUM).tax_minor == 5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rates": (a_rate("Germany", "19"),)}, "two letters such as DE, not 'Germany'"),
        ({"rates": (a_rate("", "19"),)}, "two letters"),
        ({"country": "D1"}, "two letters"),
        ({"rates": (a_rate("DE", "-1"),)}, "expected 0 to 100"),
        ({"rates": (a_rate("DE", "101"),)}, "expected 0 to 100"),
        ({"rates": (a_rate("DE", "NaN"),)}, "expected 0 to 100"),
        ({"rates": (a_rate("DE", "1.1234567"),)}, "more than 6 decimals"),
        ({"rates": (a_rate("DE", "1", " "),)}, "without a code"),
        ({"rates": (a_rate("DE", "19"), a_rate("de", "16"))}, "two for DE VAT"),
    ],
)
def test_settings_that_cant_work_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(NotConfigured, match=said):
        Settings(**wrong)


def test_what_it_names_is_what_the_contract_calls_a_tax() -> None:
    answer = SalesTax(Settings(rates=GERMANY)).rates(a_quote(a_line("a", 1), ship_to=BERLIN))

    assert answer == [Tax(target="a", rate=Decimal(19), code="VAT")]


def test_a_rate_holds_in_its_time_and_the_next_one_after_it() -> None:
    old = a_rate("DE", "16", ends="2026-01-03")
    new = a_rate("DE", "19", begins="2026-01-03")
    today = a_quote(a_line("a", 1000), ship_to=BERLIN)
    tomorrow = replace(today, now=today.now + timedelta(days=1))

    assert named(today, old, new) == [("a", "16", "VAT")]
    assert named(tomorrow, old, new) == [("a", "19", "VAT")]
    assert named(tomorrow, old) == "no rate for DE"


@pytest.mark.parametrize(
    ("rates", "why"),
    [
        ((a_rate("DE", "16", ends="2026-01-04"), a_rate("DE", "19", begins="2026-01-03")), "two"),
        ((a_rate("DE", "16", begins="soon"),), "no day"),
        ((a_rate("DE", "16", begins="2026-01-03", ends="2026-01-03"),), "ends before"),
    ],
)
def test_times_that_make_no_sense_are_not_configured(rates: tuple[Rate, ...], why: str) -> None:
    with pytest.raises(NotConfigured, match=why):
        Settings(rates=rates)
