"""Plugin apps proved in a child process, since Django imports apps where no `try` of ours stands."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.hooks.discovery import Discovered, Found

__all__ = ["prove_apps"]

PROVING = "ORDERLOOM_PROVING"
"""Set in the child, which must not begin a child of its own."""

_PATIENCE = 60
_PROVED = "proved"
_PROGRAM = f"""
import sys
import django
django.setup()
from django.apps import apps
from django.core.checks import ERROR, run_checks
from django.urls import get_resolver
get_resolver().url_patterns
mine = [app for app in apps.get_app_configs() if app.name in sys.argv[1:]]
faults = [each for each in run_checks(app_configs=mine) if each.level >= ERROR]
if faults:
    sys.exit(f"{{faults[0].id}}: {{faults[0].msg}}")
print({_PROVED!r})
"""


def prove_apps(
    discovered: Discovered, *, folder: Path, environ: Mapping[str, str] = os.environ
) -> Discovered:
    """Return the same, with plugins whose Django app would stop us from starting as LOAD_FAILED.

    What was proved is remembered in `folder` until a package's files change.
    """
    apps = [found for found in discovered.to_load if found.manifest and found.manifest.django_app]
    if not apps or environ.get(PROVING):
        return discovered
    memory = folder / "proved_apps.json"
    prints = {found.name: _fingerprint(found) for found in apps}
    if _remembered(memory) == prints:
        return discovered
    refused = _refused(apps, environ)
    _remember(memory, {name: text for name, text in prints.items() if name not in refused})
    return discovered.without(refused)


def _refused(apps: Sequence[Found], environ: Mapping[str, str]) -> dict[str, str]:
    """All at once first; only where that fails, one by one, to find the culprit."""
    if not _fault(apps, environ):
        return {}
    alone = {found.name: _fault([found], environ) for found in apps}
    culprits = {name: fault for name, fault in alone.items() if fault}
    return culprits or {found.name: "its Django app fails beside the others" for found in apps}


def _fault(apps: Sequence[Found], environ: Mapping[str, str]) -> str:
    packages = [found.manifest.package for found in apps if found.manifest]
    given = {
        **environ,
        PROVING: "1",
        "ORDERLOOM_PLUGINS": ",".join(found.name for found in apps),
        "ORDERLOOM_STRICT": "0",
        "PYTHONPATH": os.pathsep.join(part or os.curdir for part in sys.path),
    }
    try:
        ran = subprocess.run(  # noqa: S603 - our own program, in our own Python
            [sys.executable, "-c", _PROGRAM, *packages],
            env=given,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"its Django app didn't start within {_PATIENCE} s"
    if ran.stdout.strip().endswith(_PROVED):
        return ""
    said = ran.stderr.strip().splitlines() or [f"it ended the process with code {ran.returncode}"]
    return f"its Django app can't be started: {said[-1][:300]}"


def _fingerprint(found: Found) -> str:
    """Editable packages change without a new version, so the files' times count as well."""
    folder = Path(found.folder)
    files = sorted(
        (str(file.relative_to(folder)), file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file() and file.suffix not in {".pyc", ".pyo"}
    )
    about = (found.distribution, found.version, sys.version, str(folder), files)
    return hashlib.sha256(repr(about).encode()).hexdigest()


def _remembered(memory: Path) -> object:
    try:
        return json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _remember(memory: Path, prints: Mapping[str, str]) -> None:
    """Where it can't be written, the next start proves again."""
    draft = memory.with_name(f"{memory.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(prints), encoding="utf-8")
        draft.replace(memory)
    except OSError:
        draft.unlink(missing_ok=True)
