"""Everything at once on one computer: `up` serves the shop, `up --once` buys something and ends."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn, TextIO

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.utils import timezone
from pydantic_core import to_json

from core.application.list_plugins import list_plugins
from core.application.receive_webhook import webhook_url
from core.application.refresh_registry import refresh_registry
from core.context import DEFAULT_TENANT, acting_for
from core.domain.errors import OrderloomError
from core.hooks.registry import Registry
from core.jobs.relay import Relay
from core.jobs.reporter import Reporter
from core.jobs.sweeper import Sweeper
from core.management.beginning import add_arguments, begun
from core.management.buying import buy, one_per_plugin
from core.management.furnish import furnish_shelves, let_somebody_in, migrate
from core.management.own_shop import foreign, left_out
from core.management.serving import served, served_here, wait_until_ready
from core.management.telling import addresses, no_way_to_pay, states, story


class Command(BaseCommand):
    """`up` until Ctrl-C, or `up --once [--json]`."""

    help = "Serve the shop on this computer; with --once, buy through every payment plugin and end."
    requires_system_checks = ()  # they run once, by hand, in the second self

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="with --once, for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        started = begun()
        if started is None:
            raise CommandError("`up` is a program of its own: start it from the command line.")
        self.sandboxes = started.sandboxes
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _interrupt)
        try:
            with acting_for(DEFAULT_TENANT), ExitStack() as stack:
                if options["once"]:
                    _stay_at_home(Path(started.folder))
                    self._once(stack, options["host"], started.port, as_json=options["json"])
                else:
                    self._serve(stack, options["host"], started.port)
        except KeyboardInterrupt:
            self.stderr.write("Ended.")
        finally:
            connections.close_all()
            for sandbox in self.sandboxes:
                sandbox.stop()
            if started.folder:
                shutil.rmtree(started.folder, ignore_errors=True)

    def _serve(self, stack: ExitStack, host: str, port: int) -> None:
        alive = stack.enter_context(served(host, port))  # it loads while we furnish
        password = self._furnish(sys.stdout)
        registry = self._ready(stack, idle=1.0)
        wait_until_ready(host, port, alive)
        base = f"http://{host}:{port}"
        self.stdout.write(f"\n{addresses(base, self.sandboxes)}\n")
        if password:
            self.stdout.write(f"\n  admin's password, shown this once: {password}\n")
        self.stdout.write(f"\n{states(list_plugins(plugins=registry))}\n\nCtrl-C ends it.")
        self.stdout.flush()
        while alive():
            time.sleep(0.5)
            for sandbox in self.sandboxes:
                if sandbox.ended():
                    raise CommandError(f"The sandbox at {sandbox.base} has ended: start me again.")
        raise CommandError("The server has ended.")

    def _once(self, stack: ExitStack, host: str, port: int, *, as_json: bool) -> None:
        self._furnish(sys.stderr)
        wait_until_ready(host, port, stack.enter_context(served_here(host, port)))
        registry = self._ready(stack, idle=0.1)
        began, bought = time.monotonic(), []
        for offered in one_per_plugin(registry):
            try:
                bought.append(buy(offered, plugins=registry, sandboxes=self.sandboxes))
            except OrderloomError as error:
                raise CommandError(f"{offered.plugin}: {error.code}: {error.text}") from error
            if not as_json:
                self.stdout.write(story(bought[-1]))
        if bought and not as_json:
            self.stdout.write("All this happened in a shop of its own, which is thrown away now.")
            if names := ", ".join(sorted(left_out(settings.ORDERLOOM_DISCOVERED))):
                self.stdout.write(f"Left out, since they tell others: {names}.")
        if as_json:
            told = {
                "orders": [asdict(one) for one in bought],
                "seconds": round(time.monotonic() - began, 3),
            }
            self.stdout.write(to_json(told, indent=2).decode())
        if not bought:
            raise CommandError(no_way_to_pay(registry), returncode=1)
        if not all(one.as_promised for one in bought):
            raise CommandError("Not every order became what was promised.", returncode=1)

    def _furnish(self, out: TextIO) -> str | None:
        call_command("check", stdout=sys.stderr, stderr=sys.stderr)
        migrated, failed = migrate()
        if migrated:
            out.write(f"Migrated {', '.join(migrated)}.\n")
        out.writelines(
            f"The tables of {label} could not be made, so it is left out: {why}\n"
            for label, why in failed.items()
        )
        if count := furnish_shelves(now=timezone.now()):
            out.write(f"Put {count} sample products on the shelves.\n")
        return let_somebody_in()

    def _ready(self, stack: ExitStack, *, idle: float) -> Registry:
        """Tell the sandbox where we are, and set off who works behind the counter."""
        registry = refresh_registry()
        for sandbox in self.sandboxes:
            sandbox.call_at(
                {
                    name: webhook_url(plugin=name, now=timezone.now())
                    for name in sandbox.plugins()
                    if registry.plugin(name) is not None
                }
            )
        stack.enter_context(Reporter())
        for worker in (Relay(poll=0.1, idle=idle), Sweeper(poll=0.1, idle=idle)):
            worker.start()
            stack.callback(worker.stop)
        return registry


def _stay_at_home(folder: Path) -> None:
    """A settings module of one's own may name a database that no variable moves."""
    if found := foreign(folder):
        raise CommandError(
            f"`up --once` buys in a shop of its own, and {settings.SETTINGS_MODULE} leads out of "
            f"it: {', '.join(found)}. Run it with DJANGO_SETTINGS_MODULE=core.project.settings."
        )


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
