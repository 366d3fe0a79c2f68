"""Verify the journals of orders: the hash chain of each from its first entry to its last."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from core.application.verify_log import verify_log
from core.management.asking import AskingCommand
from core.management.progress import show_progress


class Command(AskingCommand):
    """`verify_log [--json]`."""

    help = "Look at every order's journal. Exit code 1 if one was changed or has a gap."

    def add_arguments(self, parser: CommandParser) -> None:
        self.shared(parser)

    def answer(self, options: dict[str, Any]) -> None:
        """Name every journal that doesn't hold."""
        with show_progress(quiet=options["verbosity"] == 0) as told:
            done = verify_log(progress=told)
        lines = [f"{one.order}, entry {one.seq}: {one.code}" for one in done.found]
        wrong = f"{done.broken:,} are broken" if done.broken else "all hold"
        said = f"{done.orders:,} journals with {done.entries:,} entries: {wrong}."
        self.say(options, done, [*lines, said])
        if done.broken:
            sys.exit(1)
