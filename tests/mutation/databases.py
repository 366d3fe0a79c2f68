"""Give each mutant's tests a database file of their own: a copy of one that was migrated once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test.utils import setup_databases


@pytest.fixture(scope="session")
def django_db_setup(django_db_modify_db_settings: None, django_db_blocker: Any) -> Iterator[None]:
    """Migrate once, in the first run of a room, and copy the file in every later one."""
    connection = connections["default"]
    first = Path(connection.settings_dict["TEST"]["NAME"])
    with django_db_blocker.unblock():
        if not first.exists():
            setup_databases(verbosity=0, interactive=False, keepdb=True)
            connections.close_all()
        own = first.with_name(f"{first.stem}_{os.getpid()}{first.suffix}")
        shutil.copy(first, own)
        connection.close()
        connection.settings_dict["NAME"] = str(own)
        yield
        connections.close_all()
    for left in own.parent.glob(f"{own.name}*"):
        left.unlink(missing_ok=True)
