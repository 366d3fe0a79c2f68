"""The database without some of its rules, for controls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper

_FILLED = (
    "couponuse",
    "coupon",
    "delivery",
    "fact",
    "operation",
    "payment",
    "event",
    "inboxentry",
    "orderline",
    "order",
)


@contextmanager
def without_rules(*names: str) -> Iterator[None]:
    """Take constraints and unique indexes away; put them back once what they forbid is gone."""
    with connection.cursor() as cursor:
        back = [_taken_away(cursor, name) for name in names]
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for table in _FILLED:
                cursor.execute(f"DELETE FROM orderloom_{table}")
            cursor.execute("UPDATE orderloom_stock SET reserved = 0")
            for sql in back:
                cursor.execute(sql)


def _taken_away(cursor: CursorWrapper, name: str) -> str:
    """Drop a constraint or an index; return the statement that makes it again."""
    cursor.execute(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conname = %s",
        [name],
    )
    if (found := cursor.fetchone()) is not None:
        table, definition = found
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        return f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
    cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name])
    (definition,) = cursor.fetchone()
    cursor.execute(f"DROP INDEX {name}")
    return str(definition)
