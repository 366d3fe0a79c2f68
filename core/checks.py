"""System checks: our own files, settings that would break a promise, and every plugin's problems."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Protocol, cast
from urllib.parse import unquote, urlsplit

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import DatabaseError, connections
from django.db.models import Model
from importlib_metadata import PackageNotFoundError, distribution

import core
import hookspecs
from core.context import DEFAULT_TENANT
from core.hooks.discovery import Discovered
from core.hooks.registry import Registry
from core.hooks.states import PluginStates

__all__ = [
    "check_our_files",
    "check_plugin_apps",
    "check_plugins",
    "check_sandbox",
    "check_transactions",
    "check_variables",
]

DISTRIBUTION = "orderloom"
_CORE = "orderloom"


class _Starts(Protocol):
    first: Registry
    read_states: Callable[..., PluginStates]

    def build(self, states: PluginStates) -> Registry: ...


@register(Tags.compatibility)
def check_our_files(**_: Any) -> list[CheckMessage]:
    """E001: the `core` and `hookspecs` that Python finds are the ones of our distribution."""
    found = [Path(str(module.__file__)) for module in (core, hookspecs)]
    try:
        home = _home(distribution(DISTRIBUTION))
    except PackageNotFoundError:
        home = _checkout(Path(str(hookspecs.__file__)).parent)
    expected = home and [home / "core" / "__init__.py", home / "hookspecs.py"]
    if expected and [file.resolve() for file in found] == [file.resolve() for file in expected]:
        return []
    return [
        Error(
            f"core and hookspecs are found at {found[0].parent} and {found[1]}, "
            f"which isn't the distribution {DISTRIBUTION}"
            + (f" at {home}." if home else ", for none is installed."),
            hint="Orderloom is deployed as it is; another project's package named core hides it.",
            id="orderloom.E001",
        )
    ]


def _home(ours: Any) -> Path | None:
    """Where our files are to lie: an editable install says so in direct_url.json."""
    told = json.loads(ours.read_text("direct_url.json") or "{}")
    if told.get("dir_info", {}).get("editable"):
        return Path(unquote(urlsplit(told["url"]).path))
    return Path(str(ours.locate_file("")))


def _checkout(folder: Path) -> Path | None:
    project = folder / "pyproject.toml"
    ours = project.is_file() and f'name = "{DISTRIBUTION}"' in project.read_text(encoding="utf-8")
    return folder if ours else None


@register("transactions")
def check_transactions(**_: Any) -> list[CheckMessage]:
    """E002: no request runs in a transaction: none may be open while a gateway is called."""
    return [
        Error(
            f"ATOMIC_REQUESTS is on for the database {alias!r}.",
            hint="Take it out: a use case begins and commits its own transaction.",
            id="orderloom.E002",
        )
        for alias in connections
        if connections[alias].settings_dict.get("ATOMIC_REQUESTS")
    ]


@register(Tags.security, deploy=True)
def check_sandbox(**_: Any) -> list[CheckMessage]:
    """E003: gateways that move no money are not for a shop that is open."""
    if not settings.ORDERLOOM_SANDBOX:
        return []
    return [
        Error(
            "ORDERLOOM_SANDBOX is on: orders could be paid with play money.",
            hint="Unset it where real orders are taken.",
            id="orderloom.E003",
        )
    ]


@register("plugins")
def check_plugins(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """W001 to W004: each problem of a plugin, as far as it shows without a database.

    Every command runs this, so that a plugin that merely lacks settings is named in strict mode
    only; `plugins check` always names it.
    """
    if app_configs is not None:
        return []
    ours = cast(_Starts, apps.get_app_config("orderloom"))
    found = ours.build(_strict_states(ours)) if settings.ORDERLOOM_STRICT else ours.first
    return [_kind()(str(each), hint=each.hint or None, id=each.id) for each in found.problems]


def _strict_states(ours: _Starts) -> PluginStates:
    """Settings may lie in the console: they count wherever there is a database to read them from."""
    try:
        return ours.read_states(DEFAULT_TENANT.slug, generation=0)
    except DatabaseError:
        named = settings.ORDERLOOM_PLUGINS_DISABLED
        return PluginStates(disabled=named, named=named, refreshed=True)


def _kind() -> type[Error | Caution]:
    return Error if settings.ORDERLOOM_STRICT else Caution


@register("plugins")
def check_variables(**_: Any) -> list[CheckMessage]:
    """W005: a variable that looks like a plugin's setting, and belongs to none."""
    first = cast(_Starts, apps.get_app_config("orderloom")).first
    known = {f"ORDERLOOM_{view.name.replace('-', '_').upper()}" for view in first.plugins}
    strangers = sorted(
        name
        for name in os.environ
        if name.startswith("ORDERLOOM_") and "__" in name and name.partition("__")[0] not in known
    )
    return [
        _kind()(
            f"{name} is set, and no plugin of that name is installed.",
            hint="A plugin's setting is ORDERLOOM_<PLUGIN>__<FIELD>.",
            id="orderloom.W005",
        )
        for name in strangers
    ]


@register("plugins")
def check_plugin_apps(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """E004 and E005: a plugin's app stands by itself, in its tables and in its migrations."""
    discovered: Discovered = settings.ORDERLOOM_DISCOVERED
    packages = {
        found.manifest.package
        for found in discovered.to_load
        if found.manifest and found.manifest.django_app
    }
    return [
        message
        for config in (app_configs if app_configs is not None else apps.get_app_configs())
        if config.name.partition(".")[0] in packages
        for message in (
            *_check_app(config, config.name.partition(".")[0]),
            *_check_migrations(config),
        )
    ]


def _check_app(config: AppConfig, package: str) -> Iterable[CheckMessage]:
    if config.label != package:
        yield Error(
            f"The app of {package} has the label {config.label!r}, expected {package!r}.",
            id="orderloom.E004",
        )
    for model in config.get_models(include_auto_created=True):
        yield from _check_model(model, package)


def _check_model(model: type[Model], package: str) -> Iterable[CheckMessage]:
    meta = model._meta  # noqa: SLF001 - Django documents it
    if not meta.db_table.startswith(f"{package}_"):
        yield Error(
            f"The table {meta.db_table} of {package} has to begin with {package}_.",
            obj=model,
            id="orderloom.E004",
        )
    for field in meta.get_fields():
        other = getattr(field, "related_model", None)
        label = getattr(getattr(other, "_meta", None), "app_label", "")
        if label == _CORE and getattr(field, "concrete", False):
            yield Error(
                f"{model.__name__}.{field.name} is a foreign key to a table of the core.",
                hint="Keep a public id, a sku or the tenant's name instead.",
                obj=model,
                id="orderloom.E004",
            )


def _check_migrations(config: AppConfig) -> Iterable[CheckMessage]:
    """Its modules alone are read: Django's loader would import those of every app."""
    name = f"{config.name}.migrations"
    if find_spec(name) is None:
        return
    for found in iter_modules(getattr(import_module(name), "__path__", ())):
        migration = getattr(import_module(f"{name}.{found.name}"), "Migration", None)
        bound = (*getattr(migration, "dependencies", ()), *getattr(migration, "run_before", ()))
        if any(label == _CORE for label, _ in bound):
            yield Error(
                f"The migration {found.name} of {config.label} depends on {_CORE}.",
                hint="The core's tables are its own; `migrate` does them first, each app by itself.",
                id="orderloom.E005",
            )
