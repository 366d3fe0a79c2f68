"""The test session itself: databases, tiers and what is left to another run."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection


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
