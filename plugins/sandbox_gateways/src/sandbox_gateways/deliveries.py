"""Sends webhooks: signed, at least once, and as late, twice, shuffled or never as one asks."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from sandbox_gateways.altering import altered
from sandbox_gateways.ledger import Ledger

Sign = Callable[[bytes], Mapping[str, str]]
RETRIES = (0.3, 1.0, 3.0, 10.0, 30.0, 120.0, 600.0, 3600.0)
"""Seconds until the next try, by number of tries so far."""

DEFAULTS: dict[str, Any] = {
    "delay": 0.0,
    "duplicate": 0,
    "shuffle": False,
    "drop": 0,
    "hold": False,
    "alter": {},
    "forge": False,
}
"""``alter`` sets values at dotted paths and signs them; ``forge`` changes a byte once signed."""


class Deliveries:
    """The queue of webhooks. Controls: DEFAULTS says which; ``drop`` counts down, -1 is for ever."""

    def __init__(self, ledger: Ledger, *, timeout: float = 10.0) -> None:
        self._ledger = ledger
        self._timeout = timeout
        self._signers: dict[str, Sign] = {}
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="webhook")
        ledger.run("UPDATE delivery SET state = 'WAITING' WHERE state = 'SENDING'")
        self._thread = threading.Thread(target=self._work, name="deliveries", daemon=True)

    def start(self, signers: Mapping[str, Sign]) -> None:
        """Begin to send, signing by provider."""
        self._signers.update(signers)
        self._thread.start()

    def stop(self) -> None:
        """Stop sending."""
        self._stopped.set()
        self._wake.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def controls(self) -> dict[str, Any]:
        """What happens to webhooks on their way."""
        return {**DEFAULTS, **self._ledger.option("webhook_controls", {})}

    def control(self, **changes: Any) -> dict[str, Any]:
        """Change what happens to webhooks on their way."""
        wanted = {**self.controls, **{k: v for k, v in changes.items() if k in DEFAULTS}}
        self._ledger.set_option("webhook_controls", wanted)
        self._wake.set()
        return wanted

    def addresses(self, provider: str) -> list[str]:
        """Return the addresses registered with a provider."""
        return list(self._ledger.option(f"{provider}_webhooks", []))

    def register(self, provider: str, url: str) -> None:
        """Register an address; once is enough."""
        with self._ledger.transaction():
            known = self.addresses(provider)
            if url not in known:
                self._ledger.set_option(f"{provider}_webhooks", [*known, url])

    def forget(self, provider: str) -> None:
        """Forget the addresses of a provider."""
        self._ledger.set_option(f"{provider}_webhooks", [])

    def send(self, provider: str, event_id: str, event_type: str, event: Mapping[str, Any]) -> None:
        """Queue an event for every registered address, as the controls say."""
        controls = self.controls
        body = json.dumps(event, indent=2)
        if controls["alter"]:
            body = altered(body.encode(), controls["alter"]).decode()
        for url in self.addresses(provider):
            if controls["drop"]:
                if controls["drop"] > 0:
                    self.control(drop=controls["drop"] - 1)
                controls = self.controls
                continue
            for _ in range(1 + int(controls["duplicate"])):
                spread = random.uniform(0, 1.5) if controls["shuffle"] else 0.0  # noqa: S311
                self._ledger.add_delivery(
                    provider=provider,
                    url=url,
                    event_id=event_id,
                    event_type=event_type,
                    body=body,
                    due=time.time() + float(controls["delay"]) + spread,
                )
        self._wake.set()

    def redeliver(self, event_id: str = "") -> int:
        """Send again what was sent: one event, or all. Returns how many."""
        where = "event_id = ?" if event_id else "'' = ?"
        rows = self._ledger.run(
            f"UPDATE delivery SET state = 'WAITING', due = ? WHERE {where} RETURNING id",  # noqa: S608
            time.time(),
            event_id,
        )
        self._wake.set()
        return len(rows)

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(0.1)
            self._wake.clear()
            if self._stopped.is_set() or self.controls["hold"]:
                continue
            for row in self._ledger.due_deliveries(now=time.time()):
                self._pool.submit(self._deliver, dict(row))

    def _deliver(self, row: dict[str, Any]) -> None:
        status = self._post(row["provider"], row["url"], row["body"].encode())
        attempts = row["attempts"] + 1
        if status.startswith("2"):
            state, due = "DELIVERED", row["due"]
        elif attempts > len(RETRIES):
            state, due = "GIVEN_UP", row["due"]
        else:
            state, due = "WAITING", time.time() + RETRIES[attempts - 1]
        self._ledger.run(
            "UPDATE delivery SET state = ?, due = ?, attempts = ?, status = ? WHERE id = ?",
            state,
            due,
            attempts,
            status,
            row["id"],
        )

    def _post(self, provider: str, url: str, body: bytes) -> str:
        parts = urlsplit(url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        connection = kind(parts.hostname or "", parts.port, timeout=self._timeout)
        headers = {"Content-Type": "application/json", **self._signers[provider](body)}
        if self.controls["forge"]:
            body = body[:-1] + b" "
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("POST", path, body=body, headers=headers)
            return str(connection.getresponse().status)
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        finally:
            connection.close()
