"""The sandbox providers, as `up` runs them: a program of its own, told where the shop is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from core.hooks.discovery import Discovered
from core.hooks.states import Code

_SECONDS: Final = 10.0
_OPENER = build_opener(ProxyHandler({}))  # a sandbox lives on this computer: no proxy knows it


def sandbox_packages(discovered: Discovered) -> tuple[str, ...]:
    """Return the packages of the plugins that are only there to play providers."""
    return tuple(
        found.manifest.package
        for found in discovered.found
        if found.code is Code.FOUND and found.manifest and found.manifest.only_in == "sandbox"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A running program of sandbox providers: its address and its process.

    It ends when its standard input does, so that it never outlives who started it.
    """

    base: str
    pid: int

    @staticmethod
    def start(package: str, *, port: int, folder: Path) -> Sandbox:
        """Run a package until we end; its ledger and its log lie in a folder.

        Raises:
            OSError: it didn't start; the log says why.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{package}.log").open("ab") as log:
            program = subprocess.Popen(  # noqa: S603 - a plugin that is installed here
                [
                    sys.executable,
                    "-m",
                    package,
                    *("--port", str(port)),
                    *("--ledger", str(folder / f"{package}.sqlite3")),
                    "--until-eof",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert program.stdin is not None
        assert program.stdout is not None
        # Our next self goes on holding its input; numbers of files survive an exec.
        kept = os.dup(program.stdin.fileno())
        os.set_inheritable(kept, True)  # noqa: FBT003 - positional-only
        program.stdin.close()
        base = program.stdout.readline().decode().strip()
        program.stdout.close()
        if not base:
            raise OSError(f"{package} didn't start: see {log.name}")
        return Sandbox(base=base, pid=program.pid)

    def environment(self) -> dict[str, str]:
        """Return the variables that point payment plugins here."""
        return dict(self._ask("shop")["environment"])

    def plugins(self) -> tuple[str, ...]:
        """Return the plugins that expect webhooks from here."""
        return tuple(self._ask("shop")["plugins"])

    def inputs(self, plugin: str) -> dict[str, str]:
        """Return what a willing customer types before paying through a plugin."""
        return dict(self._ask("shop").get("inputs", {}).get(plugin, {}))

    def call_at(self, webhooks: Mapping[str, str]) -> None:
        """Have webhooks sent to these addresses, by plugin."""
        self._ask("shop", {"webhooks": dict(webhooks)})

    def click(self, url: str) -> str | None:
        """Be a willing customer; return where they are sent back to, None for a foreign page."""
        if not url.startswith(f"{self.base}/"):
            return None
        return str(self._ask("click", {"url": url})["return_url"])

    def ended(self) -> bool:
        """Say whether it has ended by itself."""
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def stop(self) -> None:
        """End it, and wait until it has."""
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGTERM)
            os.waitpid(self.pid, 0)

    def _ask(self, what: str, said: Mapping[str, Any] | None = None) -> dict[str, Any]:
        body = None if said is None else json.dumps(said).encode()
        request = Request(f"{self.base}/control/{what}", data=body)  # noqa: S310 - our own address
        try:
            with _OPENER.open(request, timeout=_SECONDS) as answer:
                told: dict[str, Any] = json.load(answer)
                return told
        except URLError as error:
            raise OSError(f"the sandbox at {self.base} doesn't answer: {error}") from error
