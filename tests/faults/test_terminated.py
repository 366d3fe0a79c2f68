"""K4: the web server is told to end in the middle of checkouts, and what it accepted is there."""

from __future__ import annotations

import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from core.context import TenantRef
from tests.concurrency.crowd import ROOT
from tests.faults.invariants import broken
from tests.faults.judging import TOTAL, finished
from tests.faults.outside import Nursery, Outside, environment
from tests.session import tier

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(900)]

ROUNDS = 2 if tier() == "quick" else 50
CUSTOMERS = 3
DRAINED = 10.0


class Server:
    """The server that `up` starts beside itself, on one port, again and again."""

    def __init__(self, outside: Outside, app: str = "core.project.wsgi", **more: str) -> None:
        self._environment = environment(**outside.environment, ORDERLOOM_HTTPS="0", **more)
        self._app = f"{app}:application"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    def start(self) -> None:
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"]
        command += ["--workers", "1", "--blocking-threads", "4", "--log-level", "error"]
        command += ["--host", "127.0.0.1", "--port", str(self.port)]
        self._process = subprocess.Popen([*command, self._app], cwd=ROOT, env=self._environment)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if self.asked("GET", "/livez")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the server doesn't answer")

    def end(self) -> float:
        """Tell it to end; return how many seconds it took."""
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(DRAINED + 2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return time.monotonic() - began

    def asked(self, method: str, path: str, body: Any = None, **named: str) -> tuple[int, Any]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {name.replace("_", "-"): text for name, text in named.items()}
        try:
            client.request(
                method,
                path,
                body=None if body is None else json.dumps(body),
                headers={"Content-Type": "application/json", **headers},
            )
            answer = client.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text.startswith(b"{") else text
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            client.close()


class Customers:
    """Buy one after another, repeating what had no answer, until the shop closes for good."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.closed = threading.Event()
        self.placed: dict[str, str] = {}
        self.paid: list[str] = []
        self.surprises: list[Any] = []
        self._threads = [threading.Thread(target=self._buy_on) for _ in range(CUSTOMERS)]
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        self.closed.set()
        for thread in self._threads:
            thread.join(60)

    def _buy_on(self) -> None:
        while not self.closed.is_set():
            key = uuid.uuid4().hex
            body = {"lines": [{"sku": "tea", "quantity": 2}], "contact": {"email": "a@example.org"}}
            order = self._insist("/api/v1/orders", body, Idempotency_Key=key)
            if order is None:
                return
            self.placed[key] = order["order_id"]
            way = {
                "strategy": "stripe",
                "inputs": {"payment_method": "pm_card_visa"},
                "return_url": "https://shop.example/back",
                "cancel_url": "https://shop.example/cancel",
            }
            where, token = f"/api/v1/orders/{order['order_id']}/payments", order["token"]
            step = self._insist(where, way, Idempotency_Key=f"pay-{key}", X_Order_Token=token)
            if step is not None:
                self.paid.append(order["order_id"])

    def _insist(self, path: str, body: Any, **named: str) -> Any:
        """Ask until there is an answer; anything but a yes is a surprise."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                status, answer = self.server.asked("POST", path, body, **named)
            except OSError:
                time.sleep(0.05)
                continue
            if status == 201:
                return answer
            self.surprises.append((status, answer))
            return None
        self.surprises.append((path, "no answer"))
        return None


@pytest.fixture
def server(outside: Outside) -> Iterator[Server]:
    server = Server(outside)
    yield server
    server.end()


def test_a_server_that_is_told_to_end_loses_nothing_it_accepted(
    shop: TenantRef, nursery: Nursery, outside: Outside, server: Server, dice: random.Random
) -> None:
    seconds = []
    server.start()
    customers = Customers(server)

    for _ in range(ROUNDS):
        time.sleep(dice.uniform(0.3, 0.8))
        seconds.append(server.end())
        server.start()
    time.sleep(0.3)
    customers.leave()
    finished(nursery)

    print(f"{len(customers.placed)} orders, drained within {max(seconds):.2f} s")
    assert customers.surprises == []
    assert max(seconds) < DRAINED
    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM orderloom_order WHERE status = 'PAID'")
        paid = {row[0] for row in cursor.fetchall()}
        assert broken(cursor) == {}
    assert set(customers.placed.values()) == set(customers.paid) == paid
    assert outside.charges() == [TOTAL] * len(paid)
    assert set(outside.mailbox.by_id().values()) == {1}


@pytest.mark.full
def test_answered_before_it_is_committed_what_was_accepted_is_lost(
    shop: TenantRef, outside: Outside, dice: random.Random
) -> None:
    server = Server(outside, app="tests.faults.hasty")
    server.start()
    customers = Customers(server)

    for _ in range(6):
        time.sleep(dice.uniform(0.5, 0.8))
        accepted = set(customers.placed.values())
        server.end()
        with connection.cursor() as cursor:
            cursor.execute("SELECT id::text FROM orderloom_order")
            lost = accepted - {row[0] for row in cursor.fetchall()}
        server.start()
        if lost:
            break
    customers.leave()
    server.end()

    assert lost


@pytest.mark.full
def test_without_a_deadline_a_server_is_not_drained_in_time(
    shop: TenantRef, outside: Outside
) -> None:
    slow = {"ORDERLOOM_CALL_DEADLINE_SECONDS": "60", "ORDERLOOM_LEASE_SECONDS": "60"}
    server = Server(outside, **slow)
    outside.sandbox.control(
        "POST faults", match="POST /v1/payment_intents", do="timeout", seconds=DRAINED * 3
    )
    server.start()
    customers = Customers(server)
    time.sleep(1.0)

    seconds = server.end()
    customers.closed.set()
    server.start()
    customers.leave()
    server.end()

    assert seconds >= DRAINED
