"""`plugins list`, `plugins show` and `plugins check`: how the plugins stand, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final, Protocol, cast

from django.apps import apps
from django.conf import settings
from django.core.checks import run_checks
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from core.application.list_plugins import list_plugins
from core.application.read_plugin_calls import CallFigures, read_plugin_calls
from core.application.refresh_registry import refresh_registry
from core.application.report_worker import running_versions
from core.application.switch_plugin import named_tenant
from core.context import DEFAULT_TENANT
from core.hooks.conformance import Conformance, Standing, read_conformance
from core.hooks.discovery import Discovered
from core.hooks.proof import brings_django, prove
from core.hooks.registry import Registry
from core.hooks.states import Code, PluginView, Problem
from core.management.verbs.verb import Teller, Verb

__all__ = ["CHECK", "LIST", "SHOW", "named", "row_of"]


class _Starts(Protocol):
    first: Registry


def _list(teller: Teller, options: dict[str, Any]) -> int:
    _registry, views, running = _look(options)
    if teller.as_json:
        teller.json([row_of(view) | {"running": _others(view, running)} for view in views])
        return 0
    teller.table(
        ("plugin", "state", "version", "offers", "why"),
        [
            (view.name, view.state, _versions(view, running), ", ".join(view.offers), view.why)
            for view in views
        ],
    )
    return 0


def _show(teller: Teller, options: dict[str, Any]) -> int:
    registry, views, _running = _look(options)
    view = named(options["name"], views)
    own = registry.settings_sources.get(view.name, ())
    suites = _conformance(view)
    about = row_of(view) | _manifest(view) | {"conformance": f"{suites.standing}: {suites.text}"}
    calls = _calls(view.name)
    if teller.as_json:
        about = row_of(view) | {
            "manifest": _manifest(view),
            "conformance": asdict(suites),
            "settings": [
                {
                    "name": each.name,
                    "value": each.value,
                    "source": each.source,
                    "variable": each.variable,
                }
                for each in own
            ],
            "calls": [asdict(each) for each in calls],
        }
        teller.json(about)
        return 0
    teller.table(
        ("", ""),
        [(_label(key), said) for key, value in about.items() if (said := _said(value))],
    )
    if own:
        rows = [(each.name, each.told, each.source, each.variable) for each in own]
        teller.table(("setting", "value", "from", "variable"), rows)
    if calls:
        teller.line("\nCalls of the last seven days:")
        teller.table(
            ("hook", "offer", "calls", "failed", "p50", "p95", "of checkouts"),
            [_call(each) for each in calls],
        )
    return 0


def _calls(plugin: str) -> tuple[CallFigures, ...]:
    """Before the first migration there is nothing that anybody has counted."""
    try:
        return read_plugin_calls(now=timezone.now(), plugin=plugin)
    except DatabaseError:
        return ()


def _call(each: CallFigures) -> tuple[str, ...]:
    share = "" if each.share is None else f"{each.share:.1%}"
    took = (f"{1000 * seconds:.2f} ms" for seconds in (each.p50, each.p95))
    return (each.hook, each.offer, str(each.calls), str(each.failures), *took, share)


def _check(teller: Teller, options: dict[str, Any]) -> int:
    registry, *_ = _look(options)
    problems = _every(registry)
    if options["isolated"]:
        known = {(each.plugin, each.text) for each in problems}
        problems += tuple(each for each in _proved() if (each.plugin, each.text) not in known)
    if teller.as_json:
        teller.json(
            [
                {"plugin": each.plugin, "id": each.id, "text": each.text, "hint": each.hint}
                for each in problems
            ]
        )
    elif problems:
        teller.table(
            ("plugin", "id", "problem"),
            [(each.plugin, each.id, each.text) for each in problems],
        )
    else:
        teller.line("No plugin has a problem.")
    return 1 if problems else 0


def named(name: str, views: tuple[PluginView, ...]) -> PluginView:
    """Return the plugin that a person named.

    Raises:
        CommandError: nobody has ever heard of it.

    """
    view = next((each for each in views if each.name == name), None)
    if view is None:
        raise CommandError(f"There is no plugin {name}: see `plugins list`.")
    return view


def row_of(view: PluginView) -> dict[str, Any]:
    """Return what programs are told of a plugin."""
    return {
        "name": view.name,
        "title": view.title,
        "state": view.state,
        "why": view.why,
        "distribution": view.distribution,
        "version": view.version,
        "code": view.code,
        "configuration": view.configuration,
        "switch": view.switch,
        "health": view.health,
        "open_work": view.open_work,
        "hooks": list(view.hooks),
        "offers": list(view.offers),
    }


_Running = Mapping[str, frozenset[str]]


def _look(options: dict[str, Any]) -> tuple[Registry, tuple[PluginView, ...], _Running]:
    """Before the first migration there is nothing to remember, and still something to list."""
    tenant = options.get("tenant", DEFAULT_TENANT.slug)
    try:
        if tenant != DEFAULT_TENANT.slug:
            named_tenant(tenant)
        registry = refresh_registry(tenant=tenant)
        return registry, list_plugins(plugins=registry), running_versions()
    except DatabaseError:
        registry = cast(_Starts, apps.get_app_config("orderloom")).first
        return registry, tuple(sorted(registry.plugins, key=lambda view: view.name)), {}


def _others(view: PluginView, running: _Running) -> list[str]:
    """The versions that servers still run: new code needs a restart."""
    return sorted(running.get(view.name, frozenset()) - {view.version})


def _versions(view: PluginView, running: _Running) -> str:
    others = _others(view, running)
    return f"installed {view.version}, running {', '.join(others)}" if others else view.version


def _every(registry: Registry) -> tuple[Problem, ...]:
    """What the registry says, and what `manage.py check` says beyond it."""
    known = {str(each) for each in registry.problems}
    return registry.problems + tuple(
        Problem(plugin="", id=str(said.id), text=said.msg, hint=said.hint or "")
        for said in run_checks(tags=["plugins"])
        if said.msg not in known
    )


def _proved() -> tuple[Problem, ...]:
    """Prove apps and pages in child processes, by hand: what is remembered doesn't count."""
    discovered: Discovered = settings.ORDERLOOM_DISCOVERED
    tried = (Code.FOUND, Code.LOAD_FAILED)
    apps = [found for found in discovered.found if found.code in tried and brings_django(found)]
    return tuple(
        Problem(plugin=name, id="orderloom.W002", text=f"LOAD_FAILED: {fault}")
        for name, fault in prove(apps).items()
    )


