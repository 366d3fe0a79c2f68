"""`report` speaks to people, to spreadsheets and to programs, and refuses in one plain sentence."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.context import DEFAULT_TENANT, acting_for
from core.testing.registries import registry_of
from tests.application.shelf import placed, put

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
DAYS = ("--since", "2026-09-01", "--until", "2026-09-02", "--time-zone", "UTC")


@pytest.fixture(autouse=True)
def _a_sale(transactional_db: None) -> None:
    with acting_for(DEFAULT_TENANT):
        put("tea", 450, 10, now=NOON)
        placed(
            ("tea", 3),
            plugins=registry_of(),
            now=NOON,
            placed_at=NOON,
            collected_elsewhere="till",
        )


def report(*arguments: str) -> str:
    out = StringIO()
    call_command("report", *arguments, stdout=out)
    return out.getvalue()


def test_programs_get_minor_units() -> None:
    (sales,) = json.loads(report("sales", *DAYS, "--json"))
    (product,) = json.loads(report("products", *DAYS, "--format", "json"))
    (stock,) = json.loads(report("stock", *DAYS, "--format", "json"))

    assert (sales["day"], sales["total_minor"], sales["currency"]) == ("2026-09-01", 1350, "EUR")
    assert (product["sku"], product["rank"], product["units"]) == ("tea", 1, 3)
    assert (stock["opening"], stock["sold"], stock["closing"]) == (10, 3, 7)


def test_spreadsheets_get_major_units() -> None:
    (row,) = csv.DictReader(StringIO(report("sales", *DAYS, "--format", "csv")))

    assert (row["total"], row["running"], row["average"]) == ("13.50", "13.50", "1.93")


def test_people_get_a_table() -> None:
    assert "13.50" in report("sales", *DAYS)
    assert "Nothing was sold" in report("sales", "--since", "2025-01-01", "--until", "2025-02-01")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sales", "--since", "yesterday"), "yesterday is no day"),
        (("sales", "--since", "2026-02-30"), "2026-02-30 is no day"),
        (("stock", "--time-zone", "Atlantis"), "Atlantis is no time zone"),
        (("stock", "--time-zone", "../etc"), "is no time zone"),
        (("sales", "--since", "2026-02-01", "--until", "2026-01-01"), "INVALID_INPUT"),
        (("sales", "--average", "0"), "INVALID_INPUT"),
        (("products", "--top", "0"), "INVALID_INPUT"),
        (("products", "--tenant", "nobody"), "There is no tenant"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        report(*arguments)
