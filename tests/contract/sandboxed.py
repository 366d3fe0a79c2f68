"""The suite over the sandbox's process: its ledger, its customers, its faults and its webhooks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest

from core.testing.payment_adapter import Moved
from core.testing.payment_contract import PaymentContract
from hookspecs import ClientConfirm, Money, Redirect, Show, Webhook
from sandbox_gateways.process import SandboxProcess

MOVES = r"POST /v[12]/(checkout|payment_intents|refunds|payments).*"
QUIET, PATIENCE = 0.5, 10.0


class Ear:
    """Hears what the sandbox sends, as a shop's door would."""

    def __init__(self) -> None:
        self.heard: list[Webhook] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): text for name, text in self.headers.items()}
                now = datetime.now(UTC)
                heard.append(Webhook(body=body, headers=headers, received_at=now))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"

    def about(self, payment_id: str) -> list[Webhook]:
        """Wait until something about a payment was heard, and then nothing for a while."""
        until, count, since = time.monotonic() + PATIENCE, -1, time.monotonic()
        while time.monotonic() < until:
            found = [one for one in self.heard if payment_id.encode() in one.body]
            if len(found) != count:
                count, since = len(found), time.monotonic()
            elif count and time.monotonic() - since > QUIET:
                return found
            time.sleep(0.02)
        return []

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Sandboxed(PaymentContract):
    """What both gateways of the sandbox have in common."""

    provider: ClassVar[str]
    sandbox: SandboxProcess
    ear: Ear

    @pytest.fixture
    def strategy(self, running: SandboxProcess) -> Iterator[Any]:
        self.sandbox, self.ear = running, Ear()
        running.control("POST webhooks", **{self.provider: self.ear.url})
        yield self.strategy_at(running.base)
        running.control("DELETE faults")
        running.control("DELETE webhooks")
        self.ear.close()

    def strategy_at(self, base: str) -> Any:
        raise NotImplementedError

    def ledger(self) -> Sequence[Moved]:
        moved = []
        for one in reversed(self.sandbox.control("GET ledger")["charges"]):
            if one["provider"] != self.provider or one["status"] == "failed":
                continue
            payment_id = one["metadata"].get("payment_id", "")
            for kind, amount in (("CHARGE", one["amount"]), ("REFUND", one["refunded"])):
                money = self.money(amount, one["currency"])
                if money:
                    moved.append(Moved(kind=kind, payment_id=payment_id, amount=money))
        return moved

    def money(self, amount: Any, currency: str) -> Money:
        raise NotImplementedError

    def approve(self, payment_id: str, action: Redirect | ClientConfirm | Show) -> None:
        assert isinstance(action, Redirect)
        self.sandbox.click(action.url)

    def lose_next_answer(self) -> None:
        self.sandbox.control("POST faults", match=MOVES, do="drop", when="after")

    def find_answers_again(self) -> None:
        self.sandbox.control("DELETE faults")

    def requests_seen(self) -> int:
        return len(self.sandbox.control("GET requests")["requests"])

    def webhooks(self, payment_id: str) -> Sequence[Webhook]:
        return self.ear.about(payment_id)
