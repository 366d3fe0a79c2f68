"""K2: web, relay and sweeper are killed at random under load, and nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.application.receive_webhook import webhook_endpoint
from core.context import TenantRef
from tests.faults.customers import WAYS, Customers, ask
from tests.faults.invariants import broken
from tests.faults.judging import GATEWAYS, TOTAL, finished
from tests.faults.outside import Nursery, Outside
from tests.session import tier

pytestmark = [pytest.mark.postgres, pytest.mark.full, pytest.mark.timeout(1800)]

KILLS = {"quick": 6, "full": 20, "soak": 200}[tier()]
APART = (0.3, 1.0)  # seconds between two kills


class Immortal:
    """A process that is born again whenever it dies, in a nursery of its own."""

    def __init__(self, outside: Outside, child: dict[str, Any]) -> None:
        self._nursery = Nursery(**outside.environment)
        self._child = child
        self._pid = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live_on)
        self._thread.start()

    def kill(self) -> bool:
        """Kill it as it stands; False where it isn't born yet."""
        pid, self._pid = self._pid, 0
        if pid:
            os.kill(pid, signal.SIGKILL)
        return bool(pid)

    def end(self) -> None:
        """Kill it for good."""
        self._over.set()
        while self._thread.is_alive():
            self.kill()
            self._thread.join(0.1)
        self._nursery.end()

    def _live_on(self) -> None:
        while not self._over.is_set():
            self._nursery.run(self._child, meanwhile=self._born)

    def _born(self, pids: list[int]) -> None:
        (self._pid,) = pids


@contextmanager
def shop_of_immortals(outside: Outside, **off: list[str]) -> Iterator[tuple[int, list[Immortal]]]:
    """Run web, relay and sweeper; `off` says which of them is without which protection."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    children = {
        "serve": {"given": {"port": port}},
        "relay": {"given": {"poll": 0.1}},
        "sweeper": {"given": {"poll": 0.1}},
    }
    with ExitStack() as stack:
        alive = []
        for act, more in children.items():
            one = Immortal(outside, {"act": act, "without": off.get(act, []), **more})
            stack.callback(one.end)
            alive.append(one)
        _wait_for(port)
        yield port, alive


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if ask(port, "GET", "/livez")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server doesn't answer")


def killed_at_random(alive: list[Immortal], dice: random.Random, count: int) -> int:
    kills = 0
    while kills < count:
        time.sleep(dice.uniform(*APART))
        kills += dice.choice(alive).kill()
    return kills


def orders(cursor: Any) -> dict[str, tuple[str, str]]:
    cursor.execute("SELECT id::text, status, payment_status FROM orderloom_order")
    return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def owners(cursor: Any) -> dict[str, str]:
    """Return the order of each payment, by its id as gateways know it."""
    cursor.execute("SELECT replace(id::text, '-', ''), order_id::text FROM orderloom_payment")
    return dict(cursor.fetchall())


def test_killed_at_random_nothing_is_lost_and_nothing_doubled(
    shop: TenantRef, nursery: Nursery, outside: Outside, dice: random.Random
) -> None:
    with shop_of_immortals(outside) as (port, alive):
        for code in GATEWAYS:
            plugin = f"payment-{code}-like"
            endpoint = webhook_endpoint(plugin=plugin, now=timezone.now())
            address = f"http://127.0.0.1:{port}/webhooks/{plugin}/{endpoint}"
            outside.sandbox.control("POST webhooks", **{code: address})
        customers = Customers(
            port,
            outside.sandbox,
            ways=WAYS,
            waits=frozenset({409, 503}),
            seed=str(dice.random()),
            count=4,
            pause=0.1,
        )
        kills = killed_at_random(alive, dice, KILLS)
        customers.leave()
    began = time.monotonic()
    finished(nursery, given={"customers": True})
    took = time.monotonic() - began

    with connection.cursor() as cursor:
        found, whose, wrong = orders(cursor), owners(cursor), broken(cursor)
    ends = Counter(found.values())
    charged = Counter(whose[one] for one in outside.charged())
    copies = outside.mailbox.by_id()
    print(f"{kills} kills, {len(found)} orders, {dict(ends)}, {sum(copies.values())} mails")
    print(f"{sum(copies.values()) - len(copies)} of them repeated, at rest within {took:.1f} s")
    assert customers.surprises == []
    assert wrong == {}, "the tables"
    assert set(customers.placed.values()) == set(found), "acknowledged"
    assert {found[one][0] for one in customers.paid} <= {"PAID", "CANCELLED"}
    assert {found[one][0] for one in customers.cancelled} <= {"CANCELLED"}
    assert set(ends) <= {("PAID", "PAID"), ("CANCELLED", "REFUNDED"), ("CANCELLED", "NONE")}
    assert set(charged.values()) == {1}, "the gateways' ledger"
    taken = {one for one, (_, money) in found.items() if money in {"PAID", "REFUNDED"}}
    assert set(charged) == taken, "the gateways' ledger"
    back = sum(money == "REFUNDED" for _, money in found.values())
    assert outside.refunds() == [TOTAL] * back, "the gateways' ledger"
    told = len(found) + len(taken) + ends["CANCELLED", "REFUNDED"] * 2 + ends["CANCELLED", "NONE"]
    assert len(copies) == told, outside.mailbox.by_subject()
    assert set(outside.mailbox.by_subject().values()) == {1}, "the same mail under another id"
    assert sum(copies.values()) - len(copies) <= kills


def test_killed_at_random_a_relay_that_acknowledges_first_loses_mail(
    shop: TenantRef, nursery: Nursery, outside: Outside, dice: random.Random
) -> None:
    with shop_of_immortals(outside, relay=["the_order_of_acknowledging"]) as (port, alive):
        customers = Customers(port, outside.sandbox, seed=str(dice.random()))
        killed_at_random(alive[1:2], dice, min(2 * KILLS, 40))
        customers.leave()
    finished(nursery)

    with connection.cursor() as cursor:
        found = orders(cursor)
    assert len(outside.mailbox.by_id()) < len(found) + len(customers.paid)
