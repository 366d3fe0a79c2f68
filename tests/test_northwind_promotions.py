"""Two years of real orders, their discounts as promotions instead of terms, to the same cent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import pytest

from core.domain.pricing import AskedRule, Priced, compose
from core.domain.replay import replay
from hookspecs import Money, Quote
from pricing_promotions.plugin import pricing_rules
from pricing_promotions.settings import Promotion, Settings
from tests.domain.quotes import a_line, a_quote
from tests.northwind import Northwind, generate, northwind

Rows = list[dict[str, str]]


def asked(promotions: Iterable[Promotion]) -> list[AskedRule]:
    return [
        AskedRule(plugin="pricing-promotions", version="1", info=rule.info, propose=rule.propose)
        for rule in pricing_rules(Settings(promotions=tuple(promotions)))  # type: ignore[union-attr]
    ]


def off(discount: str, **more: object) -> Promotion:
    percent = Decimal(discount) * 100
    return Promotion(
        key=f"off-{percent.normalize():f}".replace(".", "-"),
        label=f"{percent} % off",
        kind="percent",
        percent=percent,
        **more,  # type: ignore[arg-type]
    )


def code(discount: str) -> str:
    return f"OFF-{Decimal(discount).normalize():f}"


def quote_of(rows: Rows, freight: int, coupons: frozenset[str]) -> Quote:
    """Return the quote of an order without any terms but its freight."""
    lines = [
        a_line(
            row["product_id"],
            Money.parse(row["unit_price"], "USD").minor,
            int(row["quantity"]),
            currency="USD",
            sku=row["product_id"],
        )
        for row in rows
    ]
    return a_quote(*lines, currency="USD", shipping=freight, coupons=coupons)


def discounts(rows: Rows) -> set[str]:
    return {row["discount"] for row in rows if Decimal(row["discount"])}


def placed(folder: Northwind) -> Mapping[str, Priced]:
    """Price every order: by a code where one discount holds for all lines, else by its products."""
    freight = {
        row["order_id"]: Money.parse(row["freight"], "USD").minor
        for row in folder.read("orders.csv")
    }
    rows = sorted(folder.read("order_lines.csv"), key=lambda row: row["order_id"])
    orders = {key: list(lines) for key, lines in groupby(rows, key=lambda row: row["order_id"])}
    rates = sorted({rate for lines in orders.values() for rate in discounts(lines)})
    by_code = asked(off(rate, coupon=code(rate)) for rate in rates)
    priced = {}
    for key, lines in orders.items():
        given = discounts(lines)
        if len(given) == 1 and all(row["discount"] in given for row in lines):
            coupons, rules = frozenset(map(code, given)), by_code
        else:
            coupons, rules = frozenset[str](), asked(_by_product(lines))
        quote = quote_of(lines, freight[key], coupons)
        priced[key] = compose(quote=quote, rules=rules, taxes=[])
    return priced


def _by_product(rows: Rows) -> Iterable[Promotion]:
    for rate in sorted(discounts(rows)):
        skus = tuple(row["product_id"] for row in rows if row["discount"] == rate)
        yield off(rate, skus=skus)


def check(folder: Northwind) -> Mapping[str, Priced]:
    orders = placed(folder)

    assert len(orders) == folder.orders
    assert sum(order.goods_minor for order in orders.values()) == folder.goods_minor
    assert sum(order.total_minor for order in orders.values()) == folder.total_minor
    assert {key: orders[key].goods_minor for key in folder.goods_of} == folder.goods_of
    moved = [line for order in orders.values() for line in order.lines if line.adjustment_minor]
    assert len(moved) <= folder.discounted_lines
    return orders


def test_the_orders_of_the_folder_at_hand_come_to_its_totals() -> None:
    orders = check(northwind())

    by_code = [order for order in orders.values() if order.coupons]
    assert len(by_code) > len(orders) / 10


def test_the_orders_of_a_generated_folder_come_to_its_totals(tmp_path: Path) -> None:
    check(generate(tmp_path))


def test_each_receipt_comes_to_the_same_cent_and_none_that_was_tampered_with() -> None:
    for key, order in placed(northwind()).items():
        receipt = json.loads(json.dumps(order.receipt()))

        again = replay(receipt)

        assert json.loads(json.dumps(again.receipt())) == receipt, key
        applied = [step for step in receipt["steps"] if step[7]]
        for step in applied:
            step[-1][0][3] -= 1
        if applied:
            with pytest.raises(AssertionError):
                assert replay(receipt).total_minor == order.total_minor
