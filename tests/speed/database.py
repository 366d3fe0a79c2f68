"""A database that a bench has for itself, and drops in the end."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection, connections


@contextmanager
def fresh_database() -> Iterator[str]:
    """Make a migrated database on the PostgreSQL of DATABASE_URL, use it, and drop it.

    Yields its address, for processes of one's own.
    """
    if connection.vendor != "postgresql":
        raise SystemExit("this bench needs PostgreSQL: set DATABASE_URL")
    home = connections["default"].settings_dict
    name, original = f"orderloom_bench_{uuid.uuid4().hex[:8]}", home["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connections.close_all()
    home["NAME"] = name
    secret = f":{home['PASSWORD']}" if home["PASSWORD"] else ""
    try:
        call_command("migrate", verbosity=0)
        yield f"postgres://{home['USER']}{secret}@{home['HOST']}:{home['PORT'] or 5432}/{name}"
    finally:
        connections.close_all()
        home["NAME"] = original
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
