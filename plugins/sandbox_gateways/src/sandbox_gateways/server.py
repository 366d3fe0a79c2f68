"""The sandbox's HTTP server: one process, one port, both providers, loopback only."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

from sandbox_gateways.autopilot import Autopilot
from sandbox_gateways.control import Control
from sandbox_gateways.customer_pages import CustomerPages
from sandbox_gateways.dashboard import Dashboard
from sandbox_gateways.deliveries import Deliveries
from sandbox_gateways.faults import Fault, Faults
from sandbox_gateways.ledger import Ledger
from sandbox_gateways.paypal_api import PaypalApi
from sandbox_gateways.paypal_objects import PaypalBook
from sandbox_gateways.paypal_signatures import PaypalSigner
from sandbox_gateways.stripe_api import StripeApi, sign
from sandbox_gateways.stripe_objects import StripeBook
from sandbox_gateways.stripe_sessions import StripeSessions
from sandbox_gateways.wire import Answer, Asked, answer_json, answer_page

_BODY_LIMIT = 1_000_000
_LOG_LIMIT = 10_000


class Sandbox:
    """Everything behind the port, put together."""

    def __init__(self, *, ledger_path: str | Path, base: str) -> None:
        self.base = base
        self.ledger = Ledger(ledger_path)
        self.deliveries = Deliveries(self.ledger)
        self.faults = Faults(self.ledger)
        stripe = StripeBook(self.ledger, self.deliveries)
        paypal = PaypalBook(self.ledger, self.deliveries)
        sessions = StripeSessions(self.ledger, stripe)
        self._signer = PaypalSigner(self.ledger, base=base)
        self._pages = CustomerPages(self.ledger, sessions, paypal)
        self.asked: deque[dict[str, str]] = deque(maxlen=_LOG_LIMIT)
        self.autopilot = Autopilot(self.ledger, sessions, paypal, self._pages)
        self._stripe = StripeApi(self.ledger, self.deliveries, sessions)
        self._paypal = PaypalApi(self.ledger, self.deliveries, paypal, self._signer)
        parts: dict[str, Any] = {
            "ledger": self.ledger,
            "deliveries": self.deliveries,
            "autopilot": self.autopilot,
            "stripe": stripe,
            "paypal": paypal,
        }
        self._control = Control(faults=self.faults, asked=self.asked, **parts)
        self._dashboard = Dashboard(**parts)
        self._style = files("sandbox_gateways").joinpath("page.css").read_bytes()

    def start(self) -> None:
        """Begin to deliver webhooks and, if it is on, to click."""
        self.deliveries.start({"stripe": sign, "paypal": self._signer.sign})
        self.autopilot.start()

    def stop(self) -> None:
        """Stop what runs beside the server, and close the ledger."""
        self.autopilot.stop()
        self.deliveries.stop()
        self.ledger.close()

    def answer(self, asked: Asked) -> Answer | None:
        """Answer a request, or None: the connection ends in silence."""
        if asked.path.startswith("/control/"):
            return self._control.answer(asked)
        self.asked.append({"line": asked.line, "key": asked.key})
        fault = self.faults.take(asked)
        if fault is None:
            return self._route(asked)
        return self._spoilt(asked, fault)

    def _spoilt(self, asked: Asked, fault: Fault) -> Answer | None:
        if fault.way == "slow":
            asked.pause = fault.seconds
            return self._route(asked)
        if fault.way in {"alter", "drip"}:
            return fault.spoil(self._route(asked))
        if fault.way == "late":
            later = threading.Timer(fault.seconds, self._route, [asked])
            later.daemon = True
            later.start()
        elif fault.after and fault.way != "say":
            if fault.remembered and not fault.silent:
                asked.spoil = fault.answer()
            self._route(asked)
        if fault.way == "timeout":
            time.sleep(fault.seconds)
        return None if fault.silent else fault.answer()

    def _route(self, asked: Asked) -> Answer:
        if self._paypal.owns(asked.path):
            return self._paypal.answer(asked)
        if asked.path.startswith("/v1/"):
            return self._stripe.answer(asked)
        if asked.path == "/page.css":
            return Answer(body=self._style, content_type="text/css; charset=utf-8")
        page = self._pages.answer(asked) or self._dashboard.answer(asked)
        return page or answer_page("<!doctype html><title>No such page</title>No such page.", 404)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    sandbox: Sandbox


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _BODY_LIMIT:
            self._send(answer_json({"error": {"message": "too large"}}, 413))
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        asked = Asked(
            method=self.command,
            path=path,
            query_string=query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
            base=self.server.sandbox.base,
        )
        answer = self.server.sandbox.answer(asked)
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(answer)

    do_GET = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 - http.server's names

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if answer.status != 204:
            self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._write(answer)
        self.wfile.flush()

    def _write(self, answer: Answer) -> None:
        if not answer.drip:
            self.wfile.write(answer.body)
            return
        with contextlib.suppress(OSError):  # whoever waited has gone
            for at in range(len(answer.body)):
                self.wfile.write(answer.body[at : at + 1])
                self.wfile.flush()
                time.sleep(answer.drip / len(answer.body))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Stay silent: the dashboard and the ledger tell."""


def make_server(*, port: int, ledger_path: str | Path) -> _Server:
    """Return a server bound to a loopback port (0: any free one), not yet serving."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.sandbox = Sandbox(
        ledger_path=ledger_path, base=f"http://127.0.0.1:{server.server_address[1]}"
    )
    return server
