"""Questions to JSON columns that both databases answer, each in its own words."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler


@models.JSONField.register_lookup
class HasItem(models.Lookup):
    """``list__has_item="Tea"``: the list holds this string."""

    lookup_name = "has_item"
    prepare_rhs = False

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """Ask in the words of SQLite."""
        column, params = self.process_lhs(compiler, connection)
        return f"EXISTS(SELECT 1 FROM json_each({column}) WHERE value = %s)", (*params, self.rhs)  # noqa: S608 - a column's name

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """Ask in the words of PostgreSQL."""
        column, params = self.process_lhs(compiler, connection)
        return f"{column} @> jsonb_build_array(%s::text)", (*params, self.rhs)
