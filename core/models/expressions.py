"""What reports ask of the database in words that PostgreSQL and SQLite both understand."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import WindowFrame
from django.db.models.sql.compiler import SQLCompiler


class DayNumber(models.Func):
    """Turn a date into a number of days since 1970-01-01: an integer that windows can range over."""

    arity = 1
    output_field = models.IntegerField()

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        """Subtract two dates."""
        return self.as_sql(
            compiler, connection, template="(%(expressions)s - DATE '1970-01-01')", **context
        )

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        """Count in Julian days, which begin at noon."""
        template = "CAST(julianday(%(expressions)s) - 2440587.5 AS INTEGER)"
        return self.as_sql(compiler, connection, template=template, **context)


class Total(models.Func):
    """Sum what was aggregated already: the SUM that goes over a window of groups.

    Django's own ``Sum`` refuses an aggregate as its argument, window or not.
    """

    function = "SUM"
    arity = 1
    window_compatible = True
    output_field = models.BigIntegerField()


class PastDays(WindowFrame):
    """The frame of a moving average: today and the ``days - 1`` before it, sold or not.

    It ranges over a window ordered by one integer, such as `DayNumber`, so that days without rows
    count as well; a frame of rows would reach back over them. Django offers such ranges on no
    database, since PostgreSQL wants them over numbers, and orders by anything.
    """

    frame_type = "RANGE"

    def __init__(self, days: int) -> None:
        super().__init__(start=1 - days, end=0)

    def window_frame_start_end(
        self,
        connection: BaseDatabaseWrapper,  # noqa: ARG002 - both databases say it alike
        start: int | None,
        end: int | None,  # noqa: ARG002 - it is always today
    ) -> tuple[Any, Any]:
        """Name both ends."""
        return f"{-(start or 0)} PRECEDING", "CURRENT ROW"
