"""mypy and pyright on an author's plugin, where only the wheel is installed and no stubs are."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.management.skeleton import KINDS, begin_plugin
from tests.house.test_wheels import build
from tests.house.tree import ROOT
from tests.prefix import Prefix

pytestmark = [pytest.mark.wheels, pytest.mark.once, pytest.mark.timeout(400)]

HERE = Path(__file__).parent
MARK = "# mistake: "


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Prefix:
    """Return an environment with the core's wheel and pluggy in it, and nothing else at all."""
    folder = tmp_path_factory.mktemp("typing")
    prefix = Prefix(folder / "venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", prefix.folder], check=True)
    pluggy = find_spec("pluggy")
    assert pluggy is not None
    assert pluggy.origin is not None
    shutil.copytree(Path(pluggy.origin).parent, prefix.site / "pluggy")
    shutil.unpack_archive(build(ROOT, folder), prefix.site, "zip")
    return prefix


class Author:
    """A folder outside the checkout, and a checker of its own in another environment."""

    def __init__(self, prefix: Prefix, folder: Path) -> None:
        self.prefix, self.folder = prefix, folder

    def writes(self, name: str) -> Path:
        return Path(shutil.copy(HERE / name, self.folder))

    def asks(self, checker: str, *paths: str) -> tuple[int, str]:
        python = str(self.prefix.python)
        command = {
            "mypy": ["-m", "mypy", "--strict", "--config-file=", f"--python-executable={python}"],
            "pyright": ["-m", "pyright", f"--pythonpath={python}"],
        }[checker]
        done = subprocess.run(
            [sys.executable, *command, *paths],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def finds(self, checker: str, name: str) -> set[int]:
        """Return the numbers of the lines in which a checker finds an error."""
        _, said = self.asks(checker, name)
        return {int(line) for line in re.findall(rf"{name}:(\d+)(?::\d+)?(?: -|:) error", said)}


@pytest.fixture
def author(prefix: Prefix, tmp_path: Path) -> Author:
    return Author(prefix, tmp_path)


def marked(path: Path) -> set[int]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if MARK in line}


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_an_authors_plugin_of_every_kind_is_typed(checker: str, author: Author) -> None:
    author.writes("plugin_author.py")

    code, said = author.asks(checker, "plugin_author.py")

    assert code == 0, said


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_every_mistake_is_found_and_nothing_else(checker: str, author: Author) -> None:
    path = author.writes("plugin_mistaken.py")

    found = author.finds(checker, path.name)

    assert found == marked(path)


def test_without_the_stubs_the_page_has_no_types(author: Author, tmp_path: Path) -> None:
    """The control: it is the stubs in the wheel that carry the types, nothing that lies here."""
    bare = Prefix(tmp_path / "bare")
    shutil.copytree(author.prefix.folder, bare.folder, symlinks=True)
    shutil.rmtree(bare.site / "hookspecs-stubs")
    author.writes("plugin_author.py")

    code, said = Author(bare, author.folder).asks("mypy", "plugin_author.py")

    assert code == 1
    assert "import-untyped" in said


@pytest.mark.parametrize("kind", KINDS)
def test_what_plugins_new_writes_is_typed(kind: str, author: Author) -> None:
    begin_plugin("acme-new", kind=kind, into=author.folder)
    (author.folder / "pyrightconfig.json").write_text(
        '{"typeCheckingMode": "strict", "extraPaths": ["acme-new/src"]}', encoding="utf-8"
    )
    source = Author(author.prefix, author.folder / "acme-new/src")

    by_mypy = source.asks("mypy", "-p", "acme_new")
    by_pyright = author.asks("pyright", "--level=error", "acme-new/src")

    assert by_mypy[0] == 0, by_mypy[1]
    assert "0 errors" in by_pyright[1], by_pyright[1]
