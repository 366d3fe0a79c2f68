"""The migrations say what the models say."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState

from tests.house.tree import CORE


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    output = StringIO()

    try:
        call_command("makemigrations", check=True, dry_run=True, stdout=output)
    except SystemExit:
        pytest.fail(output.getvalue())


@pytest.mark.once
def test_a_missing_migration_is_found() -> None:
    loader = MigrationLoader(None)
    wanted = loader.project_state()
    wanted.add_model(
        ModelState("orderloom", "Attic", [("id", models.BigAutoField(primary_key=True))])
    )

    changes = MigrationAutodetector(loader.project_state(), wanted).changes(graph=loader.graph)

    assert isinstance(wanted, ProjectState)
    assert "orderloom" in changes


@pytest.mark.once
def test_the_migrations_are_one_line() -> None:
    names = sorted(path.stem for path in (CORE / "migrations").glob("[0-9]*.py"))

    numbers = [int(re.match(r"\d+", name).group()) for name in names]  # type: ignore[union-attr]

    assert numbers == list(range(1, len(names) + 1))
