"""Fill the caches before anybody asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.application.pin_registry import pin_registry
from core.application.warm_caches import Warmed, warm_caches
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.domain.errors import NotFound
from core.jobs.reporter import Reporter
from core.models import Tenant


class Command(BaseCommand):
    """`warm_caches [NAMESPACE …] [--budget SECONDS] [--afresh] [--json]`."""

    help = "Load what the warmers plan; a round that was cut short goes on where it was."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("namespaces", nargs="*", help="which caches; all if none is named")
        parser.add_argument("--budget", type=_seconds, help="seconds for each of them")
        parser.add_argument("--afresh", action="store_true", help="begin at the beginning")
        parser.add_argument("--tenant", default=DEFAULT_TENANT.slug, help="whose caches")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        row = Tenant.objects.filter(slug=options["tenant"]).first()
        if row is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        with (
            acting_for(TenantRef(id=row.id, slug=row.slug)),
            Reporter(),
            pin_registry(tenant=row.slug) as plugins,
        ):
            try:
                rounds = warm_caches(
                    plugins=plugins,
                    namespaces=options["namespaces"],
                    budget=options["budget"],
                    afresh=options["afresh"],
                    progress=self._progress(quiet=options["json"]),
                )
            except NotFound as error:
                raise CommandError(error.text) from error
        if options["json"]:
            self.stdout.write(json.dumps([asdict(one) for one in rounds]))
        else:
            for one in rounds:
                self.stdout.write(_line(one))
            if not rounds:
                self.stdout.write("No plugin warms a cache.")
        if failed := [one.namespace for one in rounds if one.cause]:
            raise CommandError(f"Not warm: {', '.join(failed)}.")

    def _progress(self, *, quiet: bool) -> Callable[[str, int], None]:
        def say(namespace: str, position: int) -> None:
            if not quiet:
                self.stderr.write(f"{namespace}: {position}")

        return say


def _seconds(text: str) -> float:
    """Only numbers above zero are time to do anything; argparse says the rest."""
    seconds = float(text)
    if not seconds > 0:
        raise ValueError(text)
    return seconds


_seconds.__name__ = "number of seconds above 0"


def _line(one: Warmed) -> str:
    end = one.cause or ("complete" if one.complete else "out of time; goes on there next time")
    return f"{one.namespace}: {one.loaded} loaded from {one.began} on, {one.seconds:.1f} s, {end}"
