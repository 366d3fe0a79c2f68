"""Forget what nobody needs any more; run it once a day."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from pydantic_core import to_json

from core.application.prune import Prune, prune


class Command(BaseCommand):
    """`prune [--dry-run] [--days N] [--limit N]`."""

    help = "Forget settled webhooks, deliveries that are done, and old counts of calls."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument(
            "--days", type=int, default=90, help="how long deliveries and counts are kept"
        )
        parser.add_argument("--limit", type=int, default=10_000, help="rows of a kind, at most")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["days"] < 1 or options["limit"] < 1:
            raise CommandError("--days and --limit are at least 1.")
        command = Prune(days=options["days"], limit=options["limit"], dry_run=options["dry_run"])
        told = asdict(prune(command, now=timezone.now()))
        if options["json"]:
            self.stdout.write(to_json(told | {"dry_run": command.dry_run}).decode())
            return
        said = ", ".join(f"{count} {name}" for name, count in told.items())
        self.stdout.write(f"{'Would forget' if command.dry_run else 'Forgot'} {said}.")
