"""What every suite says of a package: whether it is there, loads, is quick, and loads no library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from core.testing.loading import Loading, loading
from core.testing.plugin_cases import PluginCases, secrets_in
from hookspecs import Secret
from tests.hooks.gallery import STRATEGY, Gallery

pytestmark = pytest.mark.once

PAY = ("payment_strategies",)
MEMORY = STRATEGY.format(code="memory", account=None)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    monkeypatch.syspath_prepend(str(tmp_path))
    return Gallery(tmp_path)


def suite(name: str) -> PluginCases:
    class Suite(PluginCases):
        plugin = name

    return Suite()


def test_a_sound_package_passes(packages: Gallery) -> None:
    packages.add("sound", MEMORY, hooks=PAY)

    suite("sound").test_it_is_installed_and_its_manifest_says_what_its_code_does()
    suite("sound").test_importing_it_is_quick_and_loads_no_library()


def test_a_library_loaded_at_import_is_named(packages: Gallery) -> None:
    packages.add("heavy", "import hypothesis\n" + MEMORY, hooks=PAY)

    assert "hypothesis" in loading("heavy").libraries
    with pytest.raises(AssertionError):
        suite("heavy").test_importing_it_is_quick_and_loads_no_library()


def test_a_manifest_that_says_less_than_the_code_is_found(packages: Gallery) -> None:
    tell = "\n@hookimpl\ndef order_paid(event): ...\n"
    packages.add("liar", MEMORY + tell, hooks=PAY)

    with pytest.raises(AssertionError, match="doesn't declare"):
        suite("liar").test_it_is_installed_and_its_manifest_says_what_its_code_does()


def test_a_package_that_is_not_installed_is_told_apart() -> None:
    with pytest.raises(AssertionError, match="pip install it first"):
        suite("nobody-wrote-this").test_it_is_installed_and_its_manifest_says_what_its_code_does()


def test_a_slow_import_fails() -> None:
    class Slow(PluginCases):
        def _loading(self) -> Loading:
            return Loading(
                code="LOADED", why="", version="1", seconds=0.051, libraries=(), problems=()
            )

    with pytest.raises(AssertionError, match="51 ms"):
        Slow().test_importing_it_is_quick_and_loads_no_library()


def test_secrets_are_found_however_deep() -> None:
    @dataclass(frozen=True, slots=True)
    class Settings:
        keys: tuple[Secret, ...]

    class Client:
        def __init__(self) -> None:
            self.me, self.given = self, {"settings": Settings((Secret("b"), Secret("a")))}

    assert secrets_in(Client()) == ("a", "b")
