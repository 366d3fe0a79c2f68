"""Reading a table: files as people have them, and what is wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.application.countries import country_code
from core.application.reading_csv import Columns, Row, read_table
from core.application.row_errors import UnreadableFile
from core.domain.errors import InvalidInput

COLUMNS = Columns(needed=("id", "name"), optional=("note",))
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def rows(path: Path, raw: bytes, *, encoding: str = "utf-8") -> list[Row]:
    file = path / "table.csv"
    file.write_bytes(raw)
    return list(read_table(file, COLUMNS, encoding=encoding))


def unread(path: Path, raw: bytes, *, encoding: str = "utf-8") -> tuple[str, int, str]:
    with pytest.raises(UnreadableFile) as caught:
        rows(path, raw, encoding=encoding)
    error = caught.value.error
    return error.code, error.line, error.column


def test_it_numbers_rows_as_an_editor_does(tmp_path: Path) -> None:
    read = rows(tmp_path, b'id,name\n1,"two\nlines"\n\n , \n2,b\r\n')

    assert [(row.line, row.cells["name"]) for row in read] == [(2, "two\nlines"), (6, "b")]


def test_it_takes_columns_in_any_order_and_a_mark_before_them(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, b"\xef\xbb\xbfname , id\n Jos\xc3\xa9 ,1\n")

    assert row.cells == {"name": "José", "id": "1"}


def test_it_reads_another_encoding_if_told_so(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, "id,name\n1,Luleå\n".encode("utf-16"), encoding="utf-16")

    assert row.cells["name"] == "Luleå"


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"", ("MISSING_COLUMN", 1, "")),
        (b"\n\n", ("MISSING_COLUMN", 1, "")),
        (b"id\n1\n", ("MISSING_COLUMN", 1, "name")),
        (b"id;name\n1;a\n", ("MISSING_COLUMN", 1, "id")),
        (b"id,name,colour\n", ("UNKNOWN_COLUMN", 1, "colour")),
        (b"id,name,name\n", ("UNKNOWN_COLUMN", 1, "name")),
        ("id,name\n".encode("utf-16"), ("WRONG_ENCODING", 1, "")),
        (b'id,"name\n', ("BROKEN_QUOTES", 1, "")),
    ],
)
def test_a_file_without_the_columns_is_not_read(
    tmp_path: Path, raw: bytes, found: tuple[str, int, str]
) -> None:
    assert unread(tmp_path, raw) == found


def test_an_encoding_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert unread(tmp_path, b"id,name\n", encoding="utf-9") == ("WRONG_ENCODING", 1, "")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="There is no file") as missing:
        list(read_table(tmp_path / "none.csv", COLUMNS))
    with pytest.raises(UnreadableFile, match="can't be read") as folder:
        list(read_table(tmp_path, COLUMNS))

    assert missing.value.error.code == "MISSING_FILE"
    assert folder.value.error.code == "UNREADABLE_FILE"


@pytest.mark.parametrize(
    ("raw", "code", "column"),
    [
        (b"1,Lule\xe5\n", "WRONG_ENCODING", "name"),
        (b"1\n", "MISSING_COLUMN", "name"),
        (b"1,a,b\n", "TOO_MANY_COLUMNS", ""),
        (b"1,a\x00b\n", "INVALID_INPUT", "name"),
        (b'1,"a"b\n', "BROKEN_QUOTES", ""),
        (b"1," + b"a" * 200_000 + b"\n", "BROKEN_QUOTES", ""),
    ],
)
def test_a_broken_row_is_named_and_the_next_is_read(
    tmp_path: Path, raw: bytes, code: str, column: str
) -> None:
    broken, fine = rows(tmp_path, b"id,name\n" + raw + b"2,b\n")

    assert broken.broken is not None
    assert (broken.broken.line, broken.broken.code, broken.broken.column) == (2, code, column)
    assert (fine.line, fine.cells["name"], fine.broken) == (3, "b", None)


def test_a_quote_that_is_never_closed_is_named_where_it_begins(tmp_path: Path) -> None:
    fine, broken = rows(tmp_path, b'id,name\n1,a\n2,"b\n3,c\n')

    assert fine.broken is None
    assert broken.broken is not None
    assert (broken.broken.line, broken.broken.code) == (3, "BROKEN_QUOTES")


def test_what_stops_being_text_ends_the_file(tmp_path: Path) -> None:
    raw = "id,name\n1,a\n".encode("utf-16") + b"\x00\xd8"

    *_, last = rows(tmp_path, raw, encoding="utf-16")

    assert last.broken is not None
    assert last.broken.code == "WRONG_ENCODING"


def row(**cells: str) -> Row:
    return Row(file="table.csv", line=2, cells=cells)


@pytest.mark.parametrize("text", ["", "1e2", "٣", "1_0", " 1", "NaN", "1,50", "-0.01", "9" * 30])
def test_an_amount_is_a_plain_decimal(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"such as 12\.50"):
        row(price=text).amount("price", "EUR")


@pytest.mark.parametrize(("text", "found"), [("0", "0"), ("0.150", "0.15"), ("1.00", "1")])
def test_a_fraction_loses_idle_zeros(text: str, found: str) -> None:
    assert f"{row(discount=text).fraction('discount'):f}" == found


@pytest.mark.parametrize("text", ["", "15%", "1.01", "-0.1", "0.000000001", "1e-2"])
def test_a_fraction_is_between_0_and_1(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"such as 0\.15"):
        row(discount=text).fraction("discount")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1996-07-04", datetime(1996, 7, 4, tzinfo=UTC)),
        ("1996-07-04T12:30", datetime(1996, 7, 4, 12, 30, tzinfo=UTC)),
        ("1996-07-04T12:30:00+02:00", datetime(1996, 7, 4, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_day_is_its_midnight_in_utc(text: str, found: datetime) -> None:
    assert row(day=text).moment("day", now=NOW) == found


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "04.07.1996", "19960704", "1996-13-01", "1996-02-30", "1096-07-04",
     "2026-11-24", "0001-01-01T00:00+14:00"],
)  # fmt: skip
def test_a_day_is_a_date_that_has_been(text: str) -> None:
    with pytest.raises(InvalidInput, match="from 1900 until today"):
        row(day=text).moment("day", now=NOW)


def test_today_has_been() -> None:
    assert row(day="2026-11-23").moment("day", now=NOW) == NOW - timedelta(hours=12)


@pytest.mark.parametrize(
    ("text", "code"), [("Germany", "DE"), ("UK", "GB"), ("USA", "US"), ("us", "US"), ("fr", "FR")]
)
def test_a_country_is_known_by_its_code_and_its_name(text: str, code: str) -> None:
    assert country_code(text) == code


def test_a_country_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no country 'Elbonia'"):
        country_code("Elbonia")
