"""Ways of shipping and fees: chosen, priced, free, and left out."""

from __future__ import annotations

from typing import Any

import pytest

from core.testing.pricing_adapter import composed
from core.testing.quotes import a_line, a_quote
from hookspecs import Address, Money, NotConfigured, PricingRule, Quote, QuoteLine, Target
from pricing_shipping.plugin import pricing_rules
from pricing_shipping.settings import Fee, Option, Settings


def eur(minor: int) -> tuple[Money, ...]:
    return (Money(minor, "EUR"),)


POST = (
    Option(key="post", label="Post", prices=eur(490), countries=("DE",), free_from=eur(5000)),
    Option(key="post", label="Post", prices=eur(1290)),
)
COURIER = Option(
    key="courier", label="Courier", prices=eur(1900), countries=("DE",), not_for=("Large",)
)
ALL = Settings(
    options=(*POST, COURIER),
    fees=(
        Fee(key="little", label="Small order", amounts=eur(200), below=eur(1000)),
        Fee(key="cash", label="Cash", amounts=eur(300), payments=("cash",)),
    ),
    nothing_to_send=("Downloads",),
)
BERLIN, PARIS = Address(country="DE"), Address(country="FR")


def rules(settings: Settings = ALL) -> list[PricingRule]:
    return list(pricing_rules(settings))  # type: ignore[arg-type]


def priced(*lines: QuoteLine, settings: Settings = ALL, **more: Any) -> Any:
    given: dict[str, Any] = {"ship_to": BERLIN} | more
    return composed(a_quote(*(lines or (a_line("a", 2000),)), **given), rules(settings))


def reasons(outcome: Any) -> dict[str, str]:
    return {step.rule: step.reason for step in outcome.steps}


def test_hook_pricing_rules() -> None:
    assert [rule.info.key for rule in rules()] == ["post", "courier", "fee.little", "fee.cash"]
    assert all(isinstance(rule, PricingRule) for rule in rules())
    assert rules(Settings()) == []


@pytest.mark.parametrize(
    ("way", "place", "minor"),
    [("post", BERLIN, 490), ("post", PARIS, 1290), ("post", None, 1290), ("courier", BERLIN, 1900)],
)
def test_it_costs_what_the_place_costs(way: str, place: Address | None, minor: int) -> None:
    assert priced(shipping_method=way, ship_to=place).shipping_minor == minor


def test_it_is_free_from_an_amount_on() -> None:
    outcome = priced(a_line("a", 5000), shipping_method="post")

    assert (outcome.shipping_minor, reasons(outcome)["post"]) == (0, "free from 50.00 EUR")
    assert outcome.steps[1].applied or outcome.steps[0].applied


@pytest.mark.parametrize(
    ("lines", "more", "why"),
    [
        ((), {}, "another way was chosen"),
        ((), {"shipping_method": "courier", "ship_to": PARIS}, "not for this place"),
        ((), {"shipping_method": "courier", "shipping": 100}, "shipping was agreed"),
        (
            (a_line("a", 1, categories=frozenset({"Large"})),),
            {"shipping_method": "courier"},
            "not for these goods",
        ),
        (
            (a_line("a", 1, categories=frozenset({"Downloads"})),),
            {"shipping_method": "courier"},
            "nothing to send",
        ),
        (
            (a_line("a", 1, currency="JPY"),),
            {"shipping_method": "courier", "currency": "JPY"},
            "not in JPY",
        ),
    ],
)
def test_it_says_why_it_does_not_apply(
    lines: tuple[QuoteLine, ...], more: dict[str, Any], why: str
) -> None:
    assert reasons(priced(*lines, **more))["courier"] == why


def test_a_fee_is_for_little_goods_or_a_way_to_pay() -> None:
    little = priced(a_line("a", 999), payment_strategy="card")
    cash = priced(a_line("a", 2000), payment_strategy="cash")
    agreed = priced(a_line("a", 999, terms={"unit_price": "9.99"}), payment_strategy="cash")

    assert little.fees_minor == 200
    assert reasons(little)["fee.cash"] == "not for this way to pay"
    assert cash.fees_minor == 300
    assert reasons(cash)["fee.little"] == "not from 10.00 EUR on"
    assert agreed.fees_minor == 0


def test_a_fee_in_another_currency_is_none() -> None:
    always = Settings(fees=(Fee(key="a", label="A", amounts=eur(1)),))
    yen = a_line("a", 1, currency="JPY")

    assert priced(settings=always).fees_minor == 1
    assert reasons(priced(yen, settings=always, currency="JPY"))["fee.a"] == "not in JPY"
    assert reasons(priced(yen, currency="JPY"))["fee.little"] == "not in JPY"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"options": ({"key": "a b"},)}, "no name"),
        ({"options": ({"label": " "},)}, "customers could read"),
        ({"options": ({"prices": ()},)}, "needs an amount"),
        ({"options": ({"prices": eur(-1)},)}, "below 0"),
        ({"options": ({"prices": eur(1) * 2},)}, "one amount per currency"),
        ({"options": ({"countries": ("Germany",)},)}, "two letters"),
        ({"options": ({}, {"label": "Mail"})}, "one way has one label"),
        ({"fees": ({}, {})}, "two have one name"),
    ],
)
def test_what_makes_no_sense_is_not_configured(settings: dict[str, Any], why: str) -> None:
    option = {"key": "post", "label": "Post", "prices": eur(1)}
    fee = {"key": "fee", "label": "Fee", "amounts": eur(1)}

    with pytest.raises(NotConfigured, match=why):
        Settings(
            options=tuple(Option(**option | more) for more in settings.get("options", ())),
            fees=tuple(Fee(**fee | more) for more in settings.get("fees", ())),
        )


def test_what_it_proposes_is_about_shipping() -> None:
    quote: Quote = a_quote(a_line("a", 1), shipping_method="courier", ship_to=BERLIN)

    (proposal,) = rules()[1].propose(quote)  # type: ignore[misc]

    assert (proposal.target, proposal.reason) == (Target.SHIPPING, "to DE")
