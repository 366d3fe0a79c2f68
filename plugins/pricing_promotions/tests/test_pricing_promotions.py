"""Each kind of promotion, whom and what it is for, and what it comes to."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.testing.pricing_adapter import composed
from core.testing.quotes import NOW, a_line, a_quote
from hookspecs import Adjustment, Customer, Money, NotConfigured, PricingRule, Quote, QuoteLine
from pricing_promotions.plugin import pricing_rules
from pricing_promotions.settings import Promotion, Settings


def a_promotion(kind: str, key: str = "one", **more: Any) -> Promotion:
    return Promotion(key=key, label=key.title(), kind=kind, **more)  # type: ignore[arg-type]


def rules(*promotions: Promotion) -> list[PricingRule]:
    return list(pricing_rules(Settings(promotions=promotions)))  # type: ignore[arg-type]


def priced(quote: Quote, *promotions: Promotion) -> Any:
    return composed(quote, rules(*promotions))


def off(quote: Quote, *promotions: Promotion) -> dict[str, int]:
    outcome = priced(quote, *promotions)
    moved = {line.line_id: line.adjustment_minor for line in outcome.lines}
    return {line_id: -minor for line_id, minor in moved.items() if minor}


def why_not(quote: Quote, promotion: Promotion) -> str:
    (step,) = priced(quote, promotion).steps
    assert not step.applied
    return step.reason


TEN = {"percent": Decimal(10)}
MUGS = frozenset({"Mugs"})


def a_basket(*lines: QuoteLine, **more: Any) -> Quote:
    return a_quote(*(lines or (a_line("a", 1000, 2), a_line("b", 555))), **more)


def test_hook_pricing_rules() -> None:
    (rule,) = rules(a_promotion("percent", **TEN))

    assert isinstance(rule, PricingRule)
    assert rule.info.key == "promotion.one"
    assert rules() == []


def test_a_percentage_is_rounded_half_up_once_per_line() -> None:
    assert off(a_basket(), a_promotion("percent", **TEN)) == {"a": 200, "b": 56}


def test_it_may_be_for_some_products_or_categories_only() -> None:
    basket = a_basket(a_line("a", 1000), a_line("b", 1000, categories=MUGS), a_line("c", 1000))

    assert off(basket, a_promotion("percent", skus=("sku-a",), **TEN)) == {"a": 100}
    assert off(basket, a_promotion("percent", categories=("Mugs",), **TEN)) == {"b": 100}
    nothing = a_promotion("percent", categories=("Hats",), **TEN)
    assert why_not(basket, nothing) == "nothing in the order is part of it"


def test_an_amount_is_spread_over_the_order_and_stops_at_nothing() -> None:
    lot = a_promotion("amount", amounts=(Money(10_000, "EUR"), Money(1, "JPY")))

    assert off(a_basket(), a_promotion("amount", amounts=(Money(100, "EUR"),))) == {
        "a": 78,
        "b": 22,
    }
    assert priced(a_basket(), lot).total_minor == 0
    assert why_not(a_quote(a_line("a", 1, currency="USD"), currency="USD"), lot) == "not in USD"


@pytest.mark.parametrize(
    ("quantities", "free"),
    [
        ((2, 0), {}),
        ((3, 0), {"a": 1000}),
        ((2, 1), {"b": 300}),
        ((2, 4), {"b": 600}),
        ((7, 0), {"a": 2000}),
    ],
)
def test_of_three_pieces_the_cheapest_is_free(
    quantities: tuple[int, int], free: dict[str, int]
) -> None:
    lines = [a_line("a", 1000, quantities[0])]
    lines += [a_line("b", 300, quantities[1])] if quantities[1] else []

    found = off(a_basket(*lines), a_promotion("buy-x-get-y", buy=2, free=1))
    turned = off(a_basket(*reversed(lines)), a_promotion("buy-x-get-y", buy=2, free=1))

    assert found == turned == free


def test_tiers_count_the_pieces_of_a_product_over_all_its_lines() -> None:
    tiers = a_promotion("tiers", tiers=("5:5", "10:12.5"))
    lines = (
        a_line("a", 1000, 6, sku="mug"),
        a_line("b", 1000, 4, sku="mug"),
        a_line("c", 1000, 5),
        a_line("d", 1000, 4),
    )

    assert off(a_basket(*lines), tiers) == {"a": 750, "b": 500, "c": 250}
    assert why_not(a_basket(), tiers) == "not enough pieces"


def test_shipping_is_free_from_an_amount_on() -> None:
    free = a_promotion("free-shipping", minimum=(Money(2000, "EUR"),))

    assert priced(a_basket(shipping=490), free).shipping_minor == 0
    small = a_basket(a_line("a", 1500), shipping=490)
    assert why_not(small, free) == "5.00 EUR short of 20.00 EUR"
    assert why_not(a_basket(), free) == "shipping costs nothing yet"


def test_a_code_has_to_be_given_and_is_used_up_if_it_applies() -> None:
    spring = a_promotion("percent", coupon=" spring ", **TEN)

    given = priced(a_basket(coupons=frozenset({"SPRING"})), spring)

    assert given.coupons == ("SPRING",)
    assert why_not(a_basket(), spring) == "no code was given"
    hats = a_promotion("percent", coupon="spring", categories=("Hats",), **TEN)
    assert priced(a_basket(coupons=frozenset({"SPRING"})), hats).coupons == ()


@pytest.mark.parametrize(
    ("begins", "ends", "holds"),
    [(0, 1, True), (1, 2, False), (-2, 0, False), (-2, -1, False), (-1, 1, True)],
)
def test_it_has_its_time(begins: int, ends: int, holds: bool) -> None:
    days = [f"{NOW + timedelta(days=days):%Y-%m-%d}" for days in (begins, ends)]

    found = off(a_basket(), a_promotion("percent", begins=days[0], ends=days[1], **TEN))

    assert bool(found) is holds


def test_it_may_be_for_some_customers_only() -> None:
    members = a_promotion("percent", groups=("members",), **TEN)
    member = Customer(ref="kim", groups=frozenset({"members"}))

    assert off(a_basket(customer=member), members)
    assert why_not(a_basket(), members) == "not for this customer"
    assert why_not(a_basket(customer=Customer(ref="ann")), members) == "not for this customer"


def test_of_those_that_compete_the_best_counts() -> None:
    little = a_promotion("percent", key="little", best_of="sale", **TEN)
    much = a_promotion("percent", key="much", best_of="sale", percent=Decimal(30))

    outcome = priced(a_basket(), little, much)

    assert {step.rule: step.applied for step in outcome.steps} == {
        "promotion.little": False,
        "promotion.much": True,
    }


def test_they_stack_otherwise_by_priority() -> None:
    first = a_promotion("percent", key="z", priority=5, percent=Decimal(50))

    outcome = priced(a_basket(a_line("a", 1000)), a_promotion("percent", key="a", **TEN), first)

    assert [step.accepted_minor for step in outcome.steps] == [-500, -50]


def test_a_line_with_terms_stands_alone() -> None:
    agreed = a_line("a", 1000, terms={"discount": "0.05"})

    assert off(a_basket(agreed, a_line("b", 1000)), a_promotion("percent", **TEN)) == {"b": 100}


def test_it_asks_for_goods_in_the_currency_of_the_order() -> None:
    euros = a_promotion("percent", minimum=(Money(1, "EUR"),), **TEN)

    yen = a_quote(a_line("a", 1000, currency="JPY"), currency="JPY")

    assert why_not(yen, euros) == "not in JPY"


@pytest.mark.parametrize(
    ("kind", "more", "why"),
    [
        ("percent", {}, "needs a percentage"),
        ("percent", {"percent": Decimal(101)}, "needs a percentage"),
        ("percent", {"percent": Decimal("NaN")}, "needs a percentage"),
        ("amount", {}, "needs an amount"),
        ("amount", {"amounts": (Money(-1, "EUR"),)}, "below 0"),
        ("amount", {"amounts": (Money(1, "EUR"), Money(2, "EUR"))}, "two amounts"),
        ("buy-x-get-y", {"buy": 1}, "pieces for free"),
        ("tiers", {}, "needs tiers"),
        ("tiers", {"tiers": ("0:5",)}, "expected one such as 10:5"),
        ("tiers", {"tiers": ("ten",)}, "expected one such as 10:5"),
        ("percent", {"label": " ", **TEN}, "customers could read"),
        ("percent", {"key": "a b", **TEN}, "no name"),
        ("percent", {"begins": "soon", **TEN}, "for a day"),
        ("percent", {"begins": "2026-01-02", "ends": "2026-01-02", **TEN}, "ends before"),
    ],
)
def test_what_makes_no_sense_is_not_configured(kind: str, more: dict[str, Any], why: str) -> None:
    given = {"key": "one", "label": "One", "kind": kind} | more

    with pytest.raises(NotConfigured, match=why):
        Promotion(**given)


def test_one_name_is_one_promotion() -> None:
    with pytest.raises(NotConfigured, match="two are called one"):
        Settings(promotions=(a_promotion("percent", **TEN), a_promotion("percent", **TEN)))


def test_what_is_proposed_names_its_reason() -> None:
    (rule,) = rules(a_promotion("percent", percent=Decimal("12.50")))

    (proposal,) = rule.propose(a_basket(a_line("a", 1000)))  # type: ignore[misc]

    assert proposal == Adjustment(target="a", amount=Money(-125, "EUR"), reason="12.5 %")
