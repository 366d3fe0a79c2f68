"""A sheet of rows born and moved together, written whole or not at all.

On PostgreSQL it is one data-modifying statement fed by one JSON parameter, and its own
transaction; on SQLite the same parts in turn inside ``atomic()``. Parts run in the order in which
they were added. A move that doesn't find all its rows as it wants them raises ``RuleViolated``
under the move's name, exactly as a named constraint does.
"""
# ruff: noqa: S608 - tables, columns and guards are the models' own; values are parameters

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.db import IntegrityError, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from pydantic_core import to_json

Row = Mapping[str, Any]


class RuleViolated(Exception):  # noqa: N818 - a statement
    """A named constraint, or the rule of a move, didn't hold; nothing was written."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """How rows of a table change: ``t.`` is the row as it stands, ``r.`` what is brought along.

    ``sets`` pairs columns with SQL, ``when`` is the guard, ``rule`` the name under which a missed
    row is reported. Both stay within what PostgreSQL and SQLite have in common.
    """

    model: type[models.Model]
    key: str
    sets: tuple[tuple[str, str], ...]
    when: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What else must hold in the same statement; ``r.`` is what is brought along, as texts."""

    sql: str
    rule: str


@dataclass(frozen=True, slots=True)
class _Part:
    model: type[models.Model]
    columns: tuple[str, ...]
    rows: list[Row]
    move: Move | None = None
    clock: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Sheet:
    """Collects rows, then writes them: on this path, ``write()`` is the unit of work."""

    using: str = "default"
    _parts: list[_Part] = field(default_factory=list)
    _held: list[tuple[Condition, Row]] = field(default_factory=list)

    def require(self, condition: Condition, row: Row) -> None:
        """Let nothing be written unless this holds as well, read by the statement that writes."""
        self._held.append((condition, row))

    def insert(
        self, model: type[models.Model], *rows: Row, clock: Mapping[str, float] | None = None
    ) -> None:
        """Let rows be born; ``clock`` sets columns to the database's now plus some seconds."""
        if rows:
            self._parts.append(_Part(model, tuple(rows[0]), list(rows), clock=clock or {}))

    def change(self, move: Move, *rows: Row, clock: Mapping[str, float] | None = None) -> None:
        """Let rows move, locked in the order of their key; ``clock`` as for ``insert``."""
        if rows:
            ordered = sorted(rows, key=lambda row: str(row[move.key]))
            part = _Part(move.model, tuple(rows[0]), ordered, move=move, clock=clock or {})
            self._parts.append(part)

    def write(self) -> None:
        """Write everything, or nothing.

        Raises:
            RuleViolated: a named constraint or the rule of a move didn't hold.
            RuntimeError: called inside somebody else's transaction (outside of tests).
        """
        connection = connections[self.using]
        blocks = connection.atomic_blocks
        if blocks and not getattr(
            blocks[-1], "_from_testcase", False
        ):  # as Django's `durable` does
            raise RuntimeError("a sheet is a transaction of its own; write it outside of others")
        try:
            if connection.vendor == "postgresql":
                self._write_at_once(connection, in_test=bool(blocks))
            else:
                self._write_in_turn(connection)
        except IntegrityError as exc:
            raise RuleViolated(violated_rule(exc)) from exc

    def _write_at_once(self, connection: BaseDatabaseWrapper, *, in_test: bool) -> None:
        shape = tuple((p.model, p.columns, p.move, tuple(p.clock)) for p in self._parts)
        sql = _statement(shape, tuple(condition for condition, _ in self._held))
        rows = {f"p{i}": part.rows for i, part in enumerate(self._parts)}
        clocks = {f"c{i}": part.clock for i, part in enumerate(self._parts) if part.clock}
        held = {f"h{i}": row for i, (_, row) in enumerate(self._held)}
        document = to_json({**rows, **clocks, **held}).decode()
        if in_test:  # a savepoint, so that a violation leaves the test's transaction usable
            with transaction.atomic(using=self.using), connection.cursor() as cursor:
                cursor.execute(sql, {"j": document})
            return
        with connection.cursor() as cursor:
            cursor.execute(sql, {"j": document})

    def _write_in_turn(self, connection: BaseDatabaseWrapper) -> None:
        with transaction.atomic(using=self.using), connection.cursor() as cursor:
            for condition, row in self._held:
                cursor.execute(f"SELECT {_brought(condition.sql)}", dict(row))
                if not cursor.fetchone()[0]:
                    raise RuleViolated(condition.rule)
            for part in self._parts:
                adapters = _adapters(part.model, part.columns)
                spans = {f"c_{c}": f"{seconds:+f} seconds" for c, seconds in part.clock.items()}
                rows = [
                    {c: a(row[c]) if a else row[c] for c, a in adapters.items()} | spans
                    for row in part.rows
                ]
                sql = _in_turn(part.model, part.columns, part.move, tuple(part.clock))
                cursor.executemany(sql, rows)
                if part.move is not None and cursor.rowcount != len(rows):
                    raise RuleViolated(part.move.rule)


_Shape = tuple[tuple[type[models.Model], tuple[str, ...], Move | None, tuple[str, ...]], ...]


