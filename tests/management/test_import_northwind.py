"""Real input through the commands: the Northwind folder, to the cent, however often it is broken off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from core.application.replay_receipt import replay_receipt
from core.context import DEFAULT_TENANT, acting_for
from core.models import Customer, Order, OrderLine, Product, Stock, StockReceipt
from core.testing.registries import FakePlugin, registry_of
from tests.application.test_receipts import Off
from tests.house.tree import ROOT
from tests.northwind import Northwind, generate, northwind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant() -> Iterator[None]:
    with acting_for(DEFAULT_TENANT):
        yield


def run(*arguments: object) -> Any:
    out = StringIO()
    call_command(*map(str, arguments), "--json", stdout=out, verbosity=0)
    return json.loads(out.getvalue())


def written() -> dict[str, int]:
    """Count the rows of every table of the shop; what is known of plugins is not of the import."""
    models = apps.get_app_config("orderloom").get_models()
    return {
        model.__name__: getattr(model.objects, "across_tenants", model.objects.all)().count()
        for model in models
        if not model.__name__.startswith("Plugin")
    }


def major(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


def available() -> dict[str, int]:
    rows = Stock.objects.annotate(left=F("on_hand") - F("reserved"))
    return dict(rows.values_list("product__sku", "left"))


def check(one: Northwind) -> None:
    """The shop holds what the files say, each order once, and the shelf what is in stock."""
    assert (Order.objects.count(), OrderLine.objects.count()) == (one.orders, one.lines)
    assert Customer.objects.count() == one.customers
    goods = {row.idem_key: row.goods_minor for row in Order.objects.only("idem_key", "goods_minor")}
    assert sum(goods.values()) == one.goods_minor
    assert {i: goods[f"history:{i}"] for i in one.goods_of} == one.goods_of
    assert available() == {
        row["product_id"]: int(row["units_in_stock"]) for row in one.read("products.csv")
    }
    received = StockReceipt.objects.values_list("quantity", flat=True)
    assert sum(received) == one.units


@pytest.mark.slow
def test_the_whole_folder_comes_to_the_cent_and_a_second_time_to_nothing(tenant: None) -> None:
    one = northwind()

    products = run("import_products", one.folder / "products.csv")
    orders = run("import_orders", one.folder)

    assert (products["created"], products["refused"]) == (one.products, 0)
    assert Product.objects.filter(status="RETIRED").count() == one.discontinued
    assert Product.objects.filter(status="PUBLISHED").count() == one.products - one.discontinued
    assert (orders["placed"], orders["lines"], orders["refused"]) == (one.orders, one.lines, 0)
    assert orders["errors"] == []
    totals = orders["totals"]["USD"]
    assert totals["goods"] == major(one.goods_minor)
    assert totals["freight"] == major(one.freight_minor)
    assert totals["total"] == major(one.total_minor)
    assert totals["largest_minor"] == one.goods_of[one.largest]
    check(one)
    in_all = ("--since", "1990-01-01", "--until", "2000-01-01")
    assert run("report", "sales", *in_all)[-1]["running_minor"] == one.total_minor
    assert sum(row["total_minor"] for row in run("report", "products", *in_all)) == one.goods_minor

    before = written()
    again = run("import_orders", one.folder), run("import_products", one.folder / "products.csv")

    assert (again[0]["placed"], again[0]["already_there"]) == (0, one.orders)
    assert again[0]["totals"] == orders["totals"]
    assert again[1]["unchanged"] == one.products
    assert written() == before


def database_url() -> str:
    """Return the address of the test's own database, for a child process."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    who = ":".join(filter(None, [given["USER"], given["PASSWORD"]]))
    return f"postgres://{who}@{given['HOST']}:{given['PORT'] or 5432}/{given['NAME']}"


def import_until(reached: Callable[[], bool], folder: Path) -> int:
    """Start an import in a process of its own and kill it once something is reached."""
    child = subprocess.Popen(
        [sys.executable, "manage.py", "import_orders", str(folder)],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ends = time.monotonic() + 60
        while not reached() and child.poll() is None and time.monotonic() < ends:
            time.sleep(0.002)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    return child.returncode


MOMENTS: dict[str, Callable[[], bool]] = {
    "customers": lambda: Customer.objects.count() >= 10,
    "stock": lambda: StockReceipt.objects.count() >= 10,
    "orders": lambda: Order.objects.count() >= 40,
}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_half_way_it_goes_on_without_loss_or_duplicates(
    tenant: None, tmp_path: Path, moment: str
) -> None:
    one = generate(tmp_path, orders=160)
    run("import_products", one.folder / "products.csv")

    code = import_until(MOMENTS[moment], one.folder)
    before = Order.objects.count()
    resumed = run("import_orders", one.folder)

    assert code == -signal.SIGKILL
    assert before < one.orders
    assert (resumed["placed"], resumed["already_there"]) == (one.orders - before, before)
    check(one)


def test_people_read_the_sums(tenant: None, tmp_path: Path) -> None:
    one = generate(tmp_path, orders=10)
    call_command("import_products", one.folder / "products.csv", stdout=StringIO(), verbosity=0)
    out = StringIO()

    call_command("import_orders", one.folder, stdout=out, verbosity=0)

    first, *sums = out.getvalue().splitlines()
    assert first == (f"10 orders with {one.lines} lines: 10 placed, 0 already there, 0 refused.")
    assert [line.split() for line in sums] == [
        ["goods", f"{one.goods_minor / 100:,.2f}", "USD"],
        ["freight", f"{one.freight_minor / 100:,.2f}", "USD"],
        ["together", f"{one.total_minor / 100:,.2f}", "USD"],
    ]


def test_progress_is_plain_lines_where_there_is_no_terminal(
    tenant: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = generate(tmp_path, orders=3)

    call_command("import_products", one.folder / "products.csv", stdout=StringIO())
    call_command("import_orders", one.folder, stdout=StringIO())

    told = capsys.readouterr().err.splitlines()
    assert told == ["products: 77 of 77", "orders checked: 3 of 3", "orders placed: 3 of 3"]


@pytest.mark.slow
@pytest.mark.full
def test_each_stored_receipt_replays_to_its_cent_after_rules_have_changed(tenant: None) -> None:
    one = northwind()
    run("import_products", one.folder / "products.csv")
    run("import_orders", one.folder)
    today = registry_of(FakePlugin(name="pricing-discounts", rules=(Off(50),)))

    replayed = [
        replay_receipt(pk, plugins=today) for pk in Order.objects.values_list("pk", flat=True)
    ]

    assert len(replayed) == one.orders
    assert [one.number for one in replayed if not one.agrees] == []
    assert sum(one.replayed_minor or 0 for one in replayed) == one.total_minor
    for order in Order.objects.all():
        changed = [step for step in order.receipt["steps"] if step[-1]]
        for step in changed[:1]:
            step[-1][0][3] -= 1
        order.save(update_fields=["receipt"])
        assert replay_receipt(order.pk, plugins=today).agrees is not bool(changed)
