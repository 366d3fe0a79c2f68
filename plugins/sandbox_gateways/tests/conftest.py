"""A sandbox process of its own, and a shop that receives its webhooks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe

from sandbox_gateways.process import SandboxProcess


class ReceivingShop:
    """Keeps what comes: (event id, type, headers, body). ``refuse`` makes the next ones fail."""

    def __init__(self) -> None:
        kept: list[tuple[str, str, dict[str, str], bytes]] = []
        self.refuse = 0
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = json.loads(body)
                kind = event.get("type") or event["event_type"]
                headers = {name.lower(): value for name, value in self.headers.items()}
                if shop.refuse:
                    shop.refuse -= 1
                    self.send_response(503)
                else:
                    kept.append((event["id"], kind, headers, body))
                    self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.kept = kept
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def count(self, kind: str) -> int:
        return sum(one[1] == kind for one in list(self.kept))

    def wait_until(self, holds: Callable[[], bool]) -> bool:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if holds():
                return True
            time.sleep(0.02)
        return False


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with SandboxProcess(folder / "ledger.sqlite3") as running:
        yield running


@pytest.fixture
def sandbox(running: SandboxProcess) -> Iterator[SandboxProcess]:
    yield running
    running.control("DELETE faults")
    running.control("DELETE webhooks")
    running.control("POST webhooks", delay=0, duplicate=0, shuffle=False, drop=0, hold=False)
    running.control("POST autopilot", on=False)


@pytest.fixture
def shop(sandbox: SandboxProcess) -> Iterator[ReceivingShop]:
    shop = ReceivingShop()
    sandbox.control("POST webhooks", stripe=shop.url, paypal=shop.url)
    yield shop
    shop.server.shutdown()
    shop.server.server_close()


@pytest.fixture
def stripe_client(sandbox: SandboxProcess) -> Any:
    return stripe.StripeClient(
        "sk_sandbox", base_addresses={"api": sandbox.base}, max_network_retries=0
    )
