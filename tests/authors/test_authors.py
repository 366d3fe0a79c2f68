"""What the documents tell authors to write, installed as it stands, works in a shop."""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
from collections.abc import Callable
from email import policy
from pathlib import Path

import pytest

from tests.authors.blocks import HERE, KINDS, blocks, committed, package, page, write
from tests.house.tree import ROOT
from tests.prefix import Prefix, Shop, made_once, sqlite

pytestmark = [pytest.mark.once, pytest.mark.timeout(240)]

ACTS = "tests.authors.acts"
KEY = "a-key-of-the-bookkeeping"
INVOICE = {
    "ORDERLOOM_PLUGINS": "payment-invoice",
    "ORDERLOOM_PAYMENT_INVOICE__ACCOUNT_HOLDER": "Our Shop",
    "ORDERLOOM_PAYMENT_INVOICE__IBAN": "DE02120300000000202051",
    "ORDERLOOM_PAYMENT_INVOICE__KEY": KEY,
}

Opens = Callable[..., Shop]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Prefix:
    """Return an environment with the four packages in it, as the documents have them."""
    with made_once(tmp_path_factory, "authors") as (folder, is_empty):
        if not is_empty:
            return Prefix(folder / "prefix")
        prefix = Prefix.made(folder / "prefix")
        prefix.install(*(write(package(kind), folder / kind) for kind in KINDS))
        return prefix


