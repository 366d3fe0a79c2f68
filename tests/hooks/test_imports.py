"""Importing a bundled plugin loads nothing of what it talks with: its libraries come when needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import ROOT, shelf

pytestmark = pytest.mark.once

PROGRAM = """
import json, sys
import django, hookspecs
from django.conf import settings
apps = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.admin",
        "django.contrib.messages", "django.contrib.sessions"]
settings.configure(INSTALLED_APPS=apps, SECRET_KEY="x")
django.setup()
import django.forms, django.shortcuts, django.template
before = set(sys.modules)
app, modules = json.loads(sys.argv[1])
if app:
    django.apps.apps.set_installed_apps([*apps, app])
for module in modules:
    __import__(module)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def loaded(app: str, modules: list[str]) -> set[str]:
    """Return the packages, but Python's own and Django, that importing these adds."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([app, modules])],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tops = {name.partition(".")[0] for name in json.loads(done.stdout)}
    return tops - set(sys.stdlib_module_names) - {"django"}


@pytest.mark.parametrize("plugin", shelf(), ids=lambda path: path.name)
def test_it_imports_without_its_libraries(plugin: Path) -> None:
    source = plugin / "src" / plugin.name
    manifest = tomllib.loads((source / "plugin.toml").read_text(encoding="utf-8"))
    modules = [f"{plugin.name}.plugin"]
    modules += [manifest["settings"].partition(":")[0]] if "settings" in manifest else []

    added = loaded(manifest.get("django_app", ""), modules)

    assert added == {plugin.name}


def test_a_library_that_comes_along_is_found() -> None:
    assert "stripe" in loaded("", ["stripe"])
