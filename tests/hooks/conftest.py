"""A gallery per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hooks.gallery import Gallery, on_path
from tests.hooks.starting import Shop


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """Return an empty folder of packages that Python finds."""
    folder = tmp_path / "site"
    folder.mkdir()
    with on_path(folder):
        yield Gallery(folder)


@pytest.fixture
def shop(gallery: Gallery, tmp_path: Path) -> Shop:
    """Return a shop with that folder on its path, and data of its own."""
    folder = tmp_path / "data"
    folder.mkdir()
    return Shop(gallery, folder)
