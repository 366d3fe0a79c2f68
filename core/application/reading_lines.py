"""Read a table from a file of JSON lines: each an object, read as a row of CSV would be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json, to_json

from core.application.reading_csv import Columns, Row, read_table, row_of
from core.application.row_errors import (
    BROKEN_JSON,
    MISSING_COLUMN,
    UNKNOWN_COLUMN,
    RowError,
    opened,
    unreadable,
)
from core.domain.errors import InvalidInput

_LONGEST: Final = 16 * 1024 * 1024
"""Bytes of one line; what is longer is no line of products."""

ENDINGS: Final = frozenset({".jsonl", ".ndjson"})


def read_rows(path: Path, columns: Columns, *, encoding: str = "utf-8") -> Iterator[Row]:
    """Read a file row by row: JSON lines where its name ends so, CSV otherwise.

    Raises:
        UnreadableFile: no such file, not these columns, or an encoding that doesn't exist.
    """
    if path.suffix.lower() not in ENDINGS:
        yield from read_table(path, columns, encoding=encoding)
        return
    with opened(path) as file:
        line = 0
        while raw := file.readline(_LONGEST + 1):
            line += 1
            if len(raw) > _LONGEST:
                raise unreadable(path.name, BROKEN_JSON, "This line is too long.", line=line)
            if raw.strip():
                yield _row(path.name, line, columns, raw)


def _row(file: str, line: int, columns: Columns, raw: bytes) -> Row:
    try:
        said = from_json(raw.strip(), allow_inf_nan=False)
        cells = {name: _cell(name, value) for name, value in said.items()}
    except InvalidInput as refusal:
        return _broken(file, line, refusal.code, refusal.text, str(refusal.details["field"]))
    except (ValueError, AttributeError) as exc:
        return _broken(file, line, BROKEN_JSON, f"This line is no JSON object: {exc}.")
    for name in columns.needed:
        if name not in cells:
            return _broken(file, line, MISSING_COLUMN, f"The row lacks {name}.", name)
    known = {*columns.needed, *columns.optional}
    for name in cells:
        if name not in known:
            text = f"The row has {name[:40]!r}, which isn't known."
            return _broken(file, line, UNKNOWN_COLUMN, text)
    return row_of(file, line, list(cells), list(cells.values()))


def _broken(file: str, line: int, code: str, text: str, column: str = "") -> Row:
    error = RowError(file=file, line=line, code=code, text=text, column=column)
    return Row(file=file, line=line, cells={}, broken=error)


def _cell(name: str, value: Any) -> str:
    """Write a value as a cell of CSV would have it."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "; ".join(value)
    if isinstance(value, list | Mapping):
        return to_json(value).decode()
    raise InvalidInput(f"{name} has a value that can't be read.", field=name)
