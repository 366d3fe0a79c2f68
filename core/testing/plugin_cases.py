"""Cases that every contract suite has: how the plugin is packaged, loaded, and what it keeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import is_dataclass
from types import ModuleType
from typing import Any, ClassVar, Final, NoReturn

import pytest
from django.db import connections

from core.testing.loading import Loading, loading
from hookspecs import Call, Secret

__all__ = ["PluginCases", "at_once", "not_applicable", "secrets_in"]

_SECONDS: Final = 15.0
_QUICK: Final = 0.05
_DEEP: Final = 8


def not_applicable(why: str) -> NoReturn:
    """End a case that doesn't concern this plugin; the report says so, and why."""
    pytest.skip(f"not applicable: {why}")


class PluginCases:
    """What holds for every kind. `plugin` is the entry point's name; the report is filed under it.

    Without a name these cases are skipped, and so is the report: it is bound to the version of an
    installed package.
    """

    contract: ClassVar[str] = ""
    plugin: ClassVar[str] = ""
    tested: Any

    def call(self, seconds: float = _SECONDS) -> Call:
        """Return a call with this much time."""
        return Call(deadline=time.monotonic() + seconds)

    def use(self) -> Iterable[Any]:
        """Use what is offered as a shop would, well and badly; return every answer."""
        return ()

    def test_it_is_installed_and_its_manifest_says_what_its_code_does(self) -> None:
        found = self._loading()

        assert found.code, f"{self.plugin} isn't installed here: pip install it first"
        assert found.code == "LOADED", f"{found.code}: {found.why}"
        asks_for_settings = [one for one in found.problems if "NOT_CONFIGURED" in one]
        assert [one for one in found.problems if one not in asks_for_settings] == []

    def test_importing_it_is_quick_and_loads_no_library(self) -> None:
        found = self._loading()

        assert found.libraries == (), "import these where they are needed, inside a function"
        assert found.seconds <= _QUICK, f"importing took {found.seconds * 1000:.0f} ms, at most 50"

    def test_its_secrets_are_told_to_nobody(self, caplog: pytest.LogCaptureFixture) -> None:
        secrets = secrets_in(self.tested)
        if not secrets:
            not_applicable("it has no secrets")

        with caplog.at_level("DEBUG"):
            answers = list(self.use())

        told = "\n".join((caplog.text, *map(repr, (self.tested, *answers)), str(self.tested)))
        assert not [number for number, text in enumerate(secrets) if text in told]

    def _loading(self) -> Loading:
        if not self.plugin:
            not_applicable("the test class names no plugin")
        return loading(self.plugin, quick=_QUICK)


def secrets_in(value: Any) -> tuple[str, ...]:
    """Return every secret that an object holds, however deep, revealed and sorted."""
    return tuple(sorted(set(_secrets(value, set(), _DEEP))))


def _secrets(value: Any, seen: set[int], deep: int) -> Iterator[str]:
    if isinstance(value, Secret):
        if value:
            yield value.reveal()
        return
    if id(value) in seen or not deep or isinstance(value, type | ModuleType | str | bytes):
        return
    seen.add(id(value))
    for inside in _inside(value):
        yield from _secrets(inside, seen, deep - 1)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    held = list(getattr(value, "__dict__", {}).values())
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    if slots and (is_dataclass(value) or not held):
        held += [getattr(value, name) for name in slots if hasattr(value, name)]
    return held


def at_once(count: int, move: Callable[[], Any]) -> list[Any]:
    """Make a move in several threads at once, and return every answer."""

    def run(_: int) -> Any:
        try:
            return move()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
