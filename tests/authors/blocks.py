"""The packages in the documents: each code block that names a file is that file.

`python -m tests.authors.blocks` writes them into `tests/authors/`, after a page has changed.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.house.tree import ROOT

KINDS = ("payment", "pricing", "notification", "warmer")
HERE = ROOT / "tests" / "authors"

_BLOCK = re.compile(r"^```[a-z]+ (?P<name>[\w./-]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def page(kind: str) -> str:
    return (ROOT / "docs" / "authors" / f"{kind}.md").read_text(encoding="utf-8")


def blocks(text: str) -> dict[str, str]:
    """Return the files that a page consists of, by path."""
    return {found["name"]: found["text"] for found in _BLOCK.finditer(text)}


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
        write(blocks(page(each)), HERE / each)
