"""The folder that imports are tried on is what it says it is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from tests.northwind import FILES, Northwind, generate, northwind, which


def minor(text: str) -> int:
    return int(Decimal(text) * 100)


def check(one: Northwind) -> None:
    products, orders = one.read("products.csv"), one.read("orders.csv")
    lines = one.read("order_lines.csv")
    assert (len(products), len(orders), len(lines)) == (one.products, one.orders, one.lines)
    assert len(one.read("customers.csv")) == one.customers
    assert sum(row["discontinued"] == "1" for row in products) == one.discontinued
    assert sum(minor(row["freight"]) for row in orders) == one.freight_minor
    assert sum(int(row["quantity"]) for row in lines) == one.units
    assert sum(Decimal(row["discount"]) > 0 for row in lines) == one.discounted_lines
    before = sum(minor(row["unit_price"]) * int(row["quantity"]) for row in lines)
    assert before == one.goods_before_minor
    assert {row["product_id"] for row in lines} <= {row["product_id"] for row in products}


def test_the_folder_at_hand_holds_what_it_promises() -> None:
    check(northwind())

    assert which().startswith("the real folder" if northwind().real else "a generated folder")


def test_a_generated_folder_holds_what_it_promises_and_is_the_same_for_a_seed(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    one, again = generate(tmp_path / "a"), generate(tmp_path / "b")

    check(one)
    assert one.goods_minor == again.goods_minor
    for name in FILES:
        assert (one.folder / name).read_bytes() == (again.folder / name).read_bytes()
