"""Customers who buy over HTTP, one order after another, and repeat what had no answer."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from sandbox_gateways.process import SandboxProcess

WAYS = ("card", "page", "absent", "regret")
"""Pays by card; on PayPal's page; the same, and never comes back; by card, and cancels."""
SECONDS = 60.0
_UNDECIDED = frozenset({"PLANNED", "SENT", "UNKNOWN", "IN_PROGRESS"})


def ask(port: int, method: str, path: str, body: Any = None, **named: str) -> tuple[int, Any]:
    """Ask the server at a port; a connection that breaks is an OSError."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
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


@dataclass
class Customers:
    """A few threads that buy until they leave; whatever was answered is noted.

    An answer of one of ``waits`` is asked for again, under the same key, as if there were none.
    """

    port: int
    sandbox: SandboxProcess
    ways: tuple[str, ...] = ("card",)
    waits: frozenset[int] = frozenset()
    seed: str = ""
    count: int = 3
    pause: float = 0.0
    placed: dict[str, str] = field(default_factory=dict)
    """Order by key, as answered."""
    paid: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    surprises: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.closed = threading.Event()
        self._threads = [
            threading.Thread(target=self._buy_on, args=(n,)) for n in range(self.count)
        ]
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        """Finish what was begun, and begin nothing more."""
        self.closed.set()
        for thread in self._threads:
            thread.join(2 * SECONDS)

    def _buy_on(self, n: int) -> None:
        dice = random.Random(f"{self.seed}-{n}")
        while not self.closed.wait(self.pause):
            self._buy(uuid.UUID(int=dice.getrandbits(128)).hex, dice.choice(self.ways))

    def _buy(self, key: str, way: str) -> None:
        body = {"lines": [{"sku": "tea", "quantity": 2}], "contact": {"email": "a@example.org"}}
        order = self._insist("/api/v1/orders", body, Idempotency_Key=key)
        if order is None:
            return
        self.placed[key] = order["order_id"]
        here = f"/api/v1/orders/{order['order_id']}"
        holder = {"X_Order_Token": order["token"]}
        page = way in {"page", "absent"}
        choice = {
            "strategy": "paypal" if page else "stripe",
            "inputs": {} if page else {"payment_method": "pm_card_visa"},
            "return_url": "https://shop.example/back",
            "cancel_url": "https://shop.example/cancel",
        }
        again = {"Idempotency_Key": f"pay-{key}", **holder}
        step = self._insist(f"{here}/payments", choice, **again)
        while page and step is not None and step["operation_status"] in _UNDECIDED:
            time.sleep(0.2)  # it isn't known yet where they are to go
            step = self._insist(f"{here}/payments", choice, **again)
        if step is not None and step["action"]:
            self.sandbox.click(step["action"]["url"])
            if way == "absent":
                return
            step = self._insist(f"{here}/payments/{step['payment_id']}/resume", {}, **holder)
        if step is not None and step["order_status"] == "PAID":
            self.paid.append(order["order_id"])
        if way == "regret" and self._insist(f"{here}/cancel", {}, **holder) is not None:
            self.cancelled.append(order["order_id"])

    def _insist(self, path: str, body: Any, **named: str) -> Any:
        """Ask until there is an answer; anything but a yes is a surprise."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            try:
                status, answer = ask(self.port, "POST", path, body, **named)
                if not isinstance(answer, dict):
                    raise ConnectionError("the answer broke off after its headers")
            except OSError:
                time.sleep(0.05)
                continue
            if status in {200, 201}:
                return answer
            if status not in self.waits:
                self.surprises.append((path, status, answer))
                return None
            time.sleep(0.2)
        self.surprises.append((path, "no answer"))
        return None
