"""Importing products: what becomes of new, changed, unchanged and broken rows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from core.application import import_products as module
from core.application.retire_product import retire_product
from core.application.row_errors import UnreadableFile
from core.context import TenantRef
from core.models import Event, Product
from tests.application.folders import PRODUCT_COLUMNS, PRODUCTS, bring_products
from tests.application.shelf import put, stock


def codes(errors: object) -> list[tuple[int, str, str]]:
    return [(error.line, error.code, error.column) for error in errors]  # type: ignore[attr-defined]


def test_it_publishes_what_is_sold_and_retires_what_is_discontinued(
    shop: TenantRef, now: datetime, tmp_path: Path
) -> None:
    done = bring_products(tmp_path / "products.csv", now=now)

    assert (done.rows, done.created, done.refused) == (3, 3, 0)
    chai = Product.objects.get(sku="1")
    assert (chai.name, chai.price_minor, chai.currency) == ("Chai", 1800, "USD")
    assert (chai.status, chai.published_at) == ("PUBLISHED", now)
    assert chai.categories == ["Beverages"]
    assert chai.attributes == {"quantity_per_unit": "10 boxes"}
    assert stock("1") == (39, 0)
    kraut = Product.objects.get(sku="3")
    assert (kraut.name, kraut.status, kraut.published_at) == ("Rössle Sauerkraut", "RETIRED", None)


def test_it_announces_a_batch_once(shop: TenantRef, now: datetime, tmp_path: Path) -> None:
    bring_products(tmp_path / "products.csv", now=now)

    event = Event.objects.get(kind="product_changed")
    assert event.data == {"skus": ["1", "2", "3"]}


def test_a_second_run_changes_nothing(shop: TenantRef, now: datetime, tmp_path: Path) -> None:
    bring_products(tmp_path / "products.csv", now=now)

    again = bring_products(tmp_path / "products.csv", now=now)

    assert (again.created, again.changed, again.unchanged) == (0, [], 3)
    assert Event.objects.count() == 1


def test_it_brings_changed_products_up_to_date_and_leaves_stock_alone(
    shop: TenantRef, now: datetime, tmp_path: Path
) -> None:
    bring_products(tmp_path / "products.csv", now=now)
    changed = "1,Chai Masala,Beverages,10 boxes,19.50,USD,7,1"

    done = bring_products(tmp_path / "products.csv", PRODUCT_COLUMNS, changed, now=now)

    assert [(each.sku, each.fields) for each in done.changed] == [
        ("1", ("name", "price_minor", "status"))
    ]
    chai = Product.objects.get(sku="1")
    assert (chai.name, chai.price_minor, chai.status) == ("Chai Masala", 1950, "RETIRED")
    assert stock("1") == (39, 0)


def test_it_publishes_a_draft_and_keeps_what_the_file_does_not_speak_of(
    shop: TenantRef, now: datetime, tmp_path: Path
) -> None:
    put("1", 1800, 4, now=now, publish=False, currency="USD")
    Product.objects.filter(sku="1").update(description="Hot", attributes={"origin": "Assam"})

    bring_products(tmp_path / "products.csv", now=now)

    chai = Product.objects.get(sku="1")
    assert (chai.status, chai.published_at, chai.description) == ("PUBLISHED", now, "Hot")
    assert chai.attributes == {"origin": "Assam", "quantity_per_unit": "10 boxes"}


def test_it_reads_the_optional_columns_in_any_order(
    shop: TenantRef, now: datetime, tmp_path: Path
) -> None:
    header = f"tax_class,description,{PRODUCT_COLUMNS},picture"
    row = 'food,"Leaves, dried",1,Chai,,,18.00,USD,39,0,https://shop.example/1.svg'

    bring_products(tmp_path / "products.csv", header, row, now=now)

    chai = Product.objects.get(sku="1")
    assert (chai.description, chai.tax_class) == ("Leaves, dried", "food")
    assert chai.picture == "https://shop.example/1.svg"
    assert (chai.categories, chai.attributes) == ([], {})


BROKEN = {
    "no sku": (",Chai,B,10,18.00,USD,1,0", "INVALID_INPUT", "product_id"),
    "no name": ("1,,B,10,18.00,USD,1,0", "INVALID_INPUT", "name"),
    "a name too long": (f"1,{'x' * 201},B,10,18.00,USD,1,0", "INVALID_INPUT", "name"),
    "letters for a price": ("1,Chai,B,10,cheap,USD,1,0", "INVALID_INPUT", "unit_price"),
    "a negative price": ("1,Chai,B,10,-1.00,USD,1,0", "INVALID_INPUT", "unit_price"),
    "no price": ("1,Chai,B,10,,USD,1,0", "INVALID_INPUT", "unit_price"),
    "a price in exponents": ("1,Chai,B,10,1e3,USD,1,0", "INVALID_INPUT", "unit_price"),
    "too many decimals": ("1,Chai,B,10,18.001,USD,1,0", "INVALID_INPUT", "unit_price"),
    "a price of nothing": ("1,Chai,B,10,0.00,USD,1,0", "PRICE_NOT_POSITIVE", "unit_price"),
    "no currency": ("1,Chai,B,10,18.00,dollar,1,0", "INVALID_INPUT", "currency"),
    "a negative stock": ("1,Chai,B,10,18.00,USD,-1,0", "INVALID_INPUT", "units_in_stock"),
    "half a piece": ("1,Chai,B,10,18.00,USD,0.5,0", "INVALID_INPUT", "units_in_stock"),
    "perhaps discontinued": ("1,Chai,B,10,18.00,USD,1,maybe", "INVALID_INPUT", "discontinued"),
    "a missing cell": ("1,Chai,B,10,18.00,USD,1", "MISSING_COLUMN", "discontinued"),
    "a cell too many": ("1,Chai,B,10,18,00,USD,1,0", "TOO_MANY_COLUMNS", ""),
    "a control character": ("1,Ch\x07ai,B,10,18.00,USD,1,0", "INVALID_INPUT", "name"),
    "a sku given twice": ("2,Another,B,10,18.00,USD,1,0", "DUPLICATE_ID", "product_id"),
    "a name given twice": ("9,Gnocchi,B,10,18.00,USD,1,0", "NAME_TAKEN", "name"),
    "a name in use": ("9,The taken,B,10,18.00,USD,1,0", "NAME_TAKEN", "name"),
    "a retired product published": (
        "old,The old,B,10,18.00,USD,1,0",
        "WRONG_STATE",
        "discontinued",
    ),
}


@pytest.mark.parametrize(("row", "code", "column"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_row_is_named_and_the_others_go_on(
    shop: TenantRef, now: datetime, tmp_path: Path, row: str, code: str, column: str
) -> None:
    put("taken", 100, 1, now=now)
    put("old", 100, 1, now=now)
    retire_product(sku="old", now=now)
    others = ("2,Gnocchi,Grains,24,38.00,USD,21,0", "4,Konbu,Seafood,2 kg,6.00,USD,24,0")

    done = bring_products(
        tmp_path / "products.csv", PRODUCT_COLUMNS, others[0], row, others[1], now=now
    )

    assert codes(done.errors) == [(3, code, column)]
    assert done.errors[0].file == "products.csv"
    assert (done.created, done.refused) == (2, 1)
    assert set(Product.objects.values_list("sku", flat=True)) == {"2", "4", "taken", "old"}


def test_all_or_nothing_writes_nothing_for_one_broken_row(
    shop: TenantRef, now: datetime, tmp_path: Path
) -> None:
    broken = "9,Chang,Beverages,24 bottles,cheap,USD,17,0"

    done = bring_products(
        tmp_path / "products.csv", *PRODUCTS, broken, now=now, all_or_nothing=True
    )

    assert (done.written, codes(done.errors)) == (False, [(5, "INVALID_INPUT", "unit_price")])
    assert not Product.objects.exists()
    assert not Event.objects.exists()


def test_all_or_nothing_writes_everything_otherwise(
    shop: TenantRef, now: datetime, tmp_path: Path
) -> None:
    done = bring_products(tmp_path / "products.csv", now=now, all_or_nothing=True)

    assert (done.written, done.created) == (True, 3)
    assert Product.objects.count() == 3


def test_a_dry_run_says_what_would_be_and_writes_nothing(
    shop: TenantRef, now: datetime, tmp_path: Path
) -> None:
    done = bring_products(tmp_path / "products.csv", now=now, dry_run=True)

    assert (done.written, done.created) == (False, 3)
    assert not Product.objects.exists()


def test_it_reads_more_products_than_fit_into_a_batch(
    shop: TenantRef, now: datetime, tmp_path: Path
) -> None:
    rows = [f"{n},Product {n},C,1,1.00,EUR,1,0" for n in range(module.BATCH * 2 + 1)]

    done = bring_products(tmp_path / "products.csv", PRODUCT_COLUMNS, *rows, now=now)

    assert (done.created, done.refused) == (module.BATCH * 2 + 1, 0)
    assert Event.objects.count() == 3


def test_it_refuses_a_name_of_an_earlier_batch(
    shop: TenantRef, now: datetime, tmp_path: Path
) -> None:
    rows = [f"{n},Product {n},C,1,1.00,EUR,1,0" for n in range(module.BATCH)]
    rows.append("again,Product 3,C,1,1.00,EUR,1,0")

    done = bring_products(tmp_path / "p.csv", PRODUCT_COLUMNS, *rows, now=now, dry_run=True)

    assert codes(done.errors) == [(module.BATCH + 2, "NAME_TAKEN", "name")]


def test_a_file_without_its_columns_is_not_read(
    shop: TenantRef, now: datetime, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableFile) as caught:
        bring_products(tmp_path / "products.csv", "product_id,name", "1,Chai", now=now)

    assert (caught.value.error.code, caught.value.error.column) == ("MISSING_COLUMN", "category")
