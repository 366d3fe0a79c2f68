"""Throw-away environments that plugins are installed into, and the commands of a shop in one."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from tests.house.tree import ROOT

OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation")
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True)
class Prefix:
    """An environment of its own in which everything installed here is there as well."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Prefix:
        """Make one in `folder`; what pip installs or removes in it stays in it."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        prefix = cls(folder)
        ours = sysconfig.get_path("purelib")
        (prefix.site / "ours.pth").write_text(
            f"import site; site.addsitedir({ours!r})\n", encoding="utf-8"
        )
        return prefix

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site(self) -> Path:
        """The folder that packages are installed into."""
        return next(self.folder.glob("lib/python3*/site-packages"))

    def install(self, *sources: Path) -> None:
        """Install these wheels, or the packages in these folders, offline."""
        self.pip("install", *OFFLINE, *(str(source) for source in sources))

    def build(self, folder: Path, *sources: Path) -> None:
        """Build the wheels of the packages in these folders, offline."""
        self.pip("wheel", *OFFLINE, "--wheel-dir", str(folder), *(str(each) for each in sources))

    def uninstall(self, *distributions: str) -> None:
        self.pip("uninstall", "--yes", *distributions)

    def pip(self, *arguments: str) -> None:
        command = [self.python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run(
            [*command, *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A shop with data of its own, whose every command is a process of its own."""

    prefix: Prefix
    data: Path
    database: str
    environ: Mapping[str, str] = field(default_factory=dict)

    def manage(self, *arguments: str, **variables: str) -> Done:
        """Run a command of `manage.py`."""
        return self._run([str(ROOT / "manage.py"), *arguments], variables)

    def listed(self, **variables: str) -> dict[str, Any]:
        """Return what `plugins list --json` says, by name."""
        done = self.manage("plugins", "list", "--json", **variables)
        assert done.returncode == 0, done.stderr
        return {row["name"]: row for row in json.loads(done.stdout)}

    def ask(self, act: str, given: Mapping[str, Any] | None = None, **variables: str) -> Any:
        """Run `module:function` in a process of this shop and return what it returns."""
        done = self.python(act, given, **variables)
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout.splitlines()[-1])

    def begin(
        self, arguments: Iterable[str], log: BinaryIO, **variables: str
    ) -> subprocess.Popen[bytes]:
        """Start a process of this shop that lasts."""
        return subprocess.Popen(
            [self.prefix.python, *arguments],
            env=self._environ(variables),
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )

    def python(self, act: str, given: Mapping[str, Any] | None = None, **variables: str) -> Done:
        """Run `module:function` in a process of this shop and return how it ended."""
        return self._run(["-m", "tests.child", act, json.dumps(given or {})], variables)

    def _run(self, arguments: list[str], variables: Mapping[str, str]) -> Done:
        return subprocess.run(
            [self.prefix.python, *arguments],
            env=self._environ(variables),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def _environ(self, variables: Mapping[str, str]) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "core.project.settings",
            "ORDERLOOM_DATA": str(self.data),
            "DATABASE_URL": self.database,
            "CACHE_URL": "locmem://",
            **self.environ,
            **variables,
        }


@contextmanager
def made_once(factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """Yield a folder that all workers of a run share, and whether it has yet to be filled."""
    base = factory.getbasetemp()
    home = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, filled = home / name, home / f"{name}.filled"
    folder.mkdir(exist_ok=True)
    with (home / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder, not filled.exists()
        filled.touch()


def sqlite(folder: Path) -> str:
    """Return the address of a database in `folder`."""
    return f"sqlite:///{folder / 'shop.sqlite3'}"
