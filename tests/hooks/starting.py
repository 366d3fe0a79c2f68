"""Commands of a shop whose path holds a gallery, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.hooks.gallery import Gallery
from tests.house.tree import ROOT


class Shop:
    """Commands of a shop whose path holds a gallery and whose data is its own."""

    def __init__(self, gallery: Gallery, folder: Path) -> None:
        self.gallery = gallery
        self.folder = folder

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `manage.py`."""
        return self._python([str(ROOT / "manage.py"), *arguments], variables)

    def ask(self, act: str, given: Mapping[str, Any] | None = None, **variables: str) -> Any:
        """Run `module:function` in a process of this shop and return what it returns."""
        done = self._python(["-m", "tests.child", act, json.dumps(given or {})], variables)
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout.splitlines()[-1])

    def _python(
        self, arguments: list[str], variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        environ = {
            **os.environ,
            "PYTHONPATH": str(self.gallery.folder),
            "DJANGO_SETTINGS_MODULE": "core.project.settings",
            "ORDERLOOM_DATA": str(self.folder),
            "DATABASE_URL": f"sqlite:///{self.folder / 'shop.sqlite3'}",
            **variables,
        }
        return subprocess.run(
            [sys.executable, *arguments],
            env=environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def listed(self, **variables: str) -> dict[str, Any]:
        done = self.run("plugins", "list", "--json", **variables)
        assert done.returncode == 0, done.stderr
        return {row["name"]: row for row in json.loads(done.stdout)}
