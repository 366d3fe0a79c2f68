"""K4: the web server is told to end in the middle of checkouts, and what it accepted is there."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from django.db import connection

from core.context import TenantRef
from tests.concurrency.crowd import ROOT
from tests.faults.customers import Customers, ask
from tests.faults.invariants import broken
from tests.faults.judging import TOTAL, finished
from tests.faults.outside import Nursery, Outside, environment
from tests.session import tier

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(900)]

ROUNDS = 2 if tier() == "quick" else 50
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
                if ask(self.port, "GET", "/livez")[0] == 200:
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
    customers = Customers(server.port, outside.sandbox)

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
    customers = Customers(server.port, outside.sandbox)

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
    customers = Customers(server.port, outside.sandbox)
    time.sleep(1.0)

    seconds = server.end()
    customers.closed.set()
    server.start()
    customers.leave()
    server.end()

    assert seconds >= DRAINED
