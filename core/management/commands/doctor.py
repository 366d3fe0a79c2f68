"""How an installation stands: what it was told, from where, and whom it can reach."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Protocol, cast

from django.apps import apps
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError
from pydantic_core import to_json

from core.application.refresh_registry import refresh_registry
from core.hooks.registry import Registry
from core.management.inspection import Finding, Reached, findings, reach, versions


class _Starts(Protocol):
    first: Registry


class Command(BaseCommand):
    """`doctor [--json]`; its exit code is 1 if database, cache or mail can't be reached."""

    help = "Say what was resolved and from where, and what can be reached; secrets are masked."
    requires_system_checks = ()  # it has to work where they don't

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        reached = reach()
        registry = _registry(reached)
        told = tuple(findings(registry))
        if options["json"]:
            self._print_json(reached, told, registry)
        else:
            self._print(reached, told, registry)
        if not all(each.ok for each in reached):
            sys.exit(1)

    def _print_json(
        self, reached: Iterable[Reached], told: Iterable[Finding], registry: Registry
    ) -> None:
        said = {
            "versions": versions(),
            "reached": [asdict(each) for each in reached],
            "settings": [asdict(each) for each in told],
            "plugins": {view.name: view.state for view in registry.plugins},
            "problems": [str(problem) for problem in registry.problems],
        }
        self.stdout.write(to_json(said, indent=2).decode())

    def _print(
        self, reached: Iterable[Reached], told: Iterable[Finding], registry: Registry
    ) -> None:
        named = ", ".join(f"{name} {number}" for name, number in versions().items())
        self.stdout.write(f"{named}\n")
        for each in reached:
            state = "answers" if each.ok else "DOES NOT ANSWER"
            self.stdout.write(f"{each.name:<9} {state} ({each.seconds:.3f} s)  {each.text}")
        plugin = None
        for finding in told:
            if finding.plugin != plugin:
                plugin = finding.plugin
                self.stdout.write(f"\n{plugin}" if plugin else "")
            self.stdout.write(f"  {finding.name} = {finding.value}  ({finding.source})")
        self.stdout.write("")
        for view in registry.plugins:
            self.stdout.write(f"{view.name:<24} {view.state} {view.why}".rstrip())
        for problem in registry.problems:
            self.stdout.write(f"! {problem}")


def _registry(reached: Iterable[Reached]) -> Registry:
    """Without a database, what was known when Django was ready."""
    first = cast(_Starts, apps.get_app_config("orderloom")).first
    if not all(each.ok for each in reached if each.name == "database"):
        return first
    try:
        return refresh_registry()
    except DatabaseError:
        return first
