"""The packages in the documents: what `plugins new` writes, with each block put in its file's place.

`python -m tests.authors.blocks` writes them into `tests/authors/`, after a page has changed.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from core.management.skeleton import begin_plugin
from tests.house.tree import ROOT

KINDS = ("payment", "pricing", "notification", "warmer")
HERE = ROOT / "tests" / "authors"

_BLOCK = re.compile(r"^```[a-z]+ (?P<name>[\w./-]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_BEGUN = re.compile(r"^orderloom plugins new (?P<name>\S+) --kind (?P<kind>\S+)$", re.MULTILINE)
_GONE = re.compile(r"^rm (?P<paths>.+)$", re.MULTILINE)


def page(kind: str) -> str:
    return (ROOT / "docs" / "authors" / f"{kind}.md").read_text(encoding="utf-8")


def blocks(text: str) -> dict[str, str]:
    """Return the files that a page gives whole, by path."""
    return {found["name"]: found["text"] for found in _BLOCK.finditer(text)}


def package(kind: str) -> dict[str, str]:
    """Do what a page tells an author to do, and return the files that come of it, by path."""
    text = page(kind)
    begun = _BEGUN.search(text)
    assert begun is not None
    assert begun["kind"] == kind
    with TemporaryDirectory() as folder:
        made = begin_plugin(begun["name"], kind=kind, into=Path(folder))
        for gone in _GONE.finditer(text):
            for path in gone["paths"].split():
                (Path(folder) / path).unlink()
        return committed(made.folder) | blocks(text)


def committed(folder: Path) -> dict[str, str]:
    """Return the files of a package, by path."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in paths
        if "__pycache__" not in path.parts
    }


def write(files: dict[str, str], folder: Path) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


if __name__ == "__main__":
    for each in KINDS:
        shutil.rmtree(HERE / each, ignore_errors=True)
        write(package(each), HERE / each)
