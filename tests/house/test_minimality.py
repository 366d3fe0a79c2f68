"""The core stays small, names no plugin, and drags nothing in."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import CORE, ROOT, parsed, shelf, shown

pytestmark = pytest.mark.once

LOWER = ("domain", "models", "hooks", "infrastructure", "application")
BESIDE = ("context.py", "conf.py", "signals.py")
UPPER = ("http", "management", "admin", "jobs")

LOADER = """
import importlib, pkgutil, sys
from core.project import settings
settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "ninja"]
import django
django.setup()
before = set(sys.modules)
names = {names!r}
for name in names:
    module = importlib.import_module(name)
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), name + "."):
        importlib.import_module(found.name)
print("\\n".join(sorted(set(sys.modules) - before)))
"""


def lines(paths: list[Path]) -> int:
    return sum(path.read_text(encoding="utf-8").count("\n") for path in paths)


def lower_modules() -> list[Path]:
    found = [ROOT / "hookspecs.py", *(CORE / name for name in BESIDE)]
    found += [path for room in LOWER for path in (CORE / room).rglob("*.py")]
    return [path for path in found if path.is_file()]


def allowed(what: str, *, unless: int, changelog: str) -> int:
    """Return how many lines `what` may hold: `unless`, or what CHANGELOG raised it to."""
    raised = re.findall(rf"{what} hold at most ([\d,]+) lines", changelog)
    return max([unless, *(int(number.replace(",", "")) for number in raised[:1])])


@pytest.mark.parametrize(("what", "most"), [("floors 0 to 3", 7_000), ("the doors", 4_000)])
def test_the_core_is_small(what: str, most: int) -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    doors = [path for room in UPPER for path in (CORE / room).rglob("*.py")]

    held = lines(doors if what == "the doors" else lower_modules())

    assert held <= allowed(what, unless=most, changelog=changelog)


def test_only_a_line_in_the_changelog_raises_a_limit() -> None:
    line = "- The lower floors grew: floors 0 to 3 hold at most 7,500 lines."

    assert allowed("floors 0 to 3", unless=7_000, changelog="") == 7_000
    assert allowed("floors 0 to 3", unless=7_000, changelog=line) == 7_500
    assert allowed("the doors", unless=4_000, changelog=line) == 4_000


def names_of(plugin: Path) -> set[str]:
    """Return every name that betrays the plugin at `plugin`: folder, distribution, entry point."""
    project = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points = project.get("entry-points", {}).get("orderloom.plugins", {})
    return {plugin.name, project["name"], *points} | {plugin.name.replace("_", "-")}


def without_bundled(path: Path) -> str:
    """Return the text of `path` without its constant `BUNDLED`, the one list of plugins."""
    text = path.read_text(encoding="utf-8").splitlines()
    for node in parsed(path).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "BUNDLED":
            for number in range(node.lineno - 1, node.end_lineno or node.lineno):
                text[number] = ""
    return "\n".join(text)


def betrayed(text: str, names: set[str]) -> set[str]:
    return {name for name in names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)}


def test_the_core_names_no_plugin() -> None:
    names = {name for plugin in shelf() for name in names_of(plugin)}

    found = {
        shown(path): sorted(betrayed(without_bundled(path), names))
        for path in [ROOT / "hookspecs.py", *CORE.rglob("*.py")]
    }

    assert not {path: named for path, named in found.items() if named}


def test_the_core_knows_no_provider() -> None:
    found = [
        shown(path)
        for path in lower_modules()
        if re.search(r"stripe|paypal", without_bundled(path), re.IGNORECASE)
        and path != ROOT / "hookspecs.py"
    ]

    assert not found


def test_a_plugin_named_in_the_core_is_found() -> None:
    assert betrayed('registry["payment-one"]', {"payment-one"}) == {"payment-one"}
    assert not betrayed("payment-one-two", {"payment-one"})


def loaded(names: list[str]) -> set[str]:
    """Return the modules that importing `names`, and all below them, adds to a set-up Django."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADER.replace("{names!r}", repr(names))],
        cwd=ROOT,
        env=dict(os.environ)
        | {"ORDERLOOM_PLUGINS": "", "DJANGO_SETTINGS_MODULE": "core.project.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def intruders(modules: set[str]) -> set[str]:
    above = tuple(f"core.{room}" for room in (*UPPER, "project", "apps", "checks", "testing"))
    foreign = (
        "ninja",
        "stripe",
        "paypalserversdk",
        "httpx2",
        "redis",
        "celery",
        "babel",
        "django_htmx",
    )
    return {
        name
        for name in modules
        if any(name == one or name.startswith(f"{one}.") for one in (*above, *foreign))
    }


def test_the_lower_floors_load_no_door_and_no_library_of_a_plugin() -> None:
    rooms = [f"core.{room}" for room in LOWER if (CORE / room / "__init__.py").is_file()]
    beside = [f"core.{name.removesuffix('.py')}" for name in BESIDE if (CORE / name).is_file()]

    modules = loaded(["hookspecs", *beside, *rooms])

    assert not intruders(modules)


def test_a_library_loaded_by_the_lower_floors_is_found() -> None:
    assert "ninja" in intruders(loaded(["ninja"]))
