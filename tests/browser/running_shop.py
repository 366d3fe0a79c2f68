"""The whole shop as `manage.py up` starts it, in processes of its own, with its providers."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = re.compile(r"DATABASE_URL|CACHE_URL|EMAIL_URL|ORDERLOOM_.*")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningShop:
    """Use it as a context manager: `url` is the shop, `bank` the address of the providers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.bank = ""

    def __enter__(self) -> Self:
        kept = {name: it for name, it in os.environ.items() if not NOT_OURS.fullmatch(name)}
        with (self.folder / "up.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port)],
                cwd=ROOT,
                env=kept
                | {"ORDERLOOM_DATA": str(self.folder), "DEBUG": "1", "ORDERLOOM_SANDBOX": "1"},
                stdout=log,
                stderr=log,
            )
        try:
            self.bank = self._told(r"Sandbox +(http://\S+)[\s\S]+Ctrl-C ends it")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

    def _told(self, pattern: str, *, seconds: float = 60.0) -> str:
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._process.poll() is None:
            found = re.search(pattern, self.log())
            if found:
                return found[1]
            time.sleep(0.1)
        raise RuntimeError(self.log()[-3000:])

    def log(self) -> str:
        """Return what `up` has said so far."""
        return (self.folder / "up.log").read_text(encoding="utf-8")

    def control(self, line: str, **said: Any) -> Any:
        """Ask the providers' control API, e.g. `control("POST faults", match=…, do="drop")`."""
        method, _, name = line.partition(" ")
        return json.loads(self._ask(method, f"{self.bank}/control/{name}", json.dumps(said))[1])

    def send(self, url: str, **form: str) -> str:
        """Send a form of a provider's page; return where it leads, without going there."""
        return self._ask("POST", url, urlencode(form))[0]

    def _ask(self, method: str, url: str, body: str) -> tuple[str, str]:
        where = urlsplit(url)
        with closing(http.client.HTTPConnection(where.netloc, timeout=20)) as connection:
            connection.request(method, f"{where.path}?{where.query}", body=body)
            answer = connection.getresponse()
            return answer.getheader("Location", ""), answer.read().decode()

    def taken(self) -> int:
        """Count what the providers' own ledger says was taken."""
        charges: list[dict[str, Any]] = self.control("GET ledger")["charges"]
        return sum(charge["status"] in {"succeeded", "COMPLETED"} for charge in charges)

    def orders(self) -> int:
        """Count the orders in the database, past the application."""
        with closing(sqlite3.connect(self.folder / "orderloom.sqlite3")) as database:
            return int(database.execute("SELECT count(*) FROM orderloom_order").fetchone()[0])
