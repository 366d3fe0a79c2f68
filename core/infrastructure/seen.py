"""Remember what was seen of a long file, on disk: memory stays the same however long it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from pydantic_core import to_json

_CACHE_KIB: Final = 16_384


class Seen:
    """Texts with the line that each was first seen in, in a private database without a name."""

    def __init__(self) -> None:
        self._kept = sqlite3.connect("", isolation_level=None)
        for sql in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            f"PRAGMA cache_size = -{_CACHE_KIB}",
            "CREATE TABLE seen (what TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID",
        ):
            self._kept.execute(sql)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kept.close()

    def before(self, lines: Mapping[str, int]) -> dict[str, int]:
        """Return which of these were seen before, each with its line, and remember the others."""
        asked = to_json(list(lines)).decode()
        found = dict(
            self._kept.execute(
                "SELECT what, line FROM seen WHERE what IN (SELECT value FROM json_each(?))",
                [asked],
            )
        )
        self._kept.execute("BEGIN")
        new = ((what, line) for what, line in lines.items() if what not in found)
        self._kept.executemany("INSERT INTO seen VALUES (?, ?)", new)
        self._kept.execute("COMMIT")
        return found
