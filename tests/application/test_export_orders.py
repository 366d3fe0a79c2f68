"""Orders written out from their rows alone, with and without the plugins they were made with."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.application.export_orders import ExportOrders, export_orders
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.models import Tenant
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Customer
from tests.application.shelf import Less, paying, placed


@pytest.fixture
def number(shelf: TenantRef, now: datetime) -> str:
    """Sell two teas and a pot, paid, to somebody with a name that a spreadsheet would run."""
    plugins = registry_of(
        FakePlugin(name="pay-memory", strategies=(MemoryGateway(),)),
        FakePlugin(name="pricing-less", rules=(Less(),)),
    )
    contact = Customer(ref="", email="ada@example.org", name="=cmd|' /C calc'!A0")
    order = placed(("tea", 2), ("pot", 1), plugins=plugins, now=now, contact=contact)
    start_payment(paying(order), plugins=plugins, now=now)
    return order.number


def test_an_order_is_written_with_all_that_belongs_to_it(number: str) -> None:
    (order,) = export_orders(ExportOrders())

    assert (order["number"], order["status"], order["total_minor"]) == (number, "PAID", 3399)
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [("tea", 2), ("pot", 1)]
    (payment,) = order["payments"]
    assert (payment["plugin"], payment["label"], payment["status"]) == (
        "pay-memory",
        "Memory",
        "CAPTURED",
    )
    assert [fact["kind"] for fact in payment["facts"]] == ["CAPTURED"]
    assert [(step["rule"], step["accepted_minor"]) for step in order["receipt"]] == [("less", -1)]
    assert not {"token_hash", "idem_key", "idem_digest"} & order.keys()


def test_many_orders_cost_four_statements_per_batch(
    shelf: TenantRef, now: datetime, number: str
) -> None:
    for _ in range(4):
        placed(("tea", 1), plugins=registry_of(), now=now)

    with CaptureQueriesContext(connection) as asked:
        count = len(list(export_orders(ExportOrders())))

    assert count == 5
    assert len(asked) == 5  # and one that finds no more


def test_a_period_bounds_it(number: str, now: datetime) -> None:
    later = now + timedelta(seconds=1)
    periods = [
        ExportOrders(since=now, until=later),
        ExportOrders(since=later),
        ExportOrders(until=now),
    ]

    seen = [len(list(export_orders(period))) for period in periods]

    assert seen == [1, 0, 0]


def test_the_command_writes_json_lines_once(number: str, tmp_path: Path) -> None:
    out = StringIO()

    call_command("export", "orders", str(tmp_path / "orders.jsonl"), stdout=out)

    lines = (tmp_path / "orders.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["number"] for line in lines] == [number]
    assert out.getvalue() == "1 orders.\n"
    with pytest.raises(CommandError, match="can't be written"):
        call_command("export", "orders", str(tmp_path / "orders.jsonl"))


def test_the_command_writes_tables_without_formulas(number: str, tmp_path: Path) -> None:
    call_command("export", "orders", csv=tmp_path / "out", stdout=StringIO())

    def table(name: str) -> list[dict[str, str]]:
        with (tmp_path / "out" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    (order,) = table("orders")
    assert (order["number"], order["total_minor"], order["email"]) == (
        number,
        "3399",
        "ada@example.org",
    )
    assert order["name"] == "'=cmd|' /C calc'!A0"
    assert [(line["number"], line["sku"]) for line in table("lines")] == [
        (number, "tea"),
        (number, "pot"),
    ]
    assert [(paid["number"], paid["plugin"]) for paid in table("payments")] == [
        (number, "pay-memory")
    ]


def test_another_tenants_orders_stay_where_they_are(number: str, tmp_path: Path) -> None:
    Tenant.objects.create(id=2, slug="other")

    call_command(
        "export", "orders", str(tmp_path / "none.jsonl"), tenant="other", stdout=StringIO()
    )

    assert (tmp_path / "none.jsonl").read_bytes() == b""
