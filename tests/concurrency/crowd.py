"""Crowds of buyers: several processes that begin at one moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 60


def database_url() -> str:
    """Return the address of the database that this test runs in."""
    known = connection.settings_dict
    host, port = known["HOST"] or "127.0.0.1", known["PORT"] or 5432
    user, password = known["USER"], known["PASSWORD"]
    who = f"{user}:{password}@" if password else f"{user}@" if user else ""
    if str(host).startswith("/"):
        return f"postgres://{who}/{known['NAME']}?host={host}&port={port}"
    return f"postgres://{who}{host}:{port}/{known['NAME']}"


def rush(
    orders: list[tuple[list[tuple[str, int]], str]],
    *,
    processes: int = 4,
    threads: int = 5,
    without: str = "",
    coupons: tuple[str, ...] = (),
) -> list[dict[str, Any]]:
    """Let processes place these orders at one moment; return what came of each."""
    crowd = []
    for n in range(processes):
        todo: dict[str, Any] = {"orders": orders[n::processes], "threads": threads}
        todo |= {"without": without, "coupons": list(coupons)}
        crowd.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.concurrency.buyer", json.dumps(todo)],
                cwd=ROOT,
                env=os.environ
                | {
                    "DATABASE_URL": database_url(),
                    "DJANGO_SETTINGS_MODULE": "core.project.settings",
                    "DEBUG": "1",
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    try:
        for process in crowd:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in crowd:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [process.communicate(timeout=DEADLINE)[0] for process in crowd]
    finally:
        for process in crowd:
            process.kill()
            process.wait()
    return [result for answer in answers for result in json.loads(answer)]


@contextmanager
def without_constraint(table: str, name: str) -> Iterator[None]:
    """Take a constraint away, for a control, and put it back once the table is clean again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name]
        )
        (definition,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for child in ("couponuse", "coupon", "event", "orderline", "order"):
                cursor.execute(f"DELETE FROM orderloom_{child}")
            cursor.execute("UPDATE orderloom_stock SET reserved = 0")
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
