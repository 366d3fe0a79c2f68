"""The import contracts hold, and each of them can be broken."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.house import contracts

pytestmark = pytest.mark.once


def test_every_import_goes_down() -> None:
    result = contracts.check(contracts.ROOT, environment=os.environ)

    assert result.returncode == 0, result.stdout


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small house of its own, whose imports all go down, with two plugins on its shelf."""
    for file in (
        "core/__init__.py",
        "core/conf.py",
        "core/domain/__init__.py",
        "core/domain/order.py",
        "core/models/__init__.py",
        "core/hooks/__init__.py",
        "core/hooks/manifest.py",
        "core/application/__init__.py",
        "plugins/one/src/one/__init__.py",
        "plugins/two/src/two/__init__.py",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return tmp_path


def test_a_house_without_violations_passes(house: Path) -> None:
    result = contracts.check(house, environment=os.environ)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("core/models/__init__.py", "import core.application", "imports go down the staircase"),
        ("core/models/__init__.py", "import core.hooks", "imports go down the staircase"),
        ("core/attic.py", "", "imports go down the staircase"),
        ("core/domain/order.py", "import django.db", "the rules know no framework"),
        ("core/domain/order.py", "import core.conf", "imports go down the staircase"),
        ("core/application/__init__.py", "import pluggy", "only core.hooks touches pluggy"),
        ("core/hooks/manifest.py", "import core.conf", "what runs while settings are read"),
        ("plugins/one/src/one/__init__.py", "import two", "plugins don't know each other"),
        ("plugins/one/src/one/__init__.py", "import core.domain", "core is a private name"),
    ],
)
def test_a_planted_import_is_found(house: Path, file: str, line: str, contract: str) -> None:
    (house / file).write_text(f"{line}\n", encoding="utf-8")

    result = contracts.check(house, environment=os.environ)

    assert result.returncode == 1, result.stdout
    assert f"{contract}" in result.stdout
    assert "BROKEN" in result.stdout


def test_a_circle_is_found(house: Path) -> None:
    shutil.copy(house / "core/conf.py", house / "core/context.py")
    (house / "core/conf.py").write_text("import core.context\n", encoding="utf-8")
    (house / "core/context.py").write_text("import core.conf\n", encoding="utf-8")

    result = contracts.check(house, environment=os.environ)

    assert "no circles among neighbours BROKEN" in result.stdout
