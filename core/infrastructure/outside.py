"""What a thread that works for a plugin has to do with the database: nothing, as far as we can help."""

from __future__ import annotations

from django.db import connections

__all__ = ["close_connections", "in_transaction"]


def in_transaction() -> bool:
    """Say whether this thread has a transaction open, one that a test wraps around itself apart."""
    return any(
        not getattr(block, "_from_testcase", False)
        for connection in connections.all(initialized_only=True)
        for block in connection.atomic_blocks
    )


def close_connections() -> None:
    """Close and forget what this thread has opened, an unfinished transaction included."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        del connections[connection.alias]  # one that was left inside `atomic` never opens again
