"""What the sandbox knows, in a SQLite file of its own: the outside truth that tests judge by."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    created REAL NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS document_kind ON document (kind, seq);
CREATE TABLE IF NOT EXISTS answered (
    provider TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, running INTEGER NOT NULL,
    status INTEGER, body TEXT, at REAL NOT NULL, PRIMARY KEY (provider, key));
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT, provider TEXT NOT NULL, url TEXT NOT NULL,
    event_id TEXT NOT NULL, event_type TEXT NOT NULL, body TEXT NOT NULL, due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'WAITING', status TEXT);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (state, due);
CREATE TABLE IF NOT EXISTS option (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def new_id(prefix: str) -> str:
    """Return a fresh identifier that nobody can guess."""
    return prefix + secrets.token_hex(12)


class Ledger:
    """Documents by kind, remembered answers, deliveries and options: one writer at a time."""

    def __init__(self, path: str | Path) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        self._db.execute("DELETE FROM answered WHERE running = 1")
        self._depth = 0

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what happens inside one thing, alone; nesting joins the outer one."""
        with self._lock:
            if not self._depth:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if not self._depth:
                    self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if not self._depth:
                self._db.execute("COMMIT")

    def run(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Run one statement and return its rows."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    # Documents

    def put(self, kind: str, document: Document) -> Document:
        """Store a document under its ``id``, new or changed."""
        self.run(
            "INSERT INTO document (id, kind, created, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            document["id"],
            kind,
            time.time(),
            json.dumps(document),
        )
        return document

    def get(self, kind: str, document_id: str) -> Document | None:
        """Return a document, or None if there is none of that kind and id."""
        rows = self.run("SELECT body FROM document WHERE id = ? AND kind = ?", document_id, kind)
        return json.loads(rows[0]["body"]) if rows else None

    def all(
        self, kind: str, *, since: float = 0, until: float | None = None, limit: int = -1
    ) -> list[Document]:
        """Return documents of a kind, newest first, made between two moments (epoch seconds)."""
        rows = self.run(
            "SELECT body FROM document WHERE kind = ? AND created >= ? AND created <= ?"
            " ORDER BY seq DESC LIMIT ?",
            kind,
            since,
            time.time() + 1 if until is None else until,
            limit,
        )
        return [json.loads(row["body"]) for row in rows]

    # Options

    def option(self, name: str, default: Any = None) -> Any:
        """Return a value kept under a name."""
        rows = self.run("SELECT value FROM option WHERE name = ?", name)
        return json.loads(rows[0]["value"]) if rows else default

    def set_option(self, name: str, value: Any) -> None:
        """Keep a value under a name."""
        self.run(
            "INSERT INTO option (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            json.dumps(value),
        )

    # Deliveries

    def add_delivery(
        self, *, provider: str, url: str, event_id: str, event_type: str, body: str, due: float
    ) -> None:
        """Note that an event is to be sent to an address at a moment (epoch seconds)."""
        self.run(
            "INSERT INTO delivery (provider, url, event_id, event_type, body, due)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            provider,
            url,
            event_id,
            event_type,
            body,
            due,
        )

    def due_deliveries(self, *, now: float, limit: int = 20) -> Sequence[sqlite3.Row]:
        """Claim deliveries whose moment has come."""
        with self.transaction():
            rows = self.run(
                "SELECT * FROM delivery WHERE state = 'WAITING' AND due <= ? ORDER BY due LIMIT ?",
                now,
                limit,
            )
            for row in rows:
                self.run("UPDATE delivery SET state = 'SENDING' WHERE id = ?", row["id"])
        return rows
