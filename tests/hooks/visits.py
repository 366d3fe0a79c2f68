"""What is done in a shop whose plugins have apps of their own, in a process of that shop."""

from __future__ import annotations

from io import StringIO
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client

from core.application.refresh_registry import look_again, refresh_registry


def look(package: str) -> dict[str, Any]:
    """Return what a plugin's pages, its part of the console and its table say."""
    user, _ = User.objects.get_or_create(username="boss", is_staff=True, is_superuser=True)
    staff = Client(raise_request_exception=False)
    staff.force_login(user)
    admin = f"/admin/{package}/"
    return {
        "page": staff.get("/x/well/").status_code,
        "console": [staff.get(f"{admin}{below}").status_code for below in ("", "row/", "row/add/")],
        "listed": admin in staff.get("/admin/").content.decode(),
        "users": staff.get("/admin/auth/user/").status_code,
        "installed": apps.is_installed(package),
        "table": f"{package}_row" in connection.introspection.table_names(),
    }


def migrate_meanwhile(package: str) -> list[list[str]]:
    """Return state and reason before and after its tables are made, in one process."""
    seen = []
    for labels in (("orderloom",), ("sessions",), (package,)):
        call_command("migrate", *labels, verbosity=0, stdout=StringIO())
        look_again()
        view = refresh_registry().plugin("well")
        assert view is not None
        seen.append([view.state.value, view.why])
    return seen
