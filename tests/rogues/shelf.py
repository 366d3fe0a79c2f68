"""Writes the gallery as one distribution that pip installs: a package and an entry point each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.rogues.kinds import Rogue

PROJECT = """\
[build-system]
requires = ["setuptools>=80.9"]
build-backend = "setuptools.build_meta"

[project]
name = "rogues-gallery"
version = "1.0"
requires-python = ">=3.11"

[project.entry-points."orderloom.plugins"]
{entries}

[tool.setuptools.packages.find]
where = ["src"]

[tool.setuptools.package-data]
"*" = ["plugin.toml"]
"""


def write(rogues: Iterable[Rogue], folder: Path) -> Path:
    """Write the distribution into `folder` and return it."""
    entries = []
    for rogue in rogues:
        home = folder / "src" / rogue.package
        home.mkdir(parents=True)
        (home / "__init__.py").touch()
        (home / "plugin.py").write_text(rogue.source(), encoding="utf-8")
        (home / "plugin.toml").write_text(rogue.manifest(), encoding="utf-8")
        for name, text in rogue.files.items():
            (home / name).write_text(text, encoding="utf-8")
        entries.append(f'"{rogue.name}" = "{rogue.package}.plugin"')
    text = PROJECT.format(entries="\n".join(entries))
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder
