"""C11: a plugin is switched again and again under four servers' load, and nobody notices.

One plugin brings two rules and a way to pay, so that half of it would show in an order's receipt.
Requests and switches are timed by one clock; when a charge began is the database's own word.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from core.application.refresh_registry import forget, refresh_registry
from core.application.report_worker import lagging_workers
from core.application.switch_plugin import SwitchPlugin, switch_plugin
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.models import PluginWorker
from tests.application.shelf import put
from tests.concurrency.crowd import ROOT
from tests.faults.customers import ask
from tests.faults.outside import environment
from tests.hooks.gallery import Gallery
from tests.session import tier

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

TOGGLES = 5 if tier() == "quick" else 50
WORKERS, CUSTOMERS = 4, 6
SECOND, BETWEEN = 1.0, 1.7
MARGIN = timedelta(seconds=0.25)  # a statement that began before a commit may be stamped after it
PAIR = """
class Rule:
    def __init__(self, key):
        self.info = RuleInfo(key=key, label=key, phase=Phase.LINE)
    def propose(self, quote):
        one = Money(-1, quote.currency)
        return [Adjustment(target=l.line_id, amount=one, reason="less") for l in quote.lines]

class Pay:
    info = PaymentInfo(code="pay", label="Pay", account="till")
    def start(self, request, call):
        fact = Fact(kind=FactKind.CAPTURED, object_id=request.payment_id, amount=request.amount,
                    account="till")
        return Done(facts=(fact,), reference=request.payment_id)
    def inquire(self, request, call):
        return NotFound()

@hookimpl
def pricing_rules():
    return [Rule("pair-a"), Rule("pair-b")]

@hookimpl
def payment_strategies():
    return [Pay()]
"""
WITH, WITHOUT = (898, {"pair-a 1.0", "pair-b 1.0"}), (900, set[str]())


@dataclass(frozen=True)
class Asked:
    """One order: when it was asked for, when it was answered, and how."""

    began: float
    ended: float
    status: int
    order: str


@dataclass(frozen=True)
class Flip:
    """One switch: when its transaction began, when it was over, there and by the database's clock."""

    on: bool
    began: float
    done: float
    at: datetime


@dataclass
class Crowd:
    """Customers who place and pay one order after another."""

    port: int
    asked: list[Asked] = field(default_factory=list)
    paid: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._buy_on) for _ in range(CUSTOMERS)]
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def _buy_on(self) -> None:
        basket = {"lines": [{"sku": "tea", "quantity": 2}]}
        pay = {
            "strategy": "pay",
            "return_url": "https://a.example",
            "cancel_url": "https://a.example",
        }
        while not self._over.is_set():
            key, began = uuid.uuid4().hex, time.time()
            status, said = ask(self.port, "POST", "/api/v1/orders", basket, Idempotency_Key=key)
            order = str(said.get("order_id", said)) if isinstance(said, dict) else str(said)
            self.asked.append(Asked(began, time.time(), status, order))
            if status == 201:
                path = f"/api/v1/orders/{order}/payments"
                named = {"Idempotency_Key": key, "X_Order_Token": said["token"]}
                status, said = ask(self.port, "POST", path, pay, **named)
                self.paid.append((status, str(said.get("code", "")) if status >= 400 else ""))


@pytest.fixture
def shop(transactional_db: None) -> Iterator[TenantRef]:
    with acting_for(DEFAULT_TENANT) as ref:
        put("tea", 450, 1_000_000, now=datetime.now(UTC))
        yield ref


class Servers:
    """The documented server: one port, several worker processes."""

    def __init__(self, folder: Path, app: str, workers: int) -> None:
        self._workers = workers
        gallery = Gallery(folder)
        gallery.add("pair", PAIR, hooks=("pricing_rules", "payment_strategies"), package="c11_pair")
        more = {"PYTHONPATH": str(folder), "ORDERLOOM_PLUGINS": "pair", "ORDERLOOM_HTTPS": "0"}
        more |= {"ORDERLOOM_WORKER_REPORT_SECONDS": "0.5", "DATABASE_CONN_MAX_AGE": "600"}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"]
        command += ["--workers", str(workers), "--blocking-threads", "2", "--log-level", "error"]
        command += ["--host", "127.0.0.1", "--port", str(self.port), f"{app}:application"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment(**more))

    def wait(self) -> None:
        """Wait until all of them have answered, and reported that they have."""
        until = time.monotonic() + 90
        while PluginWorker.objects.count() < self._workers:
            assert time.monotonic() < until, "the servers don't answer"
            try:
                ask(self.port, "GET", "/api/v1/products")
            except OSError:
                time.sleep(0.1)

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def flip(*, on: bool) -> Flip:
    command, began = SwitchPlugin(plugin="pair", on=on, who="ada"), time.time()
    done = switch_plugin(command, plugins=refresh_registry(), now=datetime.now(UTC))
    ended = time.time()
    assert done.changed
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (at,) = cursor.fetchone()
    return Flip(on, began, ended, at)


