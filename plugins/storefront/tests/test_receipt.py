"""The rows of a receipt: they add up, or they aren't shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hookspecs import Money, OrderLine, PricedBasket, ReceiptStep
from storefront.receipt import rows
from storefront.templatetags.storefront import moment


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def step(accepted: int, phase: str = "ORDER", *, applied: bool = True) -> ReceiptStep:
    return ReceiptStep(
        phase=phase,
        rule="rule",
        label=f"{phase} rule",
        applied=applied,
        reason="because",
        proposed=eur(accepted),
        accepted=eur(accepted),
        running=eur(0),
    )


def priced(**costs: Any) -> PricedBasket:
    line = OrderLine(
        line_id="1",
        sku="A",
        name="A",
        quantity=2,
        unit_price=eur(1000),
        tax=eur(0),
        total=eur(1800),
    )
    nothing = {name: eur(0) for name in ("shipping", "fees", "tax", "rounding")}
    given = nothing | {"goods": eur(1800), "total": eur(1800), "prices_include_tax": True}
    return PricedBasket(lines=(line,), **given | {"steps": (step(-200),)} | costs)


def said(basket: PricedBasket) -> list[tuple[str, int]]:
    return [(row.label, row.amount.minor) for row in rows(basket, basket.steps)]


def test_it_goes_from_the_list_price_to_the_goods() -> None:
    assert said(priced()) == [("Before reductions", 2000), ("ORDER rule", -200), ("Goods", 1800)]


def test_what_does_not_add_up_is_left_out() -> None:
    basket = priced(steps=(step(-150),))

    assert said(basket) == [("Goods", 1800)]


def test_what_comes_on_top_stands_below_the_goods() -> None:
    basket = priced(
        shipping=eur(490), fees=eur(100), tax=eur(342), rounding=eur(-2), prices_include_tax=False,
        total=eur(2730), steps=(step(490, "SHIPPING"), step(100, "FEE"), step(342, "TAX")),
    )  # fmt: skip

    shown = rows(basket, basket.steps)

    assert said(basket) == [
        ("Goods", 1800),
        ("Shipping", 490),
        ("Fees", 100),
        ("Tax", 342),
        ("Rounding", -2),
    ]
    assert [row.note for row in shown][1:3] == ["SHIPPING rule", "FEE rule"]
    assert sum(row.amount.minor for row in shown) == basket.total.minor


def test_an_included_tax_is_no_row() -> None:
    assert ("Tax", 287) not in said(priced(tax=eur(287)))


@pytest.mark.parametrize("zone", ["Nowhere/Here", "", "../etc"])
def test_a_moment_in_a_zone_that_is_none_is_told_in_utc(zone: str) -> None:
    assert "12:30" in moment(datetime(2026, 3, 1, 12, 30, tzinfo=UTC), zone)
