"""A sheet is written whole or not at all, and says by name which rule was missed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.models import Customer, Product, Stock, StockReceipt
from core.models.catalogue import RELEASE, RESERVE, SHIP
from core.models.ids import new_id, new_number
from core.models.sheet import Condition, RuleViolated, Sheet, violated_rule
from tests.application.shelf import put, stock

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def shop(transactional_db: None) -> Iterator[TenantRef]:
    with acting_for(DEFAULT_TENANT) as ref:
        put("tea", 450, 10, now=NOW)
        put("pot", 2500, 5, now=NOW)
        yield ref


def customer(ref: str, **more: Any) -> dict[str, Any]:
    return {
        "id": new_id(),
        "tenant_id": 1,
        "ref": ref,
        "email": "",
        "name": "Ünïcødé",
        "locale": "en",
        "time_zone": "UTC",
        "groups": ["a", "b"],
        "address": None,
        "created_at": NOW,
        **more,
    }


def units(**by_sku: int) -> list[dict[str, Any]]:
    ids = dict(Product.objects.values_list("sku", "id"))
    return [{"product_id": ids[sku], "reserved": count} for sku, count in by_sku.items()]


def test_rows_are_born_as_the_orm_would_have_stored_them(shop: TenantRef) -> None:
    sheet = Sheet()
    sheet.insert(Customer, customer("c1"), customer("c2", address={"country": "DE"}))

    sheet.write()

    first, second = Customer.objects.order_by("ref")
    assert (first.name, first.groups, first.address, first.created_at) == (
        "Ünïcødé",
        ["a", "b"],
        None,
        NOW,
    )
    assert second.address == {"country": "DE"}


@pytest.mark.parametrize("short", ["tea", "pot"])
def test_a_missed_rule_is_named_and_nothing_is_written(shop: TenantRef, short: str) -> None:
    sheet = Sheet()
    sheet.insert(Customer, customer("c1"))
    sheet.change(RESERVE, *units(**{"tea": 1, "pot": 1, short: 99}))

    with pytest.raises(RuleViolated) as missed:
        sheet.write()

    assert missed.value.rule == "stock_available"
    assert not Customer.objects.exists()
    assert (stock("tea"), stock("pot")) == ((10, 0), (5, 0))


def test_a_named_constraint_arrives_by_its_name(shop: TenantRef) -> None:
    sheet = Sheet()
    sheet.insert(Customer, customer("same"), customer("same"))

    with pytest.raises(RuleViolated) as missed:
        sheet.write()

    assert missed.value.rule == "customer_ref_unique"


def test_a_row_that_is_not_there_is_a_missed_rule(shop: TenantRef) -> None:
    sheet = Sheet()
    sheet.change(RESERVE, {"product_id": new_id(), "reserved": 1})

    with pytest.raises(RuleViolated, match="stock_available"):
        sheet.write()


def test_stock_is_reserved_released_and_shipped(shop: TenantRef) -> None:
    steps = [(RESERVE, 4, (10, 4)), (RELEASE, 1, (10, 3)), (SHIP, 3, (7, 0))]

    for move, count, expected in steps:
        sheet = Sheet()
        sheet.change(move, *units(tea=count))
        sheet.write()
        assert stock("tea") == expected


@pytest.mark.parametrize("move", [RELEASE, SHIP])
def test_what_was_never_reserved_cant_be_taken_back_or_shipped(shop: TenantRef, move: Any) -> None:
    sheet = Sheet()
    sheet.change(move, *units(tea=1))

    with pytest.raises(RuleViolated, match="stock_reserved"):
        sheet.write()


def test_its_columns_by_the_clock_come_from_the_database(shop: TenantRef) -> None:
    row = {
        "id": new_id(),
        "tenant_id": 1,
        "product_id": Product.objects.get(sku="tea").id,
        "quantity": 1,
        "reason": "count",
        "key": "k",
    }
    sheet = Sheet()
    sheet.insert(StockReceipt, row, clock={"received_at": -3600.0})

    sheet.write()

    age = datetime.now(UTC) - StockReceipt.objects.get().received_at
    assert 3590 < age.total_seconds() < 3700


def test_it_refuses_to_be_written_inside_somebody_elses_transaction(shop: TenantRef) -> None:
    sheet = Sheet()
    sheet.insert(Customer, customer("c1"))

    with transaction.atomic(), pytest.raises(RuntimeError, match="transaction of its own"):
        sheet.write()


@pytest.mark.parametrize("known", ["c0", "it's nobody"])
def test_what_else_is_required_holds_in_the_same_statement(shop: TenantRef, known: str) -> None:
    before = Sheet()
    before.insert(Customer, customer("c0"))
    before.write()
    exists = "EXISTS (SELECT 1 FROM orderloom_customer AS c WHERE c.ref = r.ref)"
    sheet = Sheet()
    sheet.require(Condition(sql=exists, rule="customer_known"), {"ref": known})
    sheet.insert(Customer, customer("c1"))

    missed = ""
    try:
        sheet.write()
    except RuleViolated as violated:
        missed = violated.rule

    assert missed == ("" if known == "c0" else "customer_known")
    assert Customer.objects.count() == (2 if known == "c0" else 1)


@pytest.mark.parametrize("rows", [1, 50])
def test_its_statements_depend_on_its_parts_and_never_on_its_rows(
    shop: TenantRef, rows: int
) -> None:
    sheet = Sheet()
    sheet.insert(Customer, *(customer(f"c{n}") for n in range(rows)))
    sheet.change(RESERVE, *units(tea=1))

    with CaptureQueriesContext(connection) as statements:
        sheet.write()

    assert len(statements) == (1 if connection.vendor == "postgresql" else 4)


def test_every_unique_constraint_is_told_apart_by_name(shop: TenantRef) -> None:
    with pytest.raises(IntegrityError) as same_name, transaction.atomic():
        Product(
            tenant_id=1, sku="x", name="The tea", price_minor=1, currency="EUR", created_at=NOW
        ).save(force_insert=True)
    with pytest.raises(IntegrityError) as no_price, transaction.atomic():
        Product(tenant_id=1, sku="x", name="x", price_minor=0, currency="EUR", created_at=NOW).save(
            force_insert=True
        )
    with pytest.raises(IntegrityError) as too_little, transaction.atomic():
        Stock.objects.update(reserved=99)

    assert violated_rule(same_name.value) == "product_name_unique"
    assert violated_rule(no_price.value) == "product_price_positive"
    assert violated_rule(too_little.value) == "stock_reserved_within_on_hand"


def test_order_numbers_are_ten_readable_letters_and_dont_count_up() -> None:
    numbers = {new_number() for _ in range(1000)}

    assert len(numbers) == 1000
    assert all(len(number) == 11 and number[5] == "-" for number in numbers)
    assert not any(set("ILOU") & set(number) for number in numbers)
