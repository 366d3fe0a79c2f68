"""What a thread that works for a plugin has to do with the database: nothing, as far as we can help."""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["close_connections", "in_transaction"]


def in_transaction() -> bool:
    """Say whether this thread has a transaction open, one that a test wraps around itself apart.

    One counts as well that somebody began behind Django's back: what is written in it is never
    committed, and nobody is told.
    """
    return any(_is_inside(connection) for connection in connections.all(initialized_only=True))


def _is_inside(connection: BaseDatabaseWrapper) -> bool:
    raw = connection.connection
    if raw is None:
        return False
    if connection.atomic_blocks:
        return any(
            not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks
        )
    if not connection.autocommit:
        return True
    inside = raw.in_transaction if connection.vendor == "sqlite" else raw.info.transaction_status
    return bool(inside)


def close_connections() -> None:
    """Close and forget what this thread has opened, an unfinished transaction included."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        del connections[connection.alias]  # one that was left inside `atomic` never opens again
