"""What every test run shares: its databases, its tiers, and a plain word on which servers ran."""

from __future__ import annotations

import json
import os
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings

from tests.northwind import which

TIERS = ("quick", "full", "soak")
ELSEWHERE = {"browser": "run by `make browser`", "wheels": "run by `make wheels`"}
PASS = os.environ.get("ORDERLOOM_TEST_PASS", "")


def pytest_configure(config: pytest.Config) -> None:
    """Name this run once, in the controller, so that runs side by side don't share databases."""
    os.environ.setdefault("ORDERLOOM_TEST_RUN", str(os.getpid()))
    if tier() not in TIERS:
        raise pytest.UsageError(f"ORDERLOOM_TIER is {tier()!r}: expected one of {TIERS}")


def tier() -> str:
    """Return the tier that ORDERLOOM_TIER chooses, `quick` by default."""
    return os.environ.get("ORDERLOOM_TIER", "quick")


def unwanted(item: pytest.Item, *, vendor: str, markexpr: str) -> str | None:
    """Return why this run leaves `item` to another one, or None."""
    marks = {mark.name for mark in item.iter_markers()}
    level = TIERS.index(tier())
    if "postgres" in marks and vendor != "postgresql":
        return "needs PostgreSQL"
    if "once" in marks and PASS == "postgres":
        return "ran in the SQLite pass, as it needs no server"
    for kind, why in ELSEWHERE.items():
        if kind in marks and kind not in markexpr:
            return why
    if "soak" in marks and level < 2:
        return "belongs to ORDERLOOM_TIER=soak"
    if "full" in marks and level < 1:
        return "belongs to ORDERLOOM_TIER=full"
    return None


LEFT_OUT: Counter[str] = Counter()
DATABASE: list[str] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect, and count, what belongs to another run; nothing is skipped silently."""
    vendor = connections["default"].vendor
    kept, left = [], []
    for item in items:
        why = unwanted(item, vendor=vendor, markexpr=config.option.markexpr)
        if why is None:
            kept.append(item)
        else:
            LEFT_OUT[why] += 1
            left.append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


PATIENT = " -c statement_timeout=0"
"""For making and dropping whole databases: on a busy disk that takes longer than our statements."""


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """Give each run, and each worker in it, databases of its own, and the time to make them."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "")
    name = "_".join(filter(None, ["test_orderloom", os.environ["ORDERLOOM_TEST_RUN"], worker]))
    for connection in connections.all():
        if connection.vendor == "sqlite":
            name = str(settings.ORDERLOOM_DATA / f"{name}.sqlite3")
        else:
            connection.settings_dict["OPTIONS"]["options"] += PATIENT
        connection.settings_dict["TEST"]["NAME"] = name


@pytest.fixture(autouse=True)
def _own_cache_keys() -> Iterator[None]:
    """Give each test keys of its own, so that a shared server is never emptied under others."""
    mine = settings.CACHES["default"] | {"KEY_PREFIX": uuid.uuid4().hex}
    with override_settings(CACHES={"default": mine}):
        yield


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker left out to the controller, which prints the summary."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = dict(LEFT_OUT)
        output["database"] = DATABASE[:]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every worker collects all tests, so one worker's counts are everybody's."""
    output = getattr(node, "workeroutput", {})
    LEFT_OUT.update({} if LEFT_OUT else output.get("left_out", {}))
    DATABASE[:] = output.get("database") or DATABASE


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Note which server the test database really lives on; be as impatient as we are meanwhile."""
    connection = connections["default"]
    sqlite, options = connection.vendor == "sqlite", connection.settings_dict["OPTIONS"]
    if not sqlite:
        connection.close()
        options["options"] = options["options"].removesuffix(PATIENT)
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if sqlite else "SHOW server_version")
        DATABASE[:] = [f"{connection.display_name} {cursor.fetchone()[0]}"]
    yield
    if not sqlite:
        options["options"] += PATIENT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which servers ran, what was left out and why, and write the counts for `.ci/run`."""
    terminalreporter.section(f"orderloom, tier {tier()}")
    terminalreporter.write_line(f"database  {DATABASE[0] if DATABASE else 'none was needed'}")
    terminalreporter.write_line(
        f"cache     {settings.CACHES['default']['BACKEND'].rpartition('.')[2]}"
    )
    terminalreporter.write_line(f"northwind {which()}")
    for why, count in sorted(LEFT_OUT.items()):
        terminalreporter.write_line(f"left out  {count} tests: {why}")
    counts = {
        kind: len(terminalreporter.getreports(kind)) for kind in ("passed", "failed", "error")
    }
    if PASS:
        folder = Path(settings.ORDERLOOM_DATA) / "tests"
        folder.mkdir(exist_ok=True)
        (folder / f"{PASS}.json").write_text(json.dumps(counts), encoding="utf-8")


@pytest.fixture(scope="session", autouse=True)
def _empty_by_deleting() -> None:
    """Empty PostgreSQL's few rows by DELETE: truncating thirty tables costs a second a test."""
    connection = connections["default"]
    if connection.vendor == "postgresql":
        connection.ops.sql_flush = _deletions


def _deletions(_style: Any, tables: Sequence[str], **_: Any) -> list[str]:
    """Foreign keys are checked at the end of the transaction, so that any order will do."""
    return [f'DELETE FROM "{table}"' for table in tables]