@pytest.fixture(scope="module")
def shelf(prefix: Prefix, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a shop with three products."""
    data = tmp_path_factory.mktemp("shelf")
    shop = Shop(prefix=prefix, data=data, database=sqlite(data), environ={"ORDERLOOM_PLUGINS": ""})
    migrated = shop.manage("migrate", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
    shop.ask(f"{ACTS}:stock_up")
    return data


@pytest.fixture
def opens(prefix: Prefix, shelf: Path, tmp_path: Path) -> Opens:
    """Return what opens a shop with data of its own."""

    def opened(**environ: str) -> Shop:
        for path in shelf.glob("shop.sqlite3*"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
        return Shop(prefix=prefix, data=tmp_path, database=sqlite(tmp_path), environ=environ)

    return opened


@pytest.mark.parametrize("kind", KINDS)
def test_the_package_is_what_the_page_says(kind: str) -> None:
    assert committed(HERE / kind) == package(kind), "run `python -m tests.authors.blocks`"


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_names_no_file_twice(kind: str) -> None:
    fences = [line for line in page(kind).splitlines() if line.startswith("```") and " " in line]

    assert len(fences) == len(blocks(page(kind)))


def test_the_packages_are_typed_as_the_page_of_the_contract_is(tmp_path: Path) -> None:
    sources = [HERE / kind / "src" for kind in KINDS]
    packages = [f"--package={path.parent.name}" for src in sources for path in src.glob("*/*.toml")]

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-incremental", *packages],
        env={**os.environ, "MYPYPATH": ":".join(map(str, [ROOT, *sources]))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "Success: no issues found in 16 source files\n"


def test_all_four_are_found_and_say_what_they_offer(opens: Opens) -> None:
    shop = opens(**INVOICE, ORDERLOOM_NOTIFY_MAILDIR__FOLDER="mail")

    rows = shop.listed(
        ORDERLOOM_PLUGINS="payment-invoice,pricing-third-free,notify-maildir,warm-bargains"
    )

    offers = {name: row["offers"] for name, row in rows.items() if row["state"] == "ENABLED"}
    assert offers == {
        "payment-invoice": ["invoice"],
        "pricing-third-free": ["every-third-free"],
        "notify-maildir": ["maildir"],
        "warm-bargains": ["bargains"],
    }


def test_the_way_to_pay_tells_where_to_and_is_paid_by_bookings(opens: Opens) -> None:
    shop = opens(**INVOICE)

    begun = shop.ask(f"{ACTS}:pay", {"code": "invoice", "cup": 1})
    order = {name: begun[name] for name in ("order_id", "number")}
    half = {"id": "4711", "reference": f"INV-{begun['number']}", "amount": "4", "currency": "EUR"}
    rest = {**half, "id": "4712", "amount": "6.00"}
    forged = shop.ask(f"{ACTS}:book", {"order": order, "bookings": [half], "key": "forged" * 3})
    paid = shop.ask(f"{ACTS}:book", {"order": order, "bookings": [half, half, rest], "key": KEY})

    assert begun["choices"] == {"invoice": "Invoice, 30 days"}
    assert begun["action"]["text"].startswith("Please transfer 10.00 EUR by 20")
    assert begun["action"]["details"]["Reference"] == f"INV-{begun['number']}"
    assert (begun["status"], begun["payments"]) == ("CONFIRMED", ["REQUIRES_ACTION"])
    assert (forged["inbox"], forged["status"]) == (["UNTRUSTED"], "CONFIRMED")
    assert paid["inbox"] == ["APPLIED"] * 3
    assert (paid["status"], paid["payment_status"], paid["payments"]) == (
        "PAID",
        "PAID",
        ["CAPTURED"],
    )
    assert (paid["action"], paid["undecided"]) == (None, False)


def test_an_invoice_keeps_its_order_until_it_is_due(opens: Opens) -> None:
    shop = opens(**INVOICE)

    begun = shop.ask(f"{ACTS}:pay", {"code": "invoice", "cup": 1})
    order = {name: begun[name] for name in ("order_id", "number")}
    before = shop.ask(f"{ACTS}:wait", {"order": order, "days": 29})
    after = shop.ask(f"{ACTS}:wait", {"order": order, "days": 31})

    assert (before["status"], before["payments"]) == ("CONFIRMED", ["REQUIRES_ACTION"])
    assert (after["status"], after["payments"]) == ("EXPIRED", ["CLOSED"])


def test_an_invoice_that_is_not_set_up_is_not_offered(opens: Opens) -> None:
    shop = opens(**INVOICE)

    row = shop.listed(ORDERLOOM_PAYMENT_INVOICE__KEY="short")["payment-invoice"]

    assert (row["state"], row["offers"]) == ("NOT_CONFIGURED", [])
    assert row["why"] == "key: give at least 16 characters"


def test_the_rule_gives_every_third_piece_and_says_so_on_the_receipt(opens: Opens) -> None:
    shop = opens(ORDERLOOM_PLUGINS="pricing-third-free")

    many = shop.ask(f"{ACTS}:quote", {"cup": 7, "spoon": 3, "jug": 2})
    few = shop.ask(f"{ACTS}:quote", {"cup": 2})

    assert many["total"] == 7 * 1000 - 2000 + 3 * 333 - 333 + 2 * 2500
    step = many["steps"][0]
    assert (step["rule"], step["plugin"], step["applied"]) == (
        "every-third-free",
        "pricing-third-free",
        True,
    )
    assert (step["proposed_minor"], step["accepted_minor"]) == (-2333, -2333)
    assert [one["reason"] for one in step["proposals"]] == ["2 of 7 free", "1 of 3 free"]
    assert (few["total"], few["steps"][0]["reason"]) == (2000, "no product is there 3 times")


def test_the_channel_delivers_the_message_of_an_order_once(opens: Opens, tmp_path: Path) -> None:
    shop = opens(
        ORDERLOOM_PLUGINS="notify-maildir",
        ORDERLOOM_NOTIFY_MAILDIR__FOLDER=str(tmp_path / "mail"),
    )

    number = shop.ask(f"{ACTS}:place", {"cup": 1})["number"]
    first = shop.manage("relay", "--once", "--json")
    second = shop.manage("relay", "--once", "--json")

    letters = [
        email.message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (tmp_path / "mail" / "new").iterdir()
    ]
    assert [letter["To"] for letter in letters] == ["anna@example.com"]
    assert number in letters[0]["Subject"]
    assert number in letters[0].get_content()
    assert json.loads(first.stdout)["dead"] == json.loads(first.stdout)["put_off"] == 0
    assert json.loads(second.stdout)["done"] == 0


def test_the_warmer_fills_its_list_with_what_is_cheapest(opens: Opens) -> None:
    shop = opens(ORDERLOOM_PLUGINS="warm-bargains", ORDERLOOM_WARM_BARGAINS__SIZE="2")

    done = shop.manage("warm_caches", "bargains", "--json")
    warm = shop.ask(f"{ACTS}:warm")

    assert done.returncode == 0, done.stderr
    assert [(one["namespace"], one["loaded"]) for one in json.loads(done.stdout)] == [
        ("bargains", 1)
    ]
    assert warm["complete"] == [True]
    assert [one["sku"] for one in warm["cached"]["EUR"]] == ["spoon", "cup"]
