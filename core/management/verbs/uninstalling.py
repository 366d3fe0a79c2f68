"""`plugins uninstall NAME --plan`: what would be left open, what stays, and what to run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from pydantic_core import to_jsonable_python

from core.application.export_plugin import export_plugin
from core.application.plan_uninstall import UninstallPlan, plan_uninstall
from core.application.refresh_registry import refresh_registry
from core.management.verbs.looking import row_of
from core.management.verbs.verb import Teller, Verb

__all__ = ["UNINSTALL"]


def _uninstall(teller: Teller, options: dict[str, Any]) -> int:
    if not options["plan"]:
        raise CommandError(
            "Say --plan: it changes nothing and tells what to run. pip removes the package."
        )
    registry = refresh_registry()
    plan = plan_uninstall(options["name"], plugins=registry)
    exported = None
    if options["export"]:
        exported = export_plugin(
            options["name"], folder=options["export"], plugins=registry, now=timezone.now()
        )
    if teller.as_json:
        told = asdict(plan) | {"plugin": row_of(plan.plugin), "open": plan.is_open}
        told["exported"] = asdict(exported) if exported else None
        teller.json(to_jsonable_python(told))
    else:
        for line in _lines(plan):
            teller.line(line)
        if exported:
            teller.line(
                f"\nExported to {exported.folder}: plugin.json, {', '.join(exported.files)}"
            )
    return 1 if plan.is_open else 0


def _lines(plan: UninstallPlan) -> Iterator[str]:
    view = plan.plugin
    yield f"{view.name} {view.version} ({view.distribution}): {view.state}"
    counts = (
        ("open payments", plan.open_payments),
        ("of them undecided commands", plan.undecided),
        ("payments that could be refunded", plan.refundable),
        ("undelivered messages and events", plan.undelivered),
        ("dead letters", plan.dead_letters),
        ("webhooks kept and not read", plan.webhooks_kept),
    )
    yield from (f"  {count:>6}  {what}" for what, count in counts)
    for one in plan.payments:
        yield f"          {one.tenant} {one.order_number}  {one.payment_id}  {one.status}"
    yield from (f"  {left.rows:>6}  rows in {left.name}" for left in plan.tables)
    if plan.settings:
        yield f"  settings: {', '.join(plan.settings)}"
    if plan.jobs:
        yield f"  jobs: {', '.join(plan.jobs)}"
    yield "\nOnce it is uninstalled:"
    yield from (f"  {text}" for text in plan.consequences)
    yield "\nTo do so:"
    yield from (f"  {number}. {step}" for number, step in enumerate(plan.steps, 1))


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("name", help="as in `plugins list`")
    parser.add_argument("--plan", action="store_true", help="only this: nothing is changed")
    parser.add_argument(
        "--export", type=Path, metavar="FOLDER", help="write its tables and settings there"
    )


UNINSTALL: Final = Verb(
    name="uninstall",
    about="what uninstalling one would leave open; exit code 1 if there is something",
    run=_uninstall,
    arguments=_arguments,
)
