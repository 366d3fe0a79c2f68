"""The plugins: which there are, how they stand and why, and what is wrong with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any, Protocol, cast

from django.apps import apps
from django.core.checks import run_checks
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.application.list_plugins import list_plugins
from core.application.refresh_registry import refresh_registry
from core.hooks.registry import Registry
from core.hooks.states import PluginView, Problem, State

_COLOURS: dict[str, str] = {
    State.ENABLED: "green",
    State.DISABLED: "dim",
    State.SERVICING: "yellow",
    State.NOT_CONFIGURED: "yellow",
    State.BLOCKED: "dim",
}


class _Starts(Protocol):
    first: Registry


class Command(BaseCommand):
    """`plugins list`, `plugins show NAME`, `plugins check`, each with `--json`."""

    requires_system_checks = ()  # they would say the same, first and in other words
    help = "List the plugins, show one, or check them all (exit code 1 if one has a problem)."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="list | show NAME | check")
        for verb, about in (
            ("list", "all plugins and their state"),
            ("show", "one plugin: offers, settings and where they come from"),
            ("check", "problems only; exit code 1 if there is one"),
        ):
            sub = verbs.add_parser(verb, help=about)
            if verb == "show":
                sub.add_argument("name", help="as in `plugins list`")
            sub.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        registry, views = _look()
        as_json = bool(options.get("json"))
        if options["verb"] == "show":
            self._show(registry, views, options["name"], as_json=as_json)
        elif options["verb"] == "check":
            self._check(registry, as_json=as_json)
        else:
            self._list(views, as_json=as_json)

    def _list(self, views: Iterable[PluginView], *, as_json: bool) -> None:
        if as_json:
            self._print_json([_row(view) for view in views])
            return
        columns = ("plugin", "state", "version", "offers", "why")
        rows = [
            (view.name, view.state, view.version, ", ".join(view.offers), view.why)
            for view in views
        ]
        self._table(columns, rows)

    def _show(
        self, registry: Registry, views: Iterable[PluginView], name: str, *, as_json: bool
    ) -> None:
        view = next((each for each in views if each.name == name), None)
        if view is None:
            raise CommandError(f"There is no plugin {name}: see `plugins list`.")
        settings = registry.settings_sources.get(name, ())
        if as_json:
            about = _row(view) | {
                "manifest": _manifest(view),
                "settings": [
                    {
                        "name": each.name,
                        "value": each.value,
                        "source": each.source,
                        "variable": each.variable,
                    }
                    for each in settings
                ],
            }
            self._print_json(about)
            return
        about = _row(view) | _manifest(view)
        self._table(
            ("", ""),
            [(_label(key), said) for key, value in about.items() if (said := _said(value))],
        )
        if settings:
            rows = [(each.name, each.value, each.source, each.variable) for each in settings]
            self._table(("setting", "value", "from", "variable"), rows)

    def _check(self, registry: Registry, *, as_json: bool) -> None:
        problems = _every(registry)
        if as_json:
            self._print_json(
                [
                    {"plugin": each.plugin, "id": each.id, "text": each.text, "hint": each.hint}
                    for each in problems
                ]
            )
        elif problems:
            self._table(
                ("plugin", "id", "problem"),
                [(each.plugin, each.id, each.text) for each in problems],
            )
        else:
            self.stdout.write("No plugin has a problem.")
        if problems:
            sys.exit(1)

    def _print_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, indent=2, ensure_ascii=False))

    def _table(self, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
        """A table for people; in columns, and as long as need be, where there is no terminal."""
        rows = list(rows)
        if not self.stdout.isatty():
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            for row in rows:
                padded = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
                self.stdout.write("  ".join(padded).rstrip())
            return
        table = Table(box=None, show_header=any(columns), pad_edge=False)
        for number, column in enumerate(columns):
            table.add_column(column, no_wrap=number < len(columns) - 2, overflow="fold")
        for row in rows:
            table.add_row(*(_coloured(cell) for cell in row))
        Console(file=sys.stdout).print(table)


def _every(registry: Registry) -> tuple[Problem, ...]:
    """What the registry says, and what `manage.py check` says beyond it."""
    known = {str(each) for each in registry.problems}
    return registry.problems + tuple(
        Problem(plugin="", id=str(said.id), text=said.msg, hint=said.hint or "")
        for said in run_checks(tags=["plugins"])
        if said.msg not in known
    )


def _look() -> tuple[Registry, tuple[PluginView, ...]]:
    """Before the first migration there is nothing to remember, and still something to list."""
    try:
        registry = refresh_registry()
        return registry, list_plugins(plugins=registry)
    except DatabaseError:
        registry = cast(_Starts, apps.get_app_config("orderloom")).first
        return registry, tuple(sorted(registry.plugins, key=lambda view: view.name))


def _row(view: PluginView) -> dict[str, Any]:
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


def _coloured(cell: str) -> str:
    colour = _COLOURS.get(cell, "red") if cell in set(State) else ""
    return f"[{colour}]{escape(cell)}[/]" if colour else escape(cell)
