"""The three discounts, alone and composed into a price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest

from core.testing.pricing_adapter import Priced, composed
from core.testing.quotes import a_line, a_quote
from hookspecs import Adjustment, Money, NotConfigured, PricingRule, Quote, QuoteLine, Skip
from pricing_discounts.plugin import pricing_rules
from pricing_discounts.rules import AgreedDiscount, OrderDiscount, VolumeDiscount
from pricing_discounts.settings import Settings, Tier

EUR_100 = Money(10_000, "EUR")


def rules(settings: Settings | None = None) -> list[PricingRule]:
    return list(pricing_rules(settings or Settings()))  # type: ignore[arg-type]


def priced(*lines: QuoteLine, settings: Settings | None = None, currency: str = "EUR") -> Priced:
    quote = a_quote(*lines, currency=currency)
    return composed(quote, rules(settings), plugin="pricing-discounts")


def amounts(answer: Sequence[Adjustment] | Skip) -> Mapping[str, int]:
    assert not isinstance(answer, Skip)
    return {proposal.target: proposal.amount.minor for proposal in answer}


def why_not(answer: Sequence[Adjustment] | Skip) -> str:
    assert isinstance(answer, Skip)
    return answer.reason


def test_hook_pricing_rules() -> None:
    offered = rules()

    assert [rule.info.key for rule in offered] == [
        "agreed-discount",
        "volume-discount",
        "order-discount",
    ]
    assert all(isinstance(rule, PricingRule) for rule in offered)


def test_without_settings_and_terms_nothing_changes_and_each_rule_says_why() -> None:
    outcome = priced(a_line("a", 100_000, 1000))

    assert outcome.total_minor == 100_000_000
    assert [(step.applied, step.reason) for step in outcome.steps] == [
        (False, "no discount was agreed"),
        (False, "no volume discount is set up"),
        (False, "no discount on orders is set up"),
    ]


@pytest.mark.parametrize(
    ("price", "quantity", "fraction", "off"),
    [
        (1000, 1, "0.15", 150),
        (1, 1, "0.5", 1),
        (30, 1, "0.05", 2),
        (29, 1, "0.05", 1),
        (330, 1, "0.15", 50),
        (1680, 15, "0.150000", 3780),
        (1000, 1, "1", 1000),
        (1000, 1, "0.125", 125),
    ],
)
def test_an_agreed_fraction_is_rounded_half_up_once_on_the_whole_line(
    price: int, quantity: int, fraction: str, off: int
) -> None:
    line = a_line("a", price, quantity, terms={"discount": fraction})

    assert amounts(AgreedDiscount().propose(a_quote(line))) == {"a": -off}
    assert priced(line).total_minor == price * quantity - off


def test_an_agreed_discount_says_its_percentage() -> None:
    outcome = priced(a_line("a", 1000, terms={"discount": "0.125"}))

    assert outcome.steps[0].reason == "12.5 % agreed"


@pytest.mark.parametrize("fraction", ["0", "0.0", "0.00"])
def test_an_agreed_discount_of_nothing_is_none(fraction: str) -> None:
    quote = a_quote(a_line("a", 1000, terms={"discount": fraction}))

    assert why_not(AgreedDiscount().propose(quote)) == "no discount was agreed"


@pytest.mark.parametrize(
    "text", ["15%", "", "1.01", "-0.1", "NaN", "sNaN", "Infinity", "1e-9", "1e-99999", "0.1;0.2"]
)
def test_an_agreed_discount_that_is_no_fraction_fails_and_names_its_line(text: str) -> None:
    quote = a_quote(a_line("line-7", 1000, terms={"discount": text}))

    with pytest.raises(ValueError, match="line line-7: a discount is 0 to 1"):
        AgreedDiscount().propose(quote)


VOLUME = Settings(
    volume=(Tier(quantity=100, percent=Decimal("12.5")), Tier(quantity=10, percent=Decimal(5)))
)


@pytest.mark.parametrize(
    ("quantity", "off"), [(1, 0), (9, 0), (10, 500), (99, 4950), (100, 12_500), (1000, 125_000)]
)
def test_volume_takes_the_greatest_tier_reached_off_all_pieces(quantity: int, off: int) -> None:
    outcome = priced(a_line("a", 1000, quantity), settings=VOLUME)

    assert outcome.total_minor == 1000 * quantity - off


def test_volume_counts_the_pieces_of_a_product_over_all_its_lines() -> None:
    quote = a_quote(
        a_line("red", 1000, 6, sku="shirt"),
        a_line("blue", 1000, 4, sku="shirt"),
        a_line("sock", 1000, 9),
    )

    answer = VolumeDiscount(VOLUME.volume).propose(quote)

    assert amounts(answer) == {"red": -300, "blue": -200}


def test_volume_says_what_is_missing_and_leaves_agreed_lines_alone() -> None:
    rule = VolumeDiscount(VOLUME.volume)
    agreed = a_line("a", 1000, 500, terms={"unit_price": "10.00"})

    assert why_not(rule.propose(a_quote(agreed))) == "no product of 10 pieces or more"


LARGE = Settings(order_percent=Decimal("7.5"), order_from=(EUR_100, Money(10_000, "JPY")))


@pytest.mark.parametrize(
    ("price", "currency", "off"),
    [(9_999, "EUR", 0), (10_000, "EUR", 750), (10_007, "EUR", 751), (10_000, "JPY", 750)],
)
def test_a_large_order_begins_at_its_amount(price: int, currency: str, off: int) -> None:
    outcome = priced(a_line("a", price, currency=currency), settings=LARGE, currency=currency)

    assert outcome.total_minor == price - off


def test_a_large_order_is_measured_after_other_discounts() -> None:
    both = Settings(volume=VOLUME.volume, order_percent=Decimal(10), order_from=(EUR_100,))

    outcome = priced(a_line("a", 1000, 10), settings=both)

    assert outcome.total_minor == 9_500
    assert outcome.steps[-1].reason == "5.00 EUR short of 100.00 EUR"


def test_an_order_discount_is_spread_over_the_lines_exactly() -> None:
    lines = [a_line(f"l{n}", 3_333) for n in range(4)]

    outcome = priced(*lines, settings=LARGE)

    assert outcome.total_minor == 13_332 - 1_000
    assert [line.adjustment_minor for line in outcome.lines] == [-250] * 4
    assert outcome.steps[-1].reason == "7.5 % from 100.00 EUR"


@pytest.mark.parametrize(
    ("quote", "reason"),
    [
        (a_quote(a_line("a", 1, currency="USD"), currency="USD"), "no discount on orders in USD"),
        (a_quote(a_line("a", 50_000, terms={"discount": "0"})), "prices were agreed"),
    ],
)
def test_an_order_gets_no_discount_and_is_told_why(quote: Quote, reason: str) -> None:
    rule = OrderDiscount(LARGE.order_percent, LARGE.order_from)

    assert why_not(rule.propose(quote)) == reason


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"volume": (Tier(quantity=0, percent=Decimal(1)),)}, "1 piece or more"),
        ({"volume": (Tier(quantity=1, percent=Decimal(101)),)}, "0 to 100 per cent, not 101"),
        ({"volume": (Tier(quantity=1, percent=Decimal(1)),) * 2}, "same quantity"),
        ({"order_percent": Decimal("NaN"), "order_from": (EUR_100,)}, "not NaN"),
        ({"order_percent": Decimal(-1), "order_from": (EUR_100,)}, "not -1"),
        ({"order_percent": Decimal(1)}, "order_from has no amount"),
        ({"order_from": (EUR_100, EUR_100)}, "one amount per currency"),
        ({"order_from": (Money(-1, "EUR"),)}, "below 0"),
    ],
)
def test_settings_that_cant_work_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(NotConfigured, match=said):
        Settings(**wrong)  # type: ignore[arg-type]


def test_a_whole_per_cent_is_shown_without_a_fraction() -> None:
    outcome = priced(a_line("a", 1000, terms={"discount": "0.10"}))

    assert outcome.steps[0].reason == "10 % agreed"
