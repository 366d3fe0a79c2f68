"""Compare what a plugin's accounts did with what we know, both ways."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core.application.reconcile import Differs, reconcile
from core.management.asking import AskingCommand, read_moment


class Command(AskingCommand):
    """`reconcile PLUGIN --since DATE [--until DATE]`."""

    help = (
        "Compare a plugin's own list with ours; news of known payments are applied. "
        "Exit code 1 when something differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("plugin", metavar="PLUGIN")
        parser.add_argument("--since", required=True, metavar="DATE", help="2026-11-01, in UTC")
        parser.add_argument("--until", metavar="DATE", help="now unless said; not itself included")
        self.shared(parser)

    def answer(self, options: dict[str, Any]) -> None:
        """Compare, and end with 1 when something differs."""
        now = timezone.now()
        done = reconcile(
            options["plugin"],
            since=read_moment(options["since"]),
            until=read_moment(options["until"]) if options["until"] else now,
            plugins=self.plugins(options),
            now=now,
        )
        summary = f"{done.notices} notices compared, {len(done.differences)} differ."
        lines = [*(_line(one) for one in done.differences), summary]
        self.say(options, asdict(done), lines)
        if done.differences:
            raise SystemExit(1)


def _line(one: Differs) -> str:
    return f"{one.kind.value:<11} {one.payment or one.reference}  {one.text}"