def _conformance(view: PluginView) -> Conformance:
    discovered: Discovered = settings.ORDERLOOM_DISCOVERED
    found = next((each for each in discovered.found if each.name == view.name), None)
    if found is None:
        return Conformance(standing=Standing.NONE, text="its package is gone")
    return read_conformance(found)


def _manifest(view: PluginView) -> dict[str, Any]:
    if view.manifest is None:
        return {}
    manifest = view.manifest
    return {
        "package": manifest.package,
        "author": manifest.author,
        "api": manifest.api,
        "pages": manifest.mount if manifest.urls else "",
        "hosts": list(manifest.hosts),
        "after": list(manifest.after),
        "before": list(manifest.before),
        "only_in": manifest.only_in,
    }


def _label(key: str) -> str:
    return key.replace("_", " ").replace("api", "contract")


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _whose(parser: CommandParser) -> None:
    parser.add_argument("--tenant", default=DEFAULT_TENANT.slug, help="whose switches and settings")


def _isolated(parser: CommandParser) -> None:
    _whose(parser)
    parser.add_argument(
        "--isolated", action="store_true", help="prove apps and pages anew, in child processes"
    )


def _name(parser: CommandParser) -> None:
    parser.add_argument("name", help="as in `plugins list`")
    _whose(parser)


LIST: Final = Verb(name="list", about="all plugins and their state", run=_list, arguments=_whose)
SHOW: Final = Verb(
    name="show",
    about="one plugin: offers, settings and where they come from",
    run=_show,
    arguments=_name,
)
CHECK: Final = Verb(
    name="check",
    about="problems only; exit code 1 if there is one",
    run=_check,
    arguments=_isolated,
)
