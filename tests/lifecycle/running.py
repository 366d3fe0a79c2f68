"""A shop that runs: a server and a relay as processes, and people who use them over HTTP."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.browser.running_shop import free_port
from tests.house.tree import ROOT
from tests.prefix import Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        """The body, if it is JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(slots=True, kw_only=True)
class Running:
    """Server and relay of a shop; a context manager, within which it can be asked."""

    shop: Shop
    variables: Mapping[str, str]
    port: int = field(default_factory=free_port)
    server: tuple[str, ...] = ("--workers", "1")
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        granian = ("-m", "granian", "--interface", "wsgi", "--no-ws", *self.server)
        where = ("--host", "127.0.0.1", "--port", str(self.port), "core.project.wsgi:application")
        for name, arguments in (
            ("server", (*granian, *where)),
            ("relay", (str(ROOT / "manage.py"), "relay")),
        ):
            with (self.shop.data / f"{name}.log").open("ab") as log:
                self.processes.append(self.shop.begin(arguments, log, **self.variables))
        until = time.monotonic() + 60
        while self.get("/livez").status != 200:
            assert time.monotonic() < until, self.log("server")
            time.sleep(0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=30)

    def log(self, name: str) -> str:
        """Return the end of what a process has said."""
        return (self.shop.data / f"{name}.log").read_text(encoding="utf-8")[-4000:]

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a page."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """Send JSON under a new key."""
        sent = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._ask("POST", path, json.dumps(body or {}).encode(), sent | named)

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            answer = connection.getresponse()
            return Answer(status=answer.status, body=answer.read())
        except ConnectionError:
            return Answer(status=0, body=b"")
        finally:
            connection.close()


def mails(folder: Path) -> int:
    """Count the mails that went into a folder, each once."""
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.log")]
    lines = (line for text in texts for line in text.splitlines())
    return len({line for line in lines if line.lower().startswith("message-id:")})
