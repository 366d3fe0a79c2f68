"""How an installed plugin comes up, seen in a child process: what it loads, and how long it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

__all__ = ["Loading", "loading"]

_TRIES: Final = 3
_PATIENCE: Final = 60
_PROGRAM: Final = """
import json, sys
import django
django.setup()
from django.apps import apps
from importlib_metadata import packages_distributions

name, known = sys.argv[1], set(json.loads(sys.argv[2]))
app = apps.get_app_config("orderloom")
plugin = next((each for each in app.loaded.plugins if each.name == name), None)
tops = {each.partition(".")[0] for each in sys.modules}
new = tops - known - set(sys.stdlib_module_names) if known else set()
if plugin is not None and plugin.found.manifest is not None:
    new.discard(plugin.found.manifest.package)
    owners = packages_distributions() if new else {}
    new = {
        each
        for each in new
        if {owner.lower().replace("_", "-") for owner in owners.get(each, [each])}
        - {plugin.found.distribution}
    }
print(json.dumps({
    "tops": sorted(tops),
    "libraries": sorted(new),
    "code": plugin.code if plugin else "",
    "why": plugin.why if plugin else "",
    "seconds": plugin.seconds if plugin else 0.0,
    "version": plugin.found.version if plugin else "",
    "problems": [str(each) for each in app.first.problems],
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What became of a plugin in a process of its own.

    `code` is empty where nothing of that name is installed; `libraries` are the packages that came
    with it beyond the standard library and what the core itself has loaded; `seconds` is the best
    of a few tries.
    """

    code: str
    why: str
    version: str
    seconds: float
    libraries: tuple[str, ...]
    problems: tuple[str, ...]


@cache
def loading(plugin: str, *, quick: float = 0.05) -> Loading:
    """Start Django with this plugin and no other; again, if importing it took longer than `quick`.

    Raises:
        RuntimeError: the child process ended without an answer; its last line says why.

    """
    known = _bare()
    told = _told(plugin, known)
    for _ in range(_TRIES - 1):
        if told["seconds"] <= quick:
            break
        again = _told(plugin, known)
        told = min(told, again, key=lambda each: float(each["seconds"]))
    return Loading(
        code=told["code"],
        why=told["why"],
        version=told["version"],
        seconds=told["seconds"],
        libraries=tuple(told["libraries"]),
        problems=tuple(told["problems"]),
    )


@cache
def _bare() -> tuple[str, ...]:
    """The packages that a shop without any plugin has loaded."""
    return tuple(_told("", ())["tops"])


def _told(plugin: str, known: tuple[str, ...]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603 - our own program, in our own Python
            [sys.executable, "-c", _PROGRAM, plugin, json.dumps(known)],
            env=_environ(plugin, folder),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise RuntimeError(f"a shop with {plugin or 'no plugin'} doesn't start: {said[-1]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _environ(plugin: str, folder: str) -> Mapping[str, str]:
    own = {name: text for name, text in os.environ.items() if not name.startswith("ORDERLOOM_")}
    return {
        **own,
        "DJANGO_SETTINGS_MODULE": "core.project.settings",
        "DEBUG": "1",
        "DATABASE_URL": f"sqlite:///{folder}/shop.sqlite3",
        "CACHE_URL": "locmem://",
        "ORDERLOOM_DATA": folder,
        "ORDERLOOM_PLUGINS": plugin,
        "ORDERLOOM_SANDBOX": "1",
        "PYTHONPATH": os.pathsep.join(part or os.curdir for part in sys.path),
    }
