"""What a running `up` tells the commands beside it: where its sandbox answers."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["share", "shared"]

_FILE: Final = "sandbox.json"
_PREFIX: Final = "ORDERLOOM_"


def share(folder: Path, given: Mapping[str, str]) -> bool:
    """Write down, for its owner alone, what a sandbox gave us; say whether nobody else did before.

    The file stays locked until this process ends, through an exec too, and so tells a running
    `up` from one that was killed.
    """
    file = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if not _locked(file):
        os.close(file)
        return False
    os.fchmod(file, 0o600)
    os.ftruncate(file, 0)
    kept = {name: value for name, value in given.items() if name.startswith(_PREFIX)}
    os.pwrite(file, json.dumps(kept).encode(), 0)
    os.set_inheritable(file, True)  # noqa: FBT003 - positional-only
    return True


def _locked(file: int) -> bool:
    for _ in range(5):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.02)  # a reader lets go at once, another `up` doesn't
        else:
            return True
    return False


def shared(folder: Path) -> dict[str, str]:
    """Return what a running `up` shares; nothing where none runs."""
    try:
        file = os.open(folder / _FILE, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return {}
    with os.fdopen(file, encoding="utf-8") as left:
        try:
            fcntl.flock(left, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:  # it is held: somebody runs
            told = json.loads(left.read() or "{}")
            return {str(n): str(v) for n, v in told.items() if n.startswith(_PREFIX)}
    return {}
