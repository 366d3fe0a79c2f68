"""What was tampered with is named, and what is well is said to be well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.fulfil_order import fulfil_order
from core.context import DEFAULT_TENANT, acting_for
from core.models import Event, Order, OrderLine, Stock
from core.testing.registries import registry_of
from tests.application.shelf import placed, put, stock

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOBODY = registry_of()


@pytest.fixture
def shop(transactional_db: None) -> Iterator[None]:
    """A shop in which something of everything has happened."""
    with acting_for(DEFAULT_TENANT):
        put("tea", 450, 20, now=NOW)
        put("pot", 2500, 5, now=NOW)
        call_command("correct_stock", "tea", counted=18, reason="two got wet", stdout=StringIO())
        call_command("correct_stock", "pot", received=2, reason="a delivery", stdout=StringIO())
        placed(("tea", 4), ("pot", 1), plugins=NOBODY, now=NOW)
        shipped = placed(("tea", 3), plugins=NOBODY, now=NOW, collected_elsewhere="till")
        fulfil_order(shipped.order_id, now=NOW)
        gone = placed(("pot", 2), plugins=NOBODY, now=NOW)
        cancel_order(CancelOrder(order_id=gone.order_id), plugins=NOBODY, now=NOW)
        yield


def run(name: str) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    try:
        call_command(name, json=True, stdout=out, verbosity=0)
    except SystemExit as ended:
        return int(str(ended.code)), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


@pytest.mark.usefixtures("shop")
def test_counters_that_agree_are_said_to() -> None:
    code, told = run("verify_stock")

    assert (stock("tea"), stock("pot")) == ((15, 4), (7, 1))
    assert (code, told) == (0, {"products": 2, "differences": []})


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("tamper", "differs"),
    [
        (lambda: Stock.objects.update(reserved=F("reserved") + 1), ["pot", "tea"]),
        (lambda: Stock.objects.filter(product__sku="tea").update(on_hand=99), ["tea"]),
        (
            lambda: OrderLine.objects.filter(quantity=4).update(quantity=5, total_minor=2250),
            ["tea"],
        ),
        (lambda: Order.objects.filter(stock="RELEASED").update(stock="HELD"), ["pot"]),
    ],
)
def test_counters_that_were_tampered_with_are_named(tamper: Any, differs: list[str]) -> None:
    tamper()

    code, told = run("verify_stock")

    assert (code, [one["sku"] for one in told["differences"]]) == (1, differs)


@pytest.mark.usefixtures("shop")
def test_people_read_what_differs() -> None:
    Stock.objects.filter(product__sku="tea").update(on_hand=99)
    out = StringIO()

    with pytest.raises(SystemExit):
        call_command("verify_stock", stdout=out)

    assert out.getvalue().splitlines() == [
        "tea: 4 reserved where orders hold 4; 99 on hand where receipts and orders leave 15",
        "2 products: 1 differ.",
    ]


@pytest.mark.usefixtures("shop")
def test_a_correction_is_booked_once_per_key() -> None:
    out = StringIO()
    for _ in range(2):
        call_command("correct_stock", "pot", received=1, reason="found", key="k", stdout=out)

    assert stock("pot") == (8, 1)
    assert out.getvalue().splitlines() == [
        "pot: +1 units.",
        "pot: +1 units. That was booked before.",
    ]
    with pytest.raises(CommandError, match="OUT_OF_STOCK"):
        call_command("correct_stock", "tea", counted=3, reason="stolen")


@pytest.mark.usefixtures("shop")
def test_journals_that_hold_are_said_to() -> None:
    code, told = run("verify_log")

    assert (code, told["orders"], told["broken"], told["found"]) == (0, 3, 0, [])
    assert told["entries"] == Event.objects.filter(order__isnull=False).count()


def _last(**changes: Any) -> None:
    last = Event.objects.filter(kind="order_fulfilled").get()
    Event.objects.filter(pk=last.pk).update(**changes)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (lambda: _last(data={"reason": "another"}), "HASH"),
        (lambda: _last(kind="order_cancelled"), "HASH"),
        (lambda: _last(at=NOW.replace(microsecond=1)), "HASH"),
        (lambda: _last(previous_hash="0" * 64), "LINK"),
        (lambda: _last(seq=7), "GAP"),
        (lambda: Event.objects.filter(kind="order_fulfilled").delete(), "GAP"),
        (lambda: Order.objects.filter(status="FULFILLED").update(log_seq=1), "HEAD"),
        (lambda: Order.objects.filter(status="FULFILLED").update(log_head="0" * 64), "HEAD"),
    ],
)
def test_a_journal_that_was_tampered_with_is_named(tamper: Any, code: str) -> None:
    tamper()

    exit_code, told = run("verify_log")

    number = Order.objects.get(status="FULFILLED").number
    assert (exit_code, told["broken"]) == (1, 1)
    assert (told["found"][0]["order"], told["found"][0]["code"]) == (number, code)
