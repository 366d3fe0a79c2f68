"""Tables of apps that are not ours: whether they are as migrations want them, and their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.apps import apps
from django.db import connection

__all__ = ["behind", "rows_of", "tables_of"]

_BATCH = 500


def behind(labels: Iterable[str]) -> frozenset[str]:
    """Return those apps of which a migration isn't applied; one statement if there is one at all.

    By the names of their modules alone: Django's own plan would import every app's migrations.
    """
    wanted = {label: names for label in labels if (names := _names(label))}
    if not wanted:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        applied = set(cursor.fetchall())
    return frozenset(
        label
        for label, names in wanted.items()
        if any((label, name) not in applied for name in names)
    )


def tables_of(package: str) -> dict[str, int]:
    """Return the tables named after a package, and how many rows each has; the package may be gone."""
    with connection.cursor() as cursor:
        found = connection.introspection.table_names(cursor)
        counted = {}
        for table in sorted(name for name in found if name.startswith(f"{package}_")):
            cursor.execute(f"SELECT COUNT(*) FROM {_quoted(table)}")  # noqa: S608 - quoted
            counted[table] = int(cursor.fetchone()[0])
    return counted


def rows_of(table: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table, as the database gives them."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {_quoted(table)}")  # noqa: S608 - quoted
        columns = [column[0] for column in cursor.description or ()]
        while rows := cursor.fetchmany(_BATCH):
            yield from (dict(zip(columns, row, strict=True)) for row in rows)


def _quoted(table: str) -> str:
    return connection.ops.quote_name(table)


def _names(label: str) -> list[str]:
    try:
        config = apps.get_app_config(label)
        path = import_module(f"{config.name}.migrations").__path__
    except (LookupError, ImportError, AttributeError):
        return []
    return [found.name for found in iter_modules(path) if found.name[0] not in "_~"]
