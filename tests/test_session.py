"""The test session itself: databases, tiers and what is left to another run."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection

from tests.session import unwanted


@pytest.mark.django_db
def test_database_answers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 + 1")

        assert cursor.fetchone() == (2,)


@pytest.mark.postgres
@pytest.mark.django_db
def test_postgresql_ends_what_waits_too_long() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
        )

        assert cursor.fetchone() == ("2s", "5s")


@pytest.mark.parametrize("round_", [1, 2])
def test_cache_begins_empty(round_: int) -> None:
    found = cache.get("seen")

    cache.set("seen", round_)

    assert found is None
    assert cache.get("seen") == round_


class Item:
    """As much of a collected test as the choice looks at."""

    def __init__(self, *marks: str) -> None:
        self.marks = [getattr(pytest.mark, mark).mark for mark in marks]

    def iter_markers(self) -> list[pytest.Mark]:
        return self.marks


@pytest.mark.parametrize(
    ("marks", "vendor", "markexpr", "why"),
    [
        ((), "sqlite", "", None),
        (("postgres",), "sqlite", "", "needs PostgreSQL"),
        (("postgres",), "postgresql", "", None),
        (("browser",), "sqlite", "", "run by `make browser`"),
        (("browser",), "sqlite", "browser", None),
        (("wheels",), "sqlite", "", "run by `make wheels`"),
        (("soak",), "sqlite", "", "belongs to ORDERLOOM_TIER=soak"),
    ],
)
def test_what_belongs_to_another_run_is_left_out_and_counted(
    marks: tuple[str, ...], vendor: str, markexpr: str, why: str | None
) -> None:
    assert unwanted(Item(*marks), vendor=vendor, markexpr=markexpr) == why
