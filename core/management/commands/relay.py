"""Deliver what has happened, and finish what nobody finished: the process beside the server."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.application.count_deliveries import count_deliveries
from core.jobs.relay import Relay, drain
from core.jobs.reporter import Reporter
from core.jobs.sweeper import Sweeper, sweep


class Command(BaseCommand):
    """`relay` runs until it is told to stop; `relay --once` works off what is due and ends."""

    help = "Deliver events, read webhooks, settle payments in doubt; with --once, what is due now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="work off what is due, then end")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["once"]:
            swept = asdict(sweep())
            done = {**swept, **asdict(drain())}
        else:
            self._run()
            done = {}
        left = asdict(count_deliveries())
        if options["json"]:
            self.stdout.write(json.dumps({**done, "left": left}))
            return
        for name, number in done.items():
            self.stdout.write(f"{name.replace('_', ' '):<9} {number}")
        self.stdout.write("left      " + ", ".join(f"{n} {name}" for name, n in left.items()))

    def _run(self) -> None:
        relay, sweeper = Relay(), Sweeper()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: relay.stop(timeout=0))
        sweeper.start()
        self.stderr.write("Relay is running; Ctrl-C ends it.")
        with Reporter():
            relay.run()
            sweeper.stop()
