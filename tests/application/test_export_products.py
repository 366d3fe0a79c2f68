"""Export and import again: nothing changes, in either form, whatever a product holds."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core.application.change_product import ChangeProduct, change_product
from core.application.create_family import create_family
from core.application.create_product import CreateProduct, create_product
from core.application.export_products import NAMES
from core.application.import_products import ImportProducts, import_products
from core.application.products_imported import ProductsImported
from core.application.publish_product import publish_product
from core.application.retire_product import retire_product
from core.application.set_prices import SetPrices, set_prices
from core.context import TenantRef
from core.domain.prices import ListedPrice
from core.models import Category, Event, Family, Price, Product, Stock
from hookspecs import Money


@pytest.fixture
def odd(shop: TenantRef, now: datetime) -> None:
    """Put products on the shelf that hold whatever a product may hold."""
    create_family(name='T-shirt; "best"', options=("Colour", "Size"))
    shown: dict[str, dict[str, Any]] = {
        "1": {"price": Money(1999, "EUR"), "description": 'Two\nlines, "quoted"\t; = 1 '},
        "2": {
            "price": Money(5, "JPY"),
            "categories": ("Drinks > Tea > Green", "Gifts"),
            "attributes": {"quantity_per_unit": "10 boxes", "origin": "Uji"},
            "tax_class": "food",
            "picture": "<svg xmlns='x'>\n<g/></svg>",
        },
        "3": {
            "price": Money(12345, "KWD"),
            "family": 'T-shirt; "best"',
            "attributes": {"Colour": "red", "Size": "L", "quantity_per_unit": " odd"},
            "on_hand": 7,
        },
        "4": {"price": Money(1, "EUR")},
        "5": {},
        "6": {"price": Money(1, "EUR"), "categories": ("Tea",)},
    }
    for sku, more in shown.items():
        create_product(CreateProduct(sku=sku, name=f"Ünïcode {sku} '", **more), now=now)
        if sku in "123":
            publish_product(sku=sku, now=now)
    retire_product(sku="4", now=now)
    day = timedelta(days=1, microseconds=1)
    prices = (
        ListedPrice(currency="USD", minor=100),
        ListedPrice(currency="EUR", minor=90, from_quantity=10, valid_until=now),
        ListedPrice(currency="EUR", minor=80, from_quantity=10, valid_from=now + day),
    )
    set_prices(SetPrices(sku="2", prices=prices), now=now)


def everything() -> dict[str, Any]:
    """Return what is known of products but for ids and times of our own."""
    products = Product.objects.order_by("sku").values(
        *("sku", "name", "description", "picture", "status", "variant", "price_minor", "currency"),
        *("tax_class", "categories", "attributes", "family__name", "family__options"),
    )
    prices = Price.objects.order_by("product__sku", "currency", "minor").values(
        *("product__sku", "currency", "minor", "from_quantity", "valid_from", "valid_until")
    )
    return {
        "products": [
            {k: v.strip() if isinstance(v, str) else v for k, v in row.items()} for row in products
        ],
        "prices": list(prices),
        "stock": list(Stock.objects.order_by("product__sku").values("on_hand", "opening")),
        "tree": Category.objects.tree().above,
    }


def bring(path: Path, now: datetime, **how: Any) -> ProductsImported:
    return import_products(ImportProducts(path=path, **how), now=now, progress=lambda *_: None)


def export(path: Path) -> Path:
    call_command("export_products", path, verbosity=0, stdout=StringIO())
    return path


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_what_was_exported_changes_nothing_where_it_came_from(
    now: datetime, tmp_path: Path, ending: str
) -> None:
    before, events = everything(), Event.objects.count()

    done = bring(export(tmp_path / f"all.{ending}"), now)

    assert (done.errors, done.changed) == ([], [])
    assert (done.rows, done.unchanged) == (6, 6)
    assert (everything(), Event.objects.count()) == (before, events)


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_an_empty_shop_becomes_the_same(now: datetime, tmp_path: Path, ending: str) -> None:
    before, path = everything(), export(tmp_path / f"all.{ending}")
    for model in (Price, Stock, Product, Family):
        model.objects.all().delete()
    Category.objects.update(parent=None)
    Category.objects.all().delete()

    looked = bring(path, now, dry_run=True)
    nothing = everything()["products"], Family.objects.count(), Category.objects.count()
    done = bring(path, now)

    assert (looked.created, looked.errors, nothing) == (6, [], ([], 0, 0))
    assert (done.created, done.errors) == (6, [])
    assert everything() == before


@pytest.mark.usefixtures("odd")
def test_each_change_of_a_file_is_named(now: datetime, tmp_path: Path) -> None:
    path = export(tmp_path / "all.jsonl")
    change = ChangeProduct(sku="2", fields={"categories": ("Gifts",), "attributes": {"a": "b"}})
    change_product(change, now=now)
    set_prices(SetPrices(sku="2", prices=()), now=now)

    done = bring(path, now)

    assert [(one.sku, one.fields) for one in done.changed] == [
        ("2", ("categories", "attributes", "prices"))
    ]
    assert Price.objects.count() == 3


@pytest.mark.usefixtures("odd")
def test_the_screen_gets_a_table_or_lines(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("export_products", "-")
    table = capsys.readouterr().out
    call_command("export_products", "-", json=True)
    lines = capsys.readouterr().out

    assert table.startswith(",".join(NAMES) + "\n1,")
    assert [line[:17] for line in lines.splitlines()[:2]] == [
        '{"product_id":"1"',
        '{"product_id":"2"',
    ]


ROW = {
    "product_id": "1",
    "name": "Chai",
    "category": "Drinks",
    "quantity_per_unit": "",
    "unit_price": 18.5,
    "currency": "EUR",
    "units_in_stock": 3,
    "discontinued": False,
}
BROKEN: dict[str, tuple[Any, str, str]] = {
    "no JSON": ("{", "BROKEN_JSON", ""),
    "no object": ("[1]", "BROKEN_JSON", ""),
    "no text": (b'{"name": "\xff"}', "BROKEN_JSON", ""),
    "a column too many": ({"colour": "red"}, "UNKNOWN_COLUMN", ""),
    "a price in words": ({"unit_price": "cheap"}, "INVALID_INPUT", "unit_price"),
    "no price": ({"unit_price": ""}, "INVALID_INPUT", "unit_price"),
    "a price that can't be": ({"unit_price": 1e300}, "INVALID_INPUT", "unit_price"),
    "a status that is none": ({"status": "SOLD"}, "INVALID_INPUT", "status"),
    "attributes that are no texts": ({"attributes": {"a": 1}}, "INVALID_INPUT", "attributes"),
    "attributes in a list": ({"attributes": [{"a": "b"}]}, "INVALID_INPUT", "attributes"),
    "prices without a currency": ({"prices": [{"minor": 1}]}, "INVALID_INPUT", "prices"),
    "prices in fractions": (
        {"prices": [{"minor": 1.5, "currency": "EUR"}]},
        "INVALID_INPUT",
        "prices",
    ),
    "prices that overlap": (
        {"prices": [{"minor": 1, "currency": "USD"}, {"minor": 2, "currency": "USD"}]},
        "PRICES_OVERLAP",
        "",
    ),
    "a price for nothing": (
        {"prices": [{"minor": 0, "currency": "USD"}]},
        "PRICE_NOT_POSITIVE",
        "prices",
    ),
    "a category that lies elsewhere": ({"category": "Food > Tea"}, "INVALID_INPUT", "category"),
    "a category without a name": ({"category": "Food > "}, "INVALID_INPUT", "category"),
    "a family without options": ({"family": "New"}, "INVALID_INPUT", ""),
    "a variant without its values": (
        {"family": "New", "options": "Size"},
        "NOT_PUBLISHABLE",
        "",
    ),
}


@pytest.mark.parametrize(("said", "code", "column"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_line_is_named_and_the_others_go_on(
    shop: TenantRef, now: datetime, tmp_path: Path, said: Any, code: str, column: str
) -> None:
    lines = [
        ROW | {"category": "Drinks > Tea"},
        said if isinstance(said, str | bytes) else ROW | {"product_id": "2", "name": "B"} | said,
        ROW | {"product_id": "3", "name": "Chang"},
    ]
    path = write_lines(tmp_path / "p.jsonl", lines)

    looked = bring(path, now, dry_run=True)
    done = bring(path, now)

    for outcome in (looked, done):
        assert [(one.line, one.code, one.column) for one in outcome.errors] == [(2, code, column)]
    assert list(Product.objects.order_by("sku").values_list("sku", flat=True)) == ["1", "3"]


def write_lines(path: Path, lines: list[Any]) -> Path:
    raw = [
        one
        if isinstance(one, bytes)
        else one.encode()
        if isinstance(one, str)
        else json.dumps(one).encode()
        for one in lines
    ]
    path.write_bytes(b"\n".join(raw) + b"\n")
    return path


def test_a_sku_of_an_earlier_lot_is_refused(shop: TenantRef, now: datetime, tmp_path: Path) -> None:
    lines = [ROW | {"product_id": str(n % 1500), "name": f"P {n}"} for n in range(1600)]
    path = write_lines(tmp_path / "p.jsonl", lines)

    looked, done = bring(path, now, dry_run=True), bring(path, now)

    for outcome in (looked, done):
        assert (outcome.created, outcome.refused) == (1500, 100)
        assert {one.code for one in outcome.errors} == {"DUPLICATE_ID"}
    assert done.errors[0].text == "The product 0 is in line 1 already."


def test_of_many_errors_the_first_are_told_and_all_are_counted(
    shop: TenantRef, now: datetime, tmp_path: Path
) -> None:
    lines = [ROW | {"product_id": str(n), "name": ""} for n in range(1200)]

    done = bring(write_lines(tmp_path / "p.jsonl", lines), now)

    assert (done.refused, len(done.errors)) == (1200, 1000)
