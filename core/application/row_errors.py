"""What is wrong with a row of a file, or with the file as such: where, a code, a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final

from core.domain.errors import OrderloomError

MISSING_FILE: Final = "MISSING_FILE"
UNREADABLE_FILE: Final = "UNREADABLE_FILE"
WRONG_ENCODING: Final = "WRONG_ENCODING"
MISSING_COLUMN: Final = "MISSING_COLUMN"
UNKNOWN_COLUMN: Final = "UNKNOWN_COLUMN"
TOO_MANY_COLUMNS: Final = "TOO_MANY_COLUMNS"
BROKEN_QUOTES: Final = "BROKEN_QUOTES"
BROKEN_JSON: Final = "BROKEN_JSON"
DUPLICATE_ID: Final = "DUPLICATE_ID"
"""Codes of what is wrong with a file or a row as such; a value's codes are those of refusals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """What is wrong with a row: where, a stable code, and a sentence."""

    file: str
    line: int
    code: str
    text: str
    column: str = ""


class UnreadableFile(OrderloomError):  # noqa: N818 - a statement, like every refusal
    """Nothing in a file can be read; ``error`` says why."""

    code = UNREADABLE_FILE

    def __init__(self, error: RowError) -> None:
        super().__init__(error.text, file=error.file, line=error.line, column=error.column)
        self.error = error


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """Open a file.

    Raises:
        UnreadableFile: it isn't there, or can't be read.
    """
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise unreadable(path.name, MISSING_FILE, f"There is no file {path}.") from None
    except OSError as exc:
        text = f"{path} can't be read: {exc.strerror or exc}."
        raise unreadable(path.name, UNREADABLE_FILE, text) from exc


def unreadable(
    file: str, code: str, text: str, *, line: int = 1, column: str = ""
) -> UnreadableFile:
    """Return the error that nothing in a file can be read."""
    return UnreadableFile(RowError(file=file, line=line, code=code, text=text, column=column))
