"""A gallery per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hooks.gallery import Gallery, on_path


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """Return an empty folder of packages that Python finds."""
    folder = tmp_path / "site"
    folder.mkdir()
    with on_path(folder):
        yield Gallery(folder)
