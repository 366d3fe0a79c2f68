"""Importing orders as history: stock first, each order once, broken ones named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.apps import apps

from core.application.compose_order import Composition
from core.application.import_orders import OrdersImported
from core.application.place_order import PlaceOrder, place_order
from core.application.row_errors import UnreadableFile
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.domain import errors
from core.domain.lines import Wanted
from core.hooks.registry import Registry
from core.models import Customer, Event, Fact, Order, Payment, Product, Stock, StockReceipt, Tenant
from core.testing.registries import FakePlugin, registry_of
from tests.application.folders import (
    CUSTOMER_COLUMNS,
    LINE_COLUMNS,
    LINES,
    ORDER_COLUMNS,
    ORDERS,
    AgreedDiscount,
    bring_orders,
    bring_products,
    folder,
)
from tests.application.shelf import placed, stock


@pytest.fixture
def products(shop: TenantRef, now: datetime, tmp_path: Path) -> TenantRef:
    """Three products: 39 chai, 21 gnocchi, and sauerkraut that is retired and sold out."""
    bring_products(tmp_path / "products.csv", now=now)
    return shop


@pytest.fixture
def discounting() -> Registry:
    return registry_of(FakePlugin(name="pricing-agreed", rules=(AgreedDiscount(),)))


def counts() -> dict[str, int]:
    return {
        model.__name__: (
            model.objects.across_tenants()
            if hasattr(model.objects, "across_tenants")
            else model.objects.all()
        ).count()
        for model in apps.get_app_config("orderloom").get_models()
    }


def said(done: OrdersImported) -> list[tuple[str, int, str, str]]:
    return [(each.file, each.line, each.code, each.column) for each in done.errors]


def order(order_id: str) -> Order:
    return Order.objects.get(idem_key=f"old-shop:{order_id}")


def test_it_places_every_order_as_paid_elsewhere(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    done = bring_orders(folder(tmp_path), now=now)

    assert (done.rows, done.lines, done.placed, done.refused) == (3, 4, 3, 0)
    row = order("100")
    assert (row.status, row.payment_status, row.stock) == ("PAID", "PAID", "KEPT")
    assert (row.goods_minor, row.shipping_minor, row.total_minor) == (32600, 3238, 35838)
    assert (row.source, row.idem_principal, row.notify) == ("import", "import:old-shop", False)
    assert row.placed_at == datetime(1996, 7, 4, tzinfo=UTC)
    assert [(line.sku, line.unit_price_minor) for line in row.lines.order_by("position")] == [
        ("1", 1440),
        ("3", 3640),
    ]
    payment = Payment.objects.get(order=row)
    assert (payment.strategy_code, payment.status, payment.amount_minor) == (
        "elsewhere",
        "CAPTURED",
        35838,
    )
    assert Fact.objects.get(payment=payment).source == "PERSON"
    kinds = Event.objects.filter(order=row).order_by("seq").values_list("kind", flat=True)
    assert list(kinds) == ["order_placed", "order_paid"]


def test_it_books_in_what_the_orders_take(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    done = bring_orders(folder(tmp_path), now=now)

    assert done.receipts == 3
    assert dict(StockReceipt.objects.values_list("product__sku", "quantity")) == {
        "1": 11,
        "2": 2,
        "3": 5,
    }
    assert (stock("1"), stock("2"), stock("3")) == ((50, 11), (23, 2), (5, 5))


def test_it_registers_customers_once_and_orders_keep_their_names(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    done = bring_orders(folder(tmp_path), now=now)

    assert done.customers == 2
    berglund = Customer.objects.get(ref="BERGS")
    assert berglund.name == "Berglunds snabbköp"
    assert berglund.address["country"] == "SE"
    assert berglund.address["postal_code"] == "S-958 22"
    assert order("101").customer_id == berglund.id
    assert order("101").contact["name"] == "Berglunds snabbköp"


def test_without_a_file_of_customers_they_are_known_by_their_refs(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    guest = (*ORDERS[:3], "102,,1997-01-31,1.10")

    done = bring_orders(folder(tmp_path, orders=guest, customers=None), now=now)

    assert (done.placed, done.customers) == (3, 2)
    assert Customer.objects.get(ref="ALFKI").name == ""
    assert (order("102").customer_id, order("102").contact["ref"]) == (None, "")


def test_it_sums_what_it_imported(products: TenantRef, now: datetime, tmp_path: Path) -> None:
    done = bring_orders(folder(tmp_path), now=now)

    (usd,) = done.totals.values()
    assert (usd.orders, usd.goods.minor, usd.freight.minor) == (3, 32600 + 6080 + 1800, 3348)
    assert (usd.total.minor, usd.other.minor, usd.largest.minor) == (43828, 0, 32600)


def test_a_second_run_changes_nothing(products: TenantRef, now: datetime, tmp_path: Path) -> None:
    first = bring_orders(folder(tmp_path), now=now)
    before = counts(), stock("1")

    again = bring_orders(folder(tmp_path), now=now)

    assert (again.placed, again.already_there, again.refused) == (0, 3, 0)
    assert again.totals == first.totals
    assert (counts(), stock("1")) == before


def test_a_discount_is_agreed_terms(
    products: TenantRef, now: datetime, tmp_path: Path, discounting: Registry
) -> None:
    lines = (LINE_COLUMNS, "100,1,0.30,1,0.05", "101,2,30.40,2,0.250", "102,1,18.00,1,0.0")

    done = bring_orders(folder(tmp_path, lines=lines), now=now, plugins=discounting)

    assert done.refused == 0
    assert [order(i).goods_minor for i in ("100", "101", "102")] == [28, 4560, 1800]
    assert order("101").lines.get().terms == {"unit_price": "30.40", "discount": "0.25"}
    assert order("102").lines.get().terms == {"unit_price": "18.00"}


def test_the_same_line_twice_is_one_line_of_more_units(
    products: TenantRef, now: datetime, tmp_path: Path, discounting: Registry
) -> None:
    lines = (*LINES, "100,2,0.30,1,0.05", "100,2,0.30,1,0.05")

    done = bring_orders(folder(tmp_path, lines=lines), now=now, plugins=discounting)

    assert done.refused == 0
    assert order("100").goods_minor == 32600 + 57
    assert order("100").lines.get(sku="2").quantity == 2


def test_a_discount_that_no_rule_reads_is_refused_rather_than_forgotten(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    lines = (LINE_COLUMNS, "100,1,14.40,10,0.5", *LINES[3:])

    done = bring_orders(folder(tmp_path, lines=lines), now=now)

    assert said(done) == [("orders.csv", 2, "TOTAL_CHANGED", "")]
    assert "The files come to 104.38 USD, the shop's rules to 176.38 USD" in done.errors[0].text
    assert (done.placed, done.refused) == (2, 1)
    assert stock("1") == (40, 1)


BROKEN_LINES = {
    "an unknown product": ("100,77,1.00,1,0", "UNKNOWN_PRODUCT", "product_id"),
    "a negative quantity": ("100,1,1.00,-1,0", "INVALID_QUANTITY", "quantity"),
    "a quantity of zero": ("100,1,1.00,0,0", "INVALID_QUANTITY", "quantity"),
    "half a piece": ("100,1,1.00,0.5,0", "INVALID_QUANTITY", "quantity"),
    "letters for a price": ("100,1,free,1,0", "INVALID_INPUT", "unit_price"),
    "a negative price": ("100,1,-1.00,1,0", "INVALID_INPUT", "unit_price"),
    "too many decimals": ("100,1,1.001,1,0", "INVALID_INPUT", "unit_price"),
    "a discount in per cent": ("100,1,1.00,1,15%", "INVALID_INPUT", "discount"),
    "a discount above 1": ("100,1,1.00,1,1.5", "INVALID_INPUT", "discount"),
    "no discount": ("100,1,1.00,1,", "INVALID_INPUT", "discount"),
    "a missing cell": ("100,1,1.00,1", "MISSING_COLUMN", "discount"),
    "a cell too many": ("100,1,1,00,1,0", "TOO_MANY_COLUMNS", ""),
}


@pytest.mark.parametrize(("line", "code", "column"), BROKEN_LINES.values(), ids=list(BROKEN_LINES))
def test_a_broken_line_leaves_its_order_out_and_no_other(
    products: TenantRef, now: datetime, tmp_path: Path, line: str, code: str, column: str
) -> None:
    done = bring_orders(folder(tmp_path, lines=(*LINES, line)), now=now)

    assert said(done) == [
        ("orders.csv", 2, "BROKEN_LINE", ""),
        ("order_lines.csv", 6, code, column),
    ]
    assert (done.placed, done.refused) == (2, 1)
    assert {row.idem_key for row in Order.objects.all()} == {"old-shop:101", "old-shop:102"}
    assert (stock("1"), stock("3")) == ((40, 1), (0, 0))


BROKEN_ORDERS = {
    "no id": (",ALFKI,1996-07-04,1.00", "INVALID_INPUT", "order_id"),
    "no line": ("103,ALFKI,1996-07-04,1.00", "EMPTY_ORDER", ""),
    "no day": ("103,ALFKI,soon,1.00", "INVALID_INPUT", "ordered_on"),
    "a day to come": ("103,ALFKI,2030-01-01,1.00", "INVALID_INPUT", "ordered_on"),
    "an unknown customer": ("200,NOONE,1996-07-04,1.00", "UNKNOWN_CUSTOMER", "customer_id"),
    "letters for freight": ("200,ALFKI,1996-07-04,much", "INVALID_INPUT", "freight"),
    "negative freight": ("200,ALFKI,1996-07-04,-1.00", "INVALID_INPUT", "freight"),
    "a missing cell": ("200,ALFKI,1996-07-04", "MISSING_COLUMN", "freight"),
    "a cell too many": ("200,ALFKI,1996-07-04,1,00", "TOO_MANY_COLUMNS", ""),
}


@pytest.mark.parametrize(("row", "code", "column"), BROKEN_ORDERS.values(), ids=list(BROKEN_ORDERS))
def test_a_broken_order_is_named_once_and_the_others_go_on(
    products: TenantRef, now: datetime, tmp_path: Path, row: str, code: str, column: str
) -> None:
    lines = (*LINES, "200,2,1.00,1,0") if row.startswith("200") else LINES

    done = bring_orders(folder(tmp_path, orders=(*ORDERS, row), lines=lines), now=now)

    assert said(done) == [("orders.csv", 5, code, column)]
    assert (done.rows, done.placed, done.refused) == (4, 3, 1)


def test_an_id_given_twice_leaves_both_out(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    twice = (*ORDERS, "100,BERGS,1996-08-01,2.00")

    done = bring_orders(folder(tmp_path, orders=twice), now=now)

    assert said(done) == [("orders.csv", 5, "DUPLICATE_ID", "order_id")]
    assert (done.rows, done.placed, done.refused) == (4, 2, 2)


def test_a_line_of_an_unknown_order_is_named(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    done = bring_orders(folder(tmp_path, lines=(*LINES, "999,1,1.00,1,0")), now=now)

    assert said(done) == [("order_lines.csv", 6, "UNKNOWN_ORDER", "order_id")]
    assert (done.placed, done.refused) == (3, 0)


def test_an_order_that_costs_nothing_is_refused(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    lines = (*LINES[:3], "101,2,0.00,2,0", LINES[4])

    done = bring_orders(folder(tmp_path, lines=lines), now=now)

    assert said(done) == [("orders.csv", 3, "TOTAL_NOT_POSITIVE", "")]


def test_a_draft_is_not_sold_even_in_history(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    Product.objects.filter(sku="2").update(status="DRAFT")

    done = bring_orders(folder(tmp_path), now=now)

    assert said(done) == [
        ("orders.csv", 3, "BROKEN_LINE", ""),
        ("order_lines.csv", 4, "PRODUCT_NOT_FOR_SALE", "product_id"),
    ]


def test_an_order_in_two_currencies_is_refused(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    Product.objects.filter(sku="3").update(currency="EUR")

    done = bring_orders(folder(tmp_path), now=now)

    assert said(done) == [
        ("orders.csv", 2, "BROKEN_LINE", ""),
        ("order_lines.csv", 3, "NO_PRICE_IN_CURRENCY", "product_id"),
    ]


def test_each_currency_has_totals_of_its_own(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    Product.objects.filter(sku="2").update(currency="JPY")
    lines = (*LINES[:3], "101,2,3040,2,0", LINES[4])
    orders = (*ORDERS[:2], "101,BERGS,1996-07-05,500", ORDERS[3])

    done = bring_orders(folder(tmp_path, orders=orders, lines=lines), now=now)

    assert {currency: str(each.total) for currency, each in done.totals.items()} == {
        "JPY": "6580 JPY",
        "USD": "377.48 USD",
    }


def test_a_broken_customer_is_named_and_so_is_whoever_needs_it(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    rows = (
        CUSTOMER_COLUMNS,
        "ALFKI,Alfreds,,,,,Elbonia",
        "BERGS,B,,,,,",
        "BERGS,C,,,,,",
        ",D,,,,,",
    )

    done = bring_orders(folder(tmp_path, customers=rows), now=now)

    assert said(done) == [
        ("customers.csv", 2, "INVALID_INPUT", "country"),
        ("customers.csv", 4, "DUPLICATE_ID", "customer_id"),
        ("customers.csv", 5, "INVALID_INPUT", "customer_id"),
        ("orders.csv", 2, "UNKNOWN_CUSTOMER", "customer_id"),
        ("orders.csv", 4, "UNKNOWN_CUSTOMER", "customer_id"),
    ]
    assert (done.placed, Customer.objects.get().address) == (1, None)


def test_all_or_nothing_writes_nothing_for_one_broken_row(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    before = counts()
    lines = (*LINES, "100,77,1.00,1,0")

    done = bring_orders(folder(tmp_path, lines=lines), now=now, all_or_nothing=True)

    assert (done.written, done.placed, done.refused) == (False, 0, 1)
    assert counts() == before


def test_all_or_nothing_writes_everything_otherwise(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    done = bring_orders(folder(tmp_path), now=now, all_or_nothing=True)

    assert (done.written, done.placed) == (True, 3)


def test_a_mended_row_is_imported_later_with_its_stock(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    bring_orders(folder(tmp_path, lines=(*LINES[:4], "102,1,18.00,one,0")), now=now)

    done = bring_orders(folder(tmp_path), now=now)

    assert (done.placed, done.already_there, done.receipts) == (1, 2, 1)
    assert stock("1") == (50, 11)


def test_another_folder_of_the_same_source_brings_its_own_stock(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    bring_orders(folder(tmp_path), now=now)
    later = folder(
        tmp_path / "later",
        orders=(ORDER_COLUMNS, "200,ALFKI,1998-01-01,0"),
        lines=(LINE_COLUMNS, "200,1,18.00,7,0"),
        customers=None,
    )

    done = bring_orders(later, now=now)

    assert (done.placed, done.receipts) == (1, 1)
    assert stock("1") == (39 + 11 + 7, 11 + 7)


def test_another_source_is_another_history(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    bring_orders(folder(tmp_path), now=now)

    done = bring_orders(folder(tmp_path), now=now, source="other")

    assert (done.placed, done.receipts, Order.objects.count()) == (3, 3, 6)


def test_an_order_that_changed_since_is_refused(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    bring_orders(folder(tmp_path), now=now)
    changed = (*LINES[:4], "102,1,18.00,2,0")

    done = bring_orders(folder(tmp_path, lines=changed), now=now)

    assert said(done) == [("orders.csv", 4, "IDEMPOTENCY_KEY_REUSED", "")]
    assert (done.placed, done.already_there, done.receipts) == (0, 2, 0)


def test_stock_on_the_shelf_is_left_to_buyers(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    placed(("1", 39), currency="USD", plugins=registry_of(), now=now)

    done = bring_orders(folder(tmp_path), now=now)

    assert (done.placed, stock("1")) == (3, (50, 50))


def test_it_needs_its_two_files(products: TenantRef, now: datetime, tmp_path: Path) -> None:
    (folder(tmp_path / "half") / "order_lines.csv").unlink()

    with pytest.raises(UnreadableFile) as caught:
        bring_orders(tmp_path / "half", now=now)

    assert (caught.value.error.file, caught.value.error.code) == ("order_lines.csv", "MISSING_FILE")


def test_lines_that_a_quote_swallows_stop_everything(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    before = counts()
    lines = (*LINES[:2], '100,"3,36.40,5,0', *LINES[3:])

    with pytest.raises(UnreadableFile) as caught:
        bring_orders(folder(tmp_path, lines=lines), now=now)

    assert (caught.value.error.code, caught.value.error.line) == ("BROKEN_QUOTES", 3)
    assert counts() == before


@pytest.mark.parametrize("source", ["", "Old Shop", "a:b", "x" * 41, "-a", "ü"])
def test_a_source_has_a_plain_name(
    products: TenantRef, now: datetime, tmp_path: Path, source: str
) -> None:
    with pytest.raises(errors.InvalidInput, match="A source is named"):
        bring_orders(folder(tmp_path), now=now, source=source)


@pytest.fixture
def neighbour(shop: TenantRef) -> Iterator[TenantRef]:
    Tenant(id=7, slug="neighbour").save()
    with acting_for(TenantRef(id=7, slug="neighbour")) as ref:
        yield ref


def test_each_tenant_has_a_history_of_its_own(
    products: TenantRef, neighbour: TenantRef, now: datetime, tmp_path: Path
) -> None:
    with acting_for(DEFAULT_TENANT):
        bring_orders(folder(tmp_path), now=now)
    bring_products(tmp_path / "products.csv", now=now)

    done = bring_orders(folder(tmp_path), now=now)

    assert (done.placed, done.customers, done.receipts) == (3, 2, 3)
    assert stock("1") == (50, 11)


def test_stock_that_somebody_takes_meanwhile_refuses_one_order_by_name(
    products: TenantRef, now: datetime, tmp_path: Path
) -> None:
    Stock.objects.filter(product__sku="1").update(on_hand=0)

    def told(what: str, done: int, _of: int) -> None:
        if what == "orders placed" and done == 1:
            command = PlaceOrder(
                composition=Composition(lines=(Wanted(sku="1", quantity=1),), currency="USD"),
                principal="guest",
                key="faster",
                source="test",
            )
            place_order(command, plugins=registry_of(), now=now)

    done = bring_orders(folder(tmp_path), now=now, progress=told)

    assert said(done) == [("orders.csv", 4, "OUT_OF_STOCK", "")]
    assert (done.placed, done.refused) == (2, 1)
