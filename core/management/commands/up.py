"""Everything at once on one computer: `up` serves the shop, `up --once` buys something and ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.utils import timezone
from pydantic_core import to_json

from core.application.receive_webhook import webhook_url
from core.application.refresh_registry import refresh_registry
from core.context import DEFAULT_TENANT, acting_for
from core.hooks.registry import Registry
from core.jobs.relay import Relay
from core.jobs.sweeper import Sweeper
from core.management.buying import buy, one_per_plugin
from core.management.furnish import furnish_shelves, let_somebody_in, migrate
from core.management.sandbox import Sandbox, sandbox_packages
from core.management.serving import Server, ThreadServer, free_port, is_free, server_for
from core.management.telling import addresses, states, story

_SELF: Final = "_ORDERLOOM_UP"
"""What `up` leaves in the environment for its second self, whose settings fit what it started."""

_SANDBOX_PORT: Final = 8001


class Command(BaseCommand):
    """`up` until Ctrl-C, or `up --once [--json]`."""

    help = "Serve the shop on this computer; with --once, buy through every payment plugin and end."
    requires_system_checks = ()  # they run once, by hand, in the second self

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="buy, tell, and end")
        parser.add_argument("--json", action="store_true", help="with --once, for programs")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *_: Any, **options: Any) -> None:
        left = os.environ.pop(_SELF, "")
        if not left:
            self._begin(options)
        started = json.loads(left)
        self.sandboxes = tuple(Sandbox(**one) for one in started["sandboxes"])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _interrupt)
        try:
            with acting_for(DEFAULT_TENANT), ExitStack() as stack:
                if options["once"]:
                    self._once(stack, options["host"], started["port"], as_json=options["json"])
                else:
                    self._serve(stack, options["host"], started["port"])
        except KeyboardInterrupt:
            self.stderr.write("Ended.")
        finally:
            connections.close_all()
            for sandbox in self.sandboxes:
                sandbox.stop()
            if started["folder"]:
                shutil.rmtree(started["folder"], ignore_errors=True)

    # The first self: start what settings depend on, then start over with them

    def _begin(self, options: dict[str, Any]) -> NoReturn:
        if not settings.DEBUG:
            raise CommandError("`up` is for a computer of your own: say `make run`, or DEBUG=1.")
        host, port, folder, own = options["host"], options["port"], settings.ORDERLOOM_DATA, ""
        given = {"LOG_LEVEL": "WARNING"}
        if options["once"]:
            port, own = free_port(host), tempfile.mkdtemp(prefix="once-", dir=folder)
            folder = Path(own)
            given["EMAIL_URL"] = f"filemail:///{folder / 'mail'}"
        elif not is_free(host, port):
            raise CommandError(f"Port {port} is taken: say --port with another one.")
        address = {"ORDERLOOM_PUBLIC_URL": f"http://{host}:{port}"}
        started = self._sandboxes(Path(folder), once=options["once"])
        for sandbox in started:
            given |= sandbox.environment()
        left = {"sandboxes": [asdict(one) for one in started], "folder": own, "port": port}
        environment = given | address | dict(os.environ) | {_SELF: json.dumps(left)}
        if own:  # an order of its own in a shop of its own, whatever else runs here
            environment |= address | {"ORDERLOOM_DATA": own}
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606

    def _sandboxes(self, folder: Path, *, once: bool) -> list[Sandbox]:
        port = 0 if once or not is_free("127.0.0.1", _SANDBOX_PORT) else _SANDBOX_PORT
        return [
            Sandbox.start(package, port=port, folder=folder / "sandbox")
            for package in sandbox_packages(settings.ORDERLOOM_DISCOVERED)
        ]

    # The second self

    def _serve(self, stack: ExitStack, host: str, port: int) -> None:
        server = stack.enter_context(server_for(host, port))  # it loads while we furnish
        password = self._furnish(sys.stdout)
        registry = self._ready(stack, server)
        base = f"http://{host}:{port}"
        self.stdout.write(f"\n{addresses(base, self.sandboxes)}\n")
        if password:
            self.stdout.write(f"\n  admin's password, shown this once: {password}\n")
        self.stdout.write(f"\n{states(registry)}\n\nCtrl-C ends it.")
        self.stdout.flush()
        while server.alive():
            time.sleep(0.2)
        raise CommandError("The server has ended.")

    def _once(self, stack: ExitStack, host: str, port: int, *, as_json: bool) -> None:
        self._furnish(sys.stderr)
        registry = self._ready(stack, stack.enter_context(ThreadServer(host, port)))
        began, bought = time.monotonic(), []
        for offered in one_per_plugin(registry):
            bought.append(buy(offered, plugins=registry, sandboxes=self.sandboxes))
            if not as_json:
                self.stdout.write(story(bought[-1]))
        if as_json:
            told = {
                "orders": [asdict(one) for one in bought],
                "seconds": round(time.monotonic() - began, 3),
            }
            self.stdout.write(to_json(told, indent=2).decode())
        if not bought or not all(one.as_promised for one in bought):
            raise CommandError("Not every order became what was promised.", returncode=1)

    def _furnish(self, out: TextIO) -> str | None:
        call_command("check", stdout=sys.stderr, stderr=sys.stderr)
        if migrated := migrate():
            out.write(f"Migrated {', '.join(migrated)}.\n")
        if count := furnish_shelves(now=timezone.now()):
            out.write(f"Put {count} sample products on the shelves.\n")
        return let_somebody_in()

    def _ready(self, stack: ExitStack, server: Server) -> Registry:
        """Tell the sandbox where we are, set off who works behind the counter, wait for the door."""
        registry = refresh_registry()
        for sandbox in self.sandboxes:
            sandbox.call_at(
                {
                    name: webhook_url(plugin=name, now=timezone.now())
                    for name in sandbox.plugins()
                    if registry.plugin(name) is not None
                }
            )
        for worker in (Relay(poll=0.1), Sweeper(poll=0.1)):
            worker.start()
            stack.callback(worker.stop)
        server.wait_until_ready()
        return registry


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
