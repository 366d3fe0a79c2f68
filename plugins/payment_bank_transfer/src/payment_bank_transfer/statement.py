"""A bank's statement: lines of a CSV file, and what each of them says of a payment."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

from hookspecs import Fact, FactKind, Money, Notice
from payment_bank_transfer.reference import read_reference

COLUMNS = ("booked_on", "amount", "currency", "reference", "transaction_id")
_LONGEST_ID = 200


class UnreadableError(Exception):
    """It is no statement, or a line of it can't be read; says which and why."""


def notices_of(body: bytes, *, account: str) -> tuple[Notice, ...]:
    """Return a notice for every booking that brought money in, whole or not at all.

    Raises:
        UnreadableError: it is no statement, or a line of it can't be read.
    """
    notices: dict[str, Notice] = {}
    for line, row in _rows(body):
        try:
            notice = _notice(row, account)
        except ValueError as error:
            raise UnreadableError(f"line {line}: {error}") from error
        if notice is None:
            continue
        if notices.setdefault(notice.event_id, notice) != notice:
            raise UnreadableError(f"line {line}: {notice.event_id} stands here twice, differently")
    return tuple(notices.values())


def _rows(body: bytes) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError("it isn't encoded as UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = set(COLUMNS) - set(reader.fieldnames or ())
        if missing:
            raise UnreadableError(f"line 1: no column {', '.join(sorted(missing))}")
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise UnreadableError(f"line {reader.line_num + 1}: {error}") from error


def _notice(row: Mapping[str, str | None], account: str) -> Notice | None:
    said = {name: (row[name] or "").strip() for name in COLUMNS}
    amount = Money.parse(said["amount"], said["currency"])
    booked_on = date.fromisoformat(said["booked_on"])
    transaction_id = said["transaction_id"]
    if not 1 <= len(transaction_id) <= _LONGEST_ID:
        raise ValueError(f"a transaction_id has 1 to {_LONGEST_ID} letters")
    if amount.minor <= 0:
        return None
    fact = Fact(
        kind=FactKind.CAPTURED,
        object_id=transaction_id,
        amount=amount,
        account=account,
        at=datetime(booked_on.year, booked_on.month, booked_on.day, tzinfo=UTC),
    )
    return Notice(
        event_id=transaction_id,
        reference=read_reference(said["reference"]) or said["reference"],
        facts=(fact,),
    )
