"""Keep what calls of plugins took: the sums of this process, added up by day in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from core.conf import conf
from core.hooks.tally import Tally
from core.models import PluginCalls

__all__ = ["forget_old_calls", "record_plugin_calls"]

_COLUMNS: Final = (
    "day",
    "plugin",
    "version",
    "hook",
    "offer",
    "bucket",
    "calls",
    "failures",
    "seconds",
)
_ONE: Final = f"({', '.join(['%s'] * len(_COLUMNS))})"
_KEY: Final = ", ".join(_COLUMNS[:6])
_MOST: Final = 500


def record_plugin_calls(*, tally: Tally, now: datetime) -> int:
    """Write down what was counted since the last time; return how many rows that are.

    Whoever calls this does so at most once a second per process, and never inside a transaction.
    What a database that is away doesn't take is counted again; old days are forgotten.
    """
    sums = tally.take()
    if not sums:
        return 0
    # Sorted, so that processes that write at once lock the rows in one order.
    rows = sorted((*called, bucket, *kept) for (called, bucket), kept in sums.items())
    try:
        for at in range(0, len(rows), _MOST):
            _add(now, rows[at : at + _MOST])
    except BaseException:
        tally.give_back(sums)
        raise
    return len(rows)


def _add(now: datetime, rows: Sequence[tuple[str | int | float, ...]]) -> None:
    table = PluginCalls._meta.db_table  # noqa: SLF001 - the one public way to a table's name
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in _COLUMNS[6:])
    statement = (
        f"INSERT INTO {table} ({', '.join(_COLUMNS)}) VALUES {', '.join([_ONE] * len(rows))} "  # noqa: S608
        f"ON CONFLICT ({_KEY}) DO UPDATE SET {sums}"
    )
    day = now.date().isoformat()
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for row in rows for value in (day, *row)])


def forget_old_calls(*, now: datetime) -> int:
    """Forget what is older than the installation keeps; return how many rows that were."""
    before = (now - timedelta(seconds=conf().calls_kept)).date()
    return PluginCalls.objects.filter(day__lt=before).delete()[0]
