"""What lies outside of the shop, and judges it: the gateways' ledger, a mailbox, raw SQL."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from aiosmtpd.controller import Controller

from sandbox_gateways.process import SandboxProcess
from tests.concurrency.crowd import ROOT, database_url

Child = dict[str, Any]
Result = dict[str, Any]

TENTHS = {
    "ORDERLOOM_CALL_DEADLINE_SECONDS": "2.0",
    "ORDERLOOM_LEASE_SECONDS": "0.2",
    "ORDERLOOM_LOOK_UPS": ",".join(["0.1", "0.2", *["0.5"] * 60]),
    "ORDERLOOM_WAITING_LOOK_SECONDS": "2.0",
    "ORDERLOOM_DELIVERY_LEASE_SECONDS": "3.0",
    "ORDERLOOM_DELIVERY_RETRIES": ",".join(["0.1", "0.2", *["0.5"] * 60]),
}
"""Leases, look-ups and back-offs as children have them."""

PLUGINS = "payment-stripe-like,payment-paypal-like,notify-email"


def minor(amount: Any) -> int:
    """Return an amount of either provider in cents."""
    if isinstance(amount, dict):
        amount = amount["value"]
    return amount if isinstance(amount, int) else int(Decimal(amount) * 100)


def environment(**more: str) -> dict[str, str]:
    """Return what a process of the shop is started with: the database of this test, tenths."""
    here = {
        "DATABASE_URL": database_url(),
        "DATABASE_CONN_MAX_AGE": "0",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DEBUG": "1",
        "LOG_LEVEL": "ERROR",
        "ORDERLOOM_PLUGINS": PLUGINS,
    }
    return os.environ | TENTHS | here | more


class Nursery:
    """The process that forks children; each call is one family."""

    def __init__(self, **more: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=ROOT,
            env=environment(ORDERLOOM_CRASHPOINT="", **more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._hear() == "ready"

    def run(
        self, *children: Child, meanwhile: Callable[[list[int]], None] | None = None
    ) -> list[Result]:
        """Let children begin at one moment; return what each said and which signal ended it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(children) + "\n")
        self._process.stdin.flush()
        pids = self._hear()
        if meanwhile is not None:
            meanwhile(pids)
        results: list[Result] = self._hear()
        return results

    def _hear(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """End it; its children have ended before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@dataclass
class Mailbox:
    """Keeps every mail that it has accepted."""

    mails: list[Message] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def by_id(self) -> Counter[str]:
        """Count the mails by their Message-ID."""
        return Counter(str(mail["Message-ID"]) for mail in self.mails)

    def by_subject(self) -> Counter[str]:
        """Count different mails by their subject: a repeat under the same Message-ID is one."""
        return Counter({str(m["Message-ID"]): str(m["Subject"]) for m in self.mails}.values())


class _FreePort(Controller):
    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class _Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): text for name, text in self.headers.items()}
        came: list[list[Any]] = self.server.came  # type: ignore[attr-defined]
        came.append([base64.b64encode(body).decode(), headers])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Outside:
    """A sandbox of gateways, a mailbox and a door for webhooks, for one session of tests."""

    def __init__(self, sandbox: SandboxProcess, mailbox: Mailbox, smtp: int, door: Any) -> None:
        self.sandbox, self.mailbox, self._door = sandbox, mailbox, door
        self._before: set[str] = set()
        told = dict(sandbox.control("GET shop")["environment"])
        self.environment = told | {"EMAIL_URL": f"smtp://127.0.0.1:{smtp}"}

    @classmethod
    @contextmanager
    def standing(cls, folder: Path) -> Iterator[Self]:
        """Stand it up."""
        with ExitStack() as stack:
            sandbox = stack.enter_context(SandboxProcess(folder / "ledger.sqlite3"))
            mailbox = Mailbox()
            smtp = _FreePort(mailbox, hostname="127.0.0.1", port=0)
            smtp.start()
            stack.callback(smtp.stop)
            door = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), _Door))
            door.came = []  # type: ignore[attr-defined]
            threading.Thread(target=door.serve_forever, daemon=True).start()
            stack.callback(door.shutdown)
            yield cls(sandbox, mailbox, smtp.port, door)

    def begin(self) -> None:
        """Forget what has been until now."""
        for what in ("faults", "webhooks"):
            self.sandbox.control(f"DELETE {what}")
        ledger = self.sandbox.control("GET ledger")
        self._before = {one["id"] for kind in ("charges", "refunds") for one in ledger[kind]}
        self.mailbox.mails.clear()
        self.forget_what_came()

    def forget_what_came(self) -> None:
        """Empty the door."""
        self._door.came.clear()

    def charges(self) -> list[int]:
        """Return the amounts that the gateways took since the beginning."""
        return [minor(one["amount"]) for one in self._new("charges") if minor(one["amount"])]

    def charged(self) -> list[str]:
        """Return whose money they took, by our payment's id."""
        taken = [one for one in self._new("charges") if minor(one["amount"])]
        return [str(one["metadata"].get("payment_id")) for one in taken]

    def refunds(self) -> list[int]:
        """Return the amounts that they gave back."""
        return [minor(one["amount"]) for one in self._new("refunds")]

    def _new(self, kind: str) -> list[dict[str, Any]]:
        ledger = self.sandbox.control("GET ledger")
        return [one for one in ledger[kind] if one["id"] not in self._before]

    def call_here(self, code: str) -> None:
        """Have webhooks of a provider brought to our door."""
        address = f"http://127.0.0.1:{self._door.server_port}/"
        self.sandbox.control("POST webhooks", **{code: address})

    def came(self, count: int, seconds: float = 10.0) -> list[list[Any]]:
        """Wait for that many webhooks; return body (base64) and headers of all."""
        until = time.monotonic() + seconds
        while len(self._door.came) < count and time.monotonic() < until:
            time.sleep(0.02)
        return list(self._door.came)
