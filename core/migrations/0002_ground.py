"""Lay what migrations of models can't say: the referee, room on hot pages."""

from __future__ import annotations

from typing import Any

from django.db import migrations

# Raises a check violation named after the rule that was missed, so that a statement made of many
# parts is written whole or not at all, and says why (see core/models/sheet.py).
REQUIRE = """
CREATE OR REPLACE FUNCTION orderloom_require(held boolean, rule text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF held THEN
        RETURN true;
    END IF;
    RAISE EXCEPTION 'rule % missed', rule USING ERRCODE = 'check_violation', CONSTRAINT = rule;
END
$$
"""

# Room on each page for updates in place: stock and orders are moved often.
FILLFACTORS = {"orderloom_stock": 50, "orderloom_order": 80, "orderloom_operation": 70}


def lay(_apps: Any, schema_editor: Any) -> None:
    """Put the referee into PostgreSQL, and room on its hot pages."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(REQUIRE, params=None)
        for table, factor in FILLFACTORS.items():
            schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = {factor})")


def lift(_apps: Any, schema_editor: Any) -> None:
    """Take the referee away again."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION IF EXISTS orderloom_require(boolean, text)")


class Migration(migrations.Migration):
    dependencies = [("orderloom", "0001_initial")]
    operations = [migrations.RunPython(lay, lift)]
