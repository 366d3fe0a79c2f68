"""Whether the tables are as the code wants them."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def unapplied() -> tuple[str, ...]:
    """Return the labels of the apps whose tables aren't as their code wants them."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return tuple(dict.fromkeys(migration.app_label for migration, _ in plan))
