"""Phase two: each plugin imported, verified and registered in a `try` of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Any

import pluggy

import hookspecs
from core.hooks.discovery import Discovered, Found
from core.hooks.guard import SPARED, describe
from core.hooks.settings import Schema
from core.hooks.states import Code, Problem
from core.hooks.verify import Implementation, RefusedPluginError, verify

__all__ = ["Loaded", "LoadedPlugin", "Page", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPlugin:
    """A plugin after phase two: LOADED with its implementations, or left out and why."""

    found: Found
    code: Code
    why: str = ""
    implementations: Mapping[str, Implementation] = field(
        default_factory=lambda: MappingProxyType({})
    )
    schema: Schema | None = None
    seconds: float = 0.0
    """How long importing took."""

    @property
    def name(self) -> str:
        """The name of its entry point."""
        return self.found.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A URLconf that a plugin hangs at a path."""

    plugin: str
    mount: str
    urls: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Every plugin found, in the settled order, after phase two."""

    plugins: tuple[LoadedPlugin, ...] = ()
    discovered: Discovered = field(default_factory=Discovered)
    offers: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False, compare=False)
    """What each plugin offered, by name and settings version: asked once, kept for good."""
    asking: Any = field(default_factory=threading.RLock, repr=False, compare=False)
    """Held while offers are asked."""
    patience: float = float("inf")
    """How many seconds importing a plugin may take before it is a problem."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What kept plugins out or the start waiting, one plain line each."""
        return (
            self._slow
            + tuple(
                Problem(
                    plugin=plugin.name,
                    id="orderloom.W001" if plugin.code is Code.INCOMPATIBLE else "orderloom.W002",
                    text=f"{plugin.code}: {plugin.why}",
                )
                for plugin in self.plugins
                if plugin.code in {Code.INCOMPATIBLE, Code.LOAD_FAILED}
            )
            + tuple(
                Problem(
                    plugin=name,
                    id="orderloom.W003",
                    text="ORDERLOOM_PLUGINS names it, and no installed package provides it",
                )
                for name in self.discovered.unknown
            )
        )

    @property
    def _slow(self) -> tuple[Problem, ...]:
        return tuple(
            Problem(
                plugin=plugin.name,
                id="orderloom.W007",
                text=f"importing it took {plugin.seconds:.1f} s, and everybody waits at the start",
            )
            for plugin in self.plugins
            if plugin.seconds > self.patience
        )

    @property
    def pages(self) -> tuple[Page, ...]:
        """What the plugins that are loaded want to serve."""
        manifests = (p.found.manifest for p in self.plugins if p.code is Code.LOADED)
        return tuple(
            Page(plugin=m.name, mount=m.mount, urls=m.urls) for m in manifests if m and m.urls
        )

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the Django apps that the plugins loaded bring, by plugin."""
        manifests = (p.found.manifest for p in self.plugins if p.code is Code.LOADED)
        return {m.name: m.package for m in manifests if m and m.django_app}


def load(discovered: Discovered, *, patience: float = float("inf")) -> Loaded:
    """Import, verify and register what phase one found, in the settled order.

    What doesn't fit is left out and says why, what takes longer than `patience` (in seconds) is
    named; the others go on.
    """
    manager = pluggy.PluginManager("orderloom")
    manager.add_hookspecs(hookspecs)
    plugins = tuple(_loaded(manager, found) for found in discovered.found)
    return Loaded(plugins=plugins, discovered=discovered, patience=patience)


def _loaded(manager: pluggy.PluginManager, found: Found) -> LoadedPlugin:
    if found.code is not Code.FOUND:
        return LoadedPlugin(found=found, code=found.code, why=found.why)
    began = time.perf_counter()
    try:
        module = _imported(found.module, "")
        implementations = verify(manager, module, _declared(found))
        schema = _schema(found)
        _page(found)
        _registered(manager, module, found.name)
    except RefusedPluginError as error:
        seconds = time.perf_counter() - began
        return LoadedPlugin(found=found, code=Code.LOAD_FAILED, why=str(error), seconds=seconds)
    return LoadedPlugin(
        found=found,
        code=Code.LOADED,
        implementations=implementations,
        schema=schema,
        seconds=time.perf_counter() - began,
    )


def _declared(found: Found) -> tuple[str, ...]:
    return found.manifest.hooks if found.manifest else ()


def _guarded(doing: str, act: Callable[[], Any]) -> Any:
    """`SystemExit` at import would end the process: here it is a plugin left out."""
    try:
        return act()
    except SPARED:
        raise
    except BaseException as error:
        raise RefusedPluginError(f"{doing}{describe(error)}") from error


def _imported(module: str, what: str) -> ModuleType:
    found: ModuleType = _guarded(f"importing {what}{module} raised ", lambda: import_module(module))
    return found


def _schema(found: Found) -> Schema | None:
    named = found.manifest.settings if found.manifest else None
    if named is None:
        return None
    where, _, name = named.partition(":")
    module = _imported(where, "its settings ")
    cls = _guarded(f"its settings {named}: ", lambda: getattr(module, name))
    schema: Schema = _guarded(f"its settings {named}: ", lambda: Schema(cls))
    return schema


def _page(found: Found) -> None:
    urls = found.manifest.urls if found.manifest else None
    if urls is not None:
        module = _imported(urls, "its pages ")
        if not isinstance(getattr(module, "urlpatterns", None), list):
            raise RefusedPluginError(f"its pages {urls} hold no list urlpatterns")


def _registered(manager: pluggy.PluginManager, module: ModuleType, name: str) -> None:
    """`check_pending` finds what no specification knows, and is silent unless it is called."""
    try:
        manager.register(module, name)
        manager.check_pending()
    except Exception as error:
        if manager.has_plugin(name):
            manager.unregister(name=name)
        raise RefusedPluginError(describe(error)) from error
