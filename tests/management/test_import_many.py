"""Importing many products: killed half way and resumed, and a million in flat memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from core.context import DEFAULT_TENANT, acting_for
from core.models import Event, Product, Stock
from tests.management.test_import_northwind import ROOT, database_url
from tests.speed.million import write

MILLION = 1_000_000


@pytest.fixture
def shop(transactional_db: None) -> Iterator[None]:
    with acting_for(DEFAULT_TENANT):
        yield


def started(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_products", str(path), "--verbosity", "0"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url(), "DEBUG": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def killed_at(path: Path, rows: int, *, within: float = 120) -> int:
    """Start an import and kill it once there are that many products; return its exit code."""
    child, ends = started(path), time.monotonic() + within
    try:
        while Product.objects.count() < rows and child.poll() is None and time.monotonic() < ends:
            time.sleep(0.002)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    return child.returncode


def resumed(path: Path) -> dict[str, Any]:
    out = StringIO()
    call_command("import_products", path, json=True, stdout=out, verbosity=0)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def announced() -> list[str]:
    """Return every sku that was announced, in the order of announcements."""
    return [sku for event in Event.objects.order_by("id") for sku in event.data["skus"]]


@pytest.mark.slow
@pytest.mark.usefixtures("shop")
def test_killed_half_way_it_goes_on_without_loss_or_duplicates(tmp_path: Path) -> None:
    path = write(tmp_path / "products.csv", 8_000)

    codes = [killed_at(path, least) for least in (1_000, 4_000)]
    before = Product.objects.count()
    told = resumed(path)

    assert codes == [-signal.SIGKILL] * 2
    assert 4_000 <= before < 8_000
    assert (told["created"], told["unchanged"], told["refused"]) == (8_000 - before, before, 0)
    assert Product.objects.count() == Stock.objects.count() == 8_000
    assert sorted(announced()) == sorted(Product.objects.values_list("sku", flat=True))


@pytest.mark.postgres
@pytest.mark.usefixtures("shop")
def test_the_planner_is_told_before_its_plans_for_empty_tables_read_a_million_rows(
    tmp_path: Path,
) -> None:
    resumed(write(tmp_path / "products.csv", 1_500))

    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'orderloom_product'")
        (believed,) = cursor.fetchone()
    assert believed >= 1_000


def took(way: str, path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.speed.million", way, str(path)],
        cwd=ROOT,
        env=os.environ
        | {
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "core.project.settings",
            "SECRET_KEY": "many",
            "ALLOWED_HOSTS": "localhost",
        },
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def emptied() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE orderloom_stock, orderloom_price, orderloom_product, orderloom_event CASCADE"
        )


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.timeout(7_200)
@pytest.mark.usefixtures("shop")
def test_a_million_products_come_in_faster_than_by_bulk_create_and_in_flat_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few, many = write(tmp_path / "few.csv", 20_000), write(tmp_path / "many.csv", MILLION)

    found = {"few": took("ours", few)}
    emptied()
    found["bare"] = took("bare", many)
    emptied()
    found["ours"] = took("ours", many)
    found["again"] = took("ours", many)
    ratio = found["ours"]["rows_per_second"] / found["bare"]["rows_per_second"]
    with capsys.disabled():
        print(f"\n{json.dumps(found)}\nours over bare bulk_create: {ratio:.2f}")

    assert all(one["rows"] == MILLION for name, one in found.items() if name != "few")
    assert Product.objects.count() == Stock.objects.count() == MILLION
    assert found["ours"]["peak_mib"] < found["few"]["peak_mib"] * 1.3 + 16
    emptied()


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.timeout(7_200)
@pytest.mark.usefixtures("shop")
def test_a_million_products_survive_three_kills(tmp_path: Path) -> None:
    path = write(tmp_path / "many.csv", MILLION)

    codes = [killed_at(path, least, within=3_600) for least in (100_000, 400_000, 800_000)]
    before = Product.objects.count()
    told = resumed(path)

    assert codes == [-signal.SIGKILL] * 3
    assert (told["created"], told["unchanged"]) == (MILLION - before, before)
    assert Product.objects.count() == Stock.objects.count() == MILLION
    names = Event.objects.order_by("id").values_list("data", flat=True)
    assert sum(len(data["skus"]) for data in names.iterator()) == MILLION
    emptied()
