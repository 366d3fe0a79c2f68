"""Read a table from a CSV file, naming file, line and column of whatever is wrong with it."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path
from typing import Final, Protocol

from core.application.row_errors import (
    BROKEN_QUOTES,
    MISSING_COLUMN,
    TOO_MANY_COLUMNS,
    UNKNOWN_COLUMN,
    WRONG_ENCODING,
    RowError,
    UnreadableFile,
    opened,
    unreadable,
)
from core.domain.errors import InvalidInput, InvalidQuantity, OrderloomError
from hookspecs import Money

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_AMISS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_UNDECODED: Final = re.compile(r"[\ud800-\udfff]")
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)


class _Reader(Protocol):
    """As much of `csv.reader` as is used; its own type has no public name."""

    @property
    def line_num(self) -> int: ...

    def __next__(self) -> list[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row by column, without space around its cells.

    ``broken`` says what is wrong with the row as such; ``cells`` then hold what there is.
    """

    file: str
    line: int
    cells: Mapping[str, str] = field(repr=False)
    broken: RowError | None = None

    def error(self, code: str, text: str, *, column: str = "") -> RowError:
        """Return what is wrong with this row."""
        return RowError(file=self.file, line=self.line, code=code, text=text, column=column)

    def refused(self, refusal: OrderloomError, *, column: str = "") -> RowError:
        """Return a refusal as what is wrong with this row."""
        column = column or str(refusal.details.get("field", ""))
        return self.error(refusal.code, refusal.text, column=column if column in self.cells else "")

    def text(self, column: str, *, longest: int, empty: bool = False) -> str:
        """Return a cell's text.

        Raises:
            InvalidInput: too long, or empty where it may not be, or several lines.
        """
        value = self.cells.get(column, "")
        if (not value and not empty) or len(value) > longest or not value.isprintable():
            least = 0 if empty else 1
            raise InvalidInput(
                f"{column} has to be {least} to {longest} printable characters, not {_cut(value)}.",
                field=column,
            )
        return value

    def whole(self, column: str) -> int:
        """Return a whole number, of either sign.

        Raises:
            InvalidInput: it is none.
        """
        value = self.cells[column]
        if not _WHOLE.fullmatch(value):
            raise InvalidInput(
                f"{column} has to be a whole number, not {_cut(value)}.", field=column
            )
        return int(value)

    def quantity(self, column: str) -> int:
        """Return a quantity of at least 1.

        Raises:
            InvalidQuantity: it is none.
        """
        value = self.cells[column]
        if not _WHOLE.fullmatch(value) or int(value) < 1:
            raise InvalidQuantity(
                f"{column} has to be a whole number of at least 1, not {_cut(value)}.",
                field=column,
            )
        return int(value)

    def amount(self, column: str, currency: str) -> Money:
        """Return an amount in a currency, not below zero.

        Raises:
            InvalidInput: it is none, or has more decimals than the currency.
        """
        value = self.cells[column]
        try:
            if _DECIMAL.fullmatch(value) and Decimal(value) >= 0:
                return Money.parse(value, currency)
        except ValueError:
            pass
        raise InvalidInput(
            f"{column} has to be an amount in {currency} such as 12.50, not {_cut(value)}.",
            field=column,
        )

    def fraction(self, column: str) -> Decimal:
        """Return a fraction from 0 to 1, with eight decimals at most.

        Raises:
            InvalidInput: it is none.
        """
        value = self.cells[column]
        if _DECIMAL.fullmatch(value) and 0 <= Decimal(value) <= 1:
            found = Decimal(value).normalize()
            if found == round(found, 8):
                return found
        raise InvalidInput(
            f"{column} has to be a fraction from 0 to 1 such as 0.15, not {_cut(value)}.",
            field=column,
        )

    def moment(self, column: str, *, now: datetime) -> datetime:
        """Return when something was; a day is its midnight in UTC, a time without zone is UTC's.

        Raises:
            InvalidInput: no date of the form 1996-07-04, before 1900, or in the future.
        """
        value = self.cells[column]
        try:
            found = datetime.fromisoformat(value if re.match(r"\d{4}-\d\d-\d\d", value) else "")
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
            if _EARLIEST <= found <= now:
                return found
        except (ValueError, OverflowError):
            pass
        raise InvalidInput(
            f"{column} has to be a day from 1900 until today such as 1996-07-04, not {_cut(value)}.",
            field=column,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns a file has to have, and which it may have."""

    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()


def read_table(path: Path, columns: Columns, *, encoding: str = "utf-8") -> Iterator[Row]:
    """Read a file row by row, in any order of columns; what can't be read comes as broken rows.

    Raises:
        UnreadableFile: no such file, not these columns, or an encoding that doesn't exist.
    """
    known = {"utf-8": "utf-8-sig", "utf8": "utf-8-sig"}.get(encoding.lower(), encoding)
    try:
        codecs.lookup(known)
    except LookupError:
        text = f"There is no encoding {_cut(encoding)}."
        raise unreadable(path.name, WRONG_ENCODING, text) from None
    with (
        opened(path) as raw,
        TextIOWrapper(raw, encoding=known, errors="surrogateescape", newline="") as file,
    ):
        yield from _rows(csv.reader(file, strict=True), path.name, columns)


def _rows(reader: _Reader, file: str, columns: Columns) -> Iterator[Row]:
    names: list[str] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            break
        except (csv.Error, UnicodeError) as exc:
            error = _broken(file, line, exc)
            if not names:
                raise UnreadableFile(error) from exc
            yield Row(file=file, line=line, cells={}, broken=error)
            if isinstance(exc, UnicodeError):
                return
            continue
        if not any(cells):
            continue
        if names:
            yield row_of(file, line, names, cells)
        else:
            names = _header(file, line, columns, cells)
    if not names:
        raise unreadable(file, MISSING_COLUMN, f"{file} is empty.")


def _broken(file: str, line: int, exc: Exception) -> RowError:
    if isinstance(exc, UnicodeError):
        return RowError(
            file=file,
            line=line,
            code=WRONG_ENCODING,
            text=f"From here on {file} is unreadable: {exc}.",
        )
    return RowError(
        file=file, line=line, code=BROKEN_QUOTES, text=f"What begins here is no row: {exc}."
    )


def _header(file: str, line: int, columns: Columns, names: list[str]) -> list[str]:
    if any(_UNDECODED.search(name) or _CONTROL.search(name) for name in names):
        raise unreadable(file, WRONG_ENCODING, f"{file} is in another encoding.", line=line)
    for name in columns.needed:
        if name not in names:
            text = f"{file} lacks the column {name}; it has {_cut(', '.join(names), 200)}."
            raise unreadable(file, MISSING_COLUMN, text, line=line, column=name)
    for position, name in enumerate(names):
        if name in names[:position] or name not in (*columns.needed, *columns.optional):
            may = ", ".join((*columns.needed, *columns.optional))
            twice = "twice" if name in names[:position] else "which isn't known"
            text = f"{file} has the column {_cut(name)} {twice}; it may have {may}."
            raise unreadable(file, UNKNOWN_COLUMN, text, line=line, column=name[:100])
    return names


def row_of(file: str, line: int, names: list[str], cells: list[str]) -> Row:
    """Return a row of these cells, and what is wrong with it as such."""
    row = Row(file=file, line=line, cells=dict(zip(names, cells, strict=False)))
    if len(cells) == len(names) and not _AMISS.search("\n".join(cells)):
        return row
    return replace(row, broken=_fault(row, names, len(cells)))


def _fault(row: Row, names: list[str], count: int) -> RowError | None:
    if count < len(names):
        missing = names[count]
        text = f"The row ends before {missing}: {count} cells where {len(names)} belong."
        return row.error(MISSING_COLUMN, text, column=missing)
    if count > len(names):
        return row.error(TOO_MANY_COLUMNS, f"The row has {count} cells where {len(names)} belong.")
    for name, cell in row.cells.items():
        if _UNDECODED.search(cell):
            return row.error(WRONG_ENCODING, f"{name} is in another encoding.", column=name)
        if _CONTROL.search(cell):
            text = f"{name} has control characters in it."
            return row.error(InvalidInput.code, text, column=name)
    return None


def _cut(value: str, longest: int = 40) -> str:
    return repr(value if len(value) <= longest else value[: longest - 1] + "…")
