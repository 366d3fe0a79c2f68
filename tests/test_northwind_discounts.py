"""Two years of real orders come to the cent to what they came to."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from core.domain.pricing import AskedRule, Priced, compose
from hookspecs import Adjustment, Money, Quote
from pricing_discounts.plugin import pricing_rules
from pricing_discounts.settings import Settings, Tier
from tests.domain.quotes import a_line, a_quote
from tests.northwind import Northwind, generate, northwind

NONE = Settings()
PLENTY = Settings(
    volume=(Tier(quantity=5, percent=Decimal(50)),),
    order_percent=Decimal(20),
    order_from=(Money(1, "USD"),),
)


def placed(folder: Northwind, settings: Settings) -> Mapping[str, Priced]:
    """Price every order of the folder at the terms it was placed at."""
    rules = [
        AskedRule(plugin="pricing-discounts", version="1", info=rule.info, propose=rule.propose)
        for rule in pricing_rules(settings)  # type: ignore[union-attr]
    ]
    freight = {
        row["order_id"]: Money.parse(row["freight"], "USD").minor
        for row in folder.read("orders.csv")
    }
    rows = sorted(folder.read("order_lines.csv"), key=lambda row: row["order_id"])
    return {
        order_id: compose(quote=quote_of(list(lines), freight[order_id]), rules=rules, taxes=[])
        for order_id, lines in groupby(rows, key=lambda row: row["order_id"])
    }


def quote_of(rows: list[dict[str, str]], freight: int) -> Quote:
    lines = [
        a_line(
            row["product_id"],
            Money.parse(row["unit_price"], "USD").minor,
            int(row["quantity"]),
            currency="USD",
            terms={"unit_price": row["unit_price"], "discount": row["discount"]},
        )
        for row in rows
    ]
    return a_quote(*lines, currency="USD", shipping=freight)


def check(folder: Northwind, settings: Settings) -> None:
    orders = placed(folder, settings)

    assert len(orders) == folder.orders
    assert sum(order.goods_minor for order in orders.values()) == folder.goods_minor
    assert sum(order.shipping_minor for order in orders.values()) == folder.freight_minor
    assert sum(order.total_minor for order in orders.values()) == folder.total_minor
    assert {key: orders[key].goods_minor for key in folder.goods_of} == folder.goods_of
    assert max(orders, key=lambda key: orders[key].goods_minor) == folder.largest
    agreed = [
        adjustment
        for order in orders.values()
        for step in order.steps
        for adjustment in step.proposals
        if isinstance(adjustment, Adjustment)
    ]
    assert len(agreed) == folder.discounted_lines


def test_the_orders_of_the_folder_at_hand_come_to_its_totals() -> None:
    check(northwind(), NONE)


def test_discounts_set_up_today_change_nothing_that_was_agreed() -> None:
    check(northwind(), PLENTY)


def test_the_orders_of_a_generated_folder_come_to_its_totals(tmp_path: Path) -> None:
    check(generate(tmp_path), NONE)