@lru_cache(maxsize=256)
def _statement(shape: _Shape, conditions: tuple[Condition, ...] = ()) -> str:
    """Write the one statement; its text depends on the shape alone, never on how many rows."""
    parts: list[str] = []
    held = [
        f"orderloom_require({_document(f'h{i}', condition.sql)}, '{condition.rule}')"
        for i, condition in enumerate(conditions)
    ]
    for i, (model, columns, move, clock) in enumerate(shape):
        table, name = model._meta.db_table, f"p{i}"  # noqa: SLF001 - Django's public habit
        rows = f"jsonb_populate_recordset(NULL::{table}, %(j)s::jsonb->'{name}')"
        count = f"jsonb_array_length(%(j)s::jsonb->'{name}')"
        after = f"(SELECT count(*) FROM p{i - 1}) >= 0" if i else "true"
        if move is None:
            into = ", ".join([*columns, *clock])
            values = ", ".join([*(f"r.{c}" for c in columns), *(_stamp(i, c) for c in clock)])
            parts.append(
                f"{name} AS (INSERT INTO {table} ({into}) SELECT {values} "
                f"FROM {rows} AS r WHERE {after} RETURNING 1)"
            )
            continue
        brought = f"(SELECT * FROM {rows} LIMIT {count}) AS r"
        stamps = [(column, _stamp(i, column)) for column in clock]
        sets = ", ".join(f"{column} = {sql}" for column, sql in (*move.sets, *stamps))
        parts.append(
            f"{name}_locked AS (SELECT t.{move.key} FROM {table} AS t "
            f"JOIN {brought} ON t.{move.key} = r.{move.key} WHERE {after} "
            f"ORDER BY t.{move.key} FOR UPDATE OF t)"
        )
        parts.append(
            f"{name} AS (UPDATE {table} AS t SET {sets} FROM {name}_locked AS k, {brought} "
            f"WHERE t.{move.key} = k.{move.key} AND r.{move.key} = k.{move.key} "
            f"AND ({move.when}) RETURNING 1)"
        )
        held.append(f"orderloom_require((SELECT count(*) FROM {name}) = {count}, '{move.rule}')")
    held.append(f"(SELECT count(*) FROM p{len(shape) - 1})")
    return f"WITH {', '.join(parts)} SELECT {', '.join(held)}"


def _in_turn(
    model: type[models.Model],
    columns: tuple[str, ...],
    move: Move | None,
    clock: tuple[str, ...],
) -> str:
    table = model._meta.db_table  # noqa: SLF001 - Django's public habit
    stamps = [(c, f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %(c_{c})s)") for c in clock]
    if move is None:
        into = ", ".join([*columns, *clock])
        values = ", ".join([*(f"%({c})s" for c in columns), *(stamp for _, stamp in stamps)])
        return f"INSERT INTO {table} ({into}) VALUES ({values})"
    sets = ", ".join(f"{column} = {_brought(sql)}" for column, sql in (*move.sets, *stamps))
    return (
        f"UPDATE {table} AS t SET {sets} "
        f"WHERE t.{move.key} = %({move.key})s AND ({_brought(move.when)})"
    )


def _stamp(part: int, column: str) -> str:
    """Return the database's now, plus the seconds that the document brings for a column."""
    seconds = f"(%(j)s::jsonb->'c{part}'->>'{column}')::float8"
    return f"clock_timestamp() + make_interval(secs => {seconds})"


def _document(key: str, sql: str) -> str:
    """Turn what a condition's row brings along into a text of the document."""
    return re.sub(r"\br\.(\w+)", rf"(%(j)s::jsonb->'{key}'->>'\1')", sql)


def _brought(sql: str) -> str:
    """Turn what a row brings along into a named parameter."""
    return re.sub(r"\br\.(\w+)", r"%(\1)s", sql)


_Adapter = Callable[[Any], Any]


@lru_cache(maxsize=256)
def _adapters(model: type[models.Model], columns: tuple[str, ...]) -> dict[str, _Adapter | None]:
    """Say how SQLite wants each column: as Django's own fields store it."""
    by_column = {f.column: f for f in model._meta.concrete_fields}  # noqa: SLF001
    return {column: _adapter(by_column[column]) for column in columns}


def _adapter(field: models.Field[Any, Any]) -> _Adapter | None:
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(target, models.UUIDField):
        return lambda value: None if value is None else value.hex
    if isinstance(target, models.JSONField):
        return lambda value: None if value is None else to_json(value).decode()
    if isinstance(target, models.DateTimeField):
        adapt = connections["default"].ops.adapt_datetimefield_value
        return lambda value: None if value is None else adapt(value)
    return None


def violated_rule(exc: IntegrityError) -> str:
    """Return the name of the constraint that an error is about.

    SQLite names a CHECK, but only the columns of a UNIQUE: the models' own constraints say whose
    they are. Empty if neither tells.
    """
    diagnosis = getattr(exc.__cause__, "diag", None)
    if diagnosis is not None:
        return diagnosis.constraint_name or ""
    kind, _, what = str(exc).partition(" constraint failed: ")
    return _unique_names().get(what, what) if kind == "UNIQUE" else what


@lru_cache(maxsize=1)
def _unique_names() -> dict[str, str]:
    """Map the columns that SQLite names to the constraint they belong to."""
    names = {}
    for model in apps.get_models():
        meta = model._meta  # noqa: SLF001
        for constraint in meta.constraints:
            if isinstance(constraint, models.UniqueConstraint):
                columns = {f.name: f.column for f in meta.concrete_fields}
                spelt = [f"{meta.db_table}.{columns[name]}" for name in constraint.fields]
                names[", ".join(spelt)] = constraint.name
    return names
