"""Plugin apps proved in a child process, since Django imports apps where no `try` of ours stands."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from core.hooks.discovery import Discovered, Found

__all__ = ["brings_django", "prove", "prove_apps"]

PROVING = "ORDERLOOM_PROVING"
"""Set in the child, which must not begin a child of its own."""

_PATIENCE = 60
_LATE = f"didn't start within {_PATIENCE} s"
_PROVED = "proved"
_PROGRAM = "core.project.proving"
_AT_ONCE = 4


def brings_django(found: Found) -> bool:
    """Say whether a plugin has an app or pages, and so could stop Django from starting."""
    return found.manifest is not None and bool(found.manifest.django_app or found.manifest.urls)


def prove_apps(
    discovered: Discovered, *, folder: Path, environ: Mapping[str, str] = os.environ
) -> Discovered:
    """Return the same, with plugins whose Django app would stop us from starting as LOAD_FAILED.

    What was proved is remembered in `folder` until the set of plugins, one of their files or the
    installed packages change.
    """
    apps = [found for found in discovered.to_load if brings_django(found)]
    if not apps or environ.get(PROVING):
        return discovered
    memory = folder / "proved_apps.json"
    prints = {"": _ground(), **{found.name: _fingerprint(found) for found in apps}}
    faults = _remembered(memory, prints)
    if faults is None:
        faults = prove(apps, environ=environ)
        if not any(fault.endswith(_LATE) for fault in faults.values()):
            _remember(memory, {"prints": prints, "faults": faults})
    return discovered.without(faults)


def prove(apps: Sequence[Found], *, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the faults by name: all at once first; where that fails, each alone, then together.

    Who fails only beside the others is found by adding one after the other, in their order.
    """
    if not apps or not _fault(apps, environ):
        return {}
    with ThreadPoolExecutor(_AT_ONCE) as children:
        said = children.map(lambda found: _fault([found], environ), apps)
        faults = {found.name: fault for found, fault in zip(apps, said, strict=True) if fault}
    well = [found for found in apps if found.name not in faults]
    if faults and not _fault(well, environ):
        return faults
    together: list[Found] = []
    for found in well:
        if fault := _fault([*together, found], environ):
            faults[found.name] = f"beside {_names(together)} {fault}"
        else:
            together.append(found)
    return faults


def _names(apps: Iterable[Found]) -> str:
    return ", ".join(found.name for found in apps) or "the core"


def _fault(apps: Sequence[Found], environ: Mapping[str, str]) -> str:
    """A program of floor 5, named and not imported, sets Django up with these apps alone."""
    if not apps:
        return ""
    given = {
        **environ,
        PROVING: "1",
        "ORDERLOOM_PLUGINS": ",".join(found.name for found in apps),
        "ORDERLOOM_STRICT": "0",
        "PYTHONPATH": os.pathsep.join(part or os.curdir for part in sys.path),
    }
    packages = [found.manifest.package for found in apps if found.manifest]
    try:
        ran = subprocess.run(  # noqa: S603 - our own program, in our own Python
            [sys.executable, "-P", "-m", _PROGRAM, *packages],
            env=given,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"its Django app {_LATE}"
    if ran.stdout.strip().endswith(_PROVED):
        return ""
    said = ran.stderr.strip().splitlines() or [f"it ended the process with code {ran.returncode}"]
    return f"its Django app can't be started: {said[-1][:300]}"


def _ground() -> str:
    """What all of them stand on: Python, and what pip has installed or removed."""
    named = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *sys.path}
    folders = (Path(name) for name in named if name.endswith("-packages"))
    times = sorted((str(each), each.stat().st_mtime_ns) for each in folders if each.is_dir())
    return hashlib.sha256(repr((sys.version, times)).encode()).hexdigest()


def _fingerprint(found: Found) -> str:
    """Editable packages change without a new version, so the files' times count as well."""
    files = sorted(_times(found.folder))
    about = (found.distribution, found.version, found.folder, files)
    return hashlib.sha256(repr(about).encode()).hexdigest()


def _times(folder: str) -> Iterable[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _times(entry.path)
            elif not entry.name.endswith((".pyc", ".pyo")):
                yield entry.path, entry.stat().st_mtime_ns


def _remembered(memory: Path, prints: Mapping[str, str]) -> dict[str, str] | None:
    try:
        kept = json.loads(memory.read_text(encoding="utf-8"))
        return dict(kept["faults"]) if kept["prints"] == prints else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(memory: Path, proved: Any) -> None:
    """Where it can't be written, the next start proves again."""
    draft = memory.with_name(f"{memory.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(proved), encoding="utf-8")
        draft.replace(memory)
    except OSError:
        draft.unlink(missing_ok=True)