def toggled(
    tmp_path: Path, toggles: int, app: str = "core.project.wsgi", workers: int = WORKERS
) -> tuple[Crowd, list[Flip]]:
    """Switch under load; return what customers saw and when what was switched."""
    servers = Servers(tmp_path, app, workers)
    try:
        servers.wait()
        forget()
        flips, crowd = [], Crowd(servers.port)
        try:
            for number in range(toggles):
                time.sleep(BETWEEN)
                flips.append(flip(on=bool(number % 2)))
            time.sleep(BETWEEN)
        finally:
            crowd.leave()
        settled(refresh_registry().generation)
    finally:
        servers.end()
    return crowd, flips


def settled(generation: int) -> None:
    """No worker holds anything older once all are idle."""
    until = time.monotonic() + 10
    while lagging_workers(generation=generation):
        assert time.monotonic() < until
        time.sleep(0.05)


def bought() -> dict[str, tuple[int, set[str]]]:
    """Return, by order, its total and the plugin's rules in its receipt."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text, total_minor, receipt::text FROM orderloom_order")
        rows = [(order, total, json.loads(text)) for order, total, text in cursor.fetchall()]
    return {order: (total, _rules(receipt)) for order, total, receipt in rows}


def _rules(receipt: dict[str, Any]) -> set[str]:
    """A step is stored as a list: phase, group, mode, rule, plugin, version and so on."""
    return {f"{step[3]} {step[5]}" for step in receipt["steps"] if step[4] == "pair"}


def old_ones(crowd: Crowd, flips: list[Flip]) -> list[tuple[Asked, bool]]:
    """Return the orders that began a second after a switch, and were placed as if before it."""
    found, sets = [], bought()
    for flipped, after in zip(flips, [*flips[1:], None], strict=True):
        end = after.began if after else float("inf")
        for one in crowd.asked:
            new = flipped.done + SECOND <= one.began and one.ended < end and one.status == 201
            if new and sets[one.order] != (WITH if flipped.on else WITHOUT):
                found.append((one, flipped.on))
    return found


def started_while_off(flips: list[Flip]) -> list[datetime]:
    """Return when charges began although the plugin was off, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sent_at FROM orderloom_operation")
        sent = [row[0] for row in cursor.fetchall()]
    return [
        at
        for flipped, after in zip(flips, [*flips[1:], None], strict=True)
        if not flipped.on
        for at in sent
        if flipped.at + MARGIN < at
        and (after is None or at < after.at - MARGIN - timedelta(seconds=1))
    ]


def test_switching_under_load_is_an_error_for_nobody_and_half_done_for_nobody(
    shop: TenantRef, tmp_path: Path
) -> None:
    crowd, flips = toggled(tmp_path, TOGGLES)

    sets = bought()
    seen = {status for one in crowd.asked for status in (one.status,)} | {s for s, _ in crowd.paid}
    off = [code for status, code in crowd.paid if status >= 400]
    print(f"{len(flips)} switches, {len(crowd.asked)} orders, {len(crowd.paid) - len(off)} paid")
    assert {status for status in seen if status >= 500} == set()
    assert {one.status for one in crowd.asked} == {201}
    assert [found for found in sets.values() if found not in (WITH, WITHOUT)] == []
    assert {total for total, _ in sets.values()} == {898, 900}
    assert old_ones(crowd, flips) == []
    assert set(off) == {"UNKNOWN_PAYMENT_STRATEGY"}
    assert len(off) < len(crowd.paid)
    assert started_while_off(flips) == []


def test_servers_that_never_look_go_on_with_what_was_switched_off(
    shop: TenantRef, tmp_path: Path
) -> None:
    crowd, flips = toggled(tmp_path, 1, app="tests.concurrency.deaf", workers=1)

    assert old_ones(crowd, flips) != []
