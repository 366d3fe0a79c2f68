"""The child process that proves plugin apps: everything Django does with an app, done once."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence

import django
from django.apps import AppConfig, apps
from django.core.checks import ERROR, run_checks
from django.db.migrations.loader import MigrationLoader
from django.template import engines
from django.urls import URLResolver, get_resolver

__all__ = ["prove"]


def prove(packages: Sequence[str]) -> str:
    """Set up Django with these plugins' apps and return the first fault, "" if there is none.

    Models and admin come with setting up; then template tags, addresses, migrations and checks.
    """
    django.setup()
    mine = [app for app in apps.get_app_configs() if app.name.partition(".")[0] in packages]
    engines.all()
    _walk(get_resolver())
    return next(_faults(mine), "")


def _walk(resolver: URLResolver) -> None:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            _walk(pattern)


def _faults(mine: Sequence[AppConfig]) -> Iterator[str]:
    for said in run_checks(app_configs=mine):
        if said.level >= ERROR:
            yield f"{said.id}: {said.msg}"
    loader = MigrationLoader(None)
    for label, names in loader.detect_conflicts().items():
        yield f"its migrations {' and '.join(sorted(names))} are both the last of {label}"


def _placed(error: BaseException) -> str:
    """What was raised, and the innermost place of the plugin where it was."""
    said = " ".join("".join(traceback.format_exception_only(error)).split())
    frames = traceback.extract_tb(error.__traceback__)
    parts = [tuple(frame.filename.replace("\\", "/").split("/")) for frame in frames]
    for frame, path in zip(reversed(frames), reversed(parts), strict=True):
        for package in sys.argv[1:]:
            if package in path:
                place = "/".join(path[len(path) - path[::-1].index(package) :])
                return f"{place}, line {frame.lineno}: {said}"
    return said


if __name__ == "__main__":
    try:
        fault = prove(sys.argv[1:])
    except Exception as error:  # noqa: BLE001 - whatever an app raises is what we are here for
        fault = _placed(error)
    if fault:
        sys.exit(fault)
    print("proved")  # noqa: T201 - what the parent waits for
