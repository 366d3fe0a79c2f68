"""Who calls the outbox's use case, and when: one drain, or a loop until told to stop."""

from __future__ import annotations

import threading
import time

import structlog
from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from core.application.deliver_events import DeliveryCount, deliver_events
from core.application.pin_registry import pin_registry
from core.context import TenantRef, acting_for
from core.models import Tenant

__all__ = ["Relay", "drain"]

log = structlog.get_logger(__name__)

_POLL = 0.5
_IDLE = 1.0
_GROWS = 1.3
_LONGEST_PAUSE = 5.0


def drain(*, until: float | None = None) -> DeliveryCount:
    """Deliver for every tenant until nothing is due; return what was done.

    `until` is a moment of the monotonic clock at which no new round begins.
    """
    total = DeliveryCount()
    for row in Tenant.objects.order_by("id"):
        with acting_for(TenantRef(id=row.id, slug=row.slug)):
            while until is None or time.monotonic() < until:
                with pin_registry(tenant=row.slug) as plugins:
                    count = deliver_events(plugins=plugins)
                total.add(count)
                if not count:
                    break
    return total


class Relay:
    """Drains again and again, in a thread of its own or in the one that calls `run`.

    Polling is the truth. A database that is away is waited for, a little longer each time; any
    number of relays may run side by side.
    """

    def __init__(self, *, poll: float = _POLL, idle: float = _IDLE) -> None:
        """Take the pause after a drain that found nothing, and what it grows to; in seconds."""
        self._poll = poll
        self._idle = max(poll, idle)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run_and_close, name="relay", daemon=True)

    def start(self) -> None:
        """Run in a thread."""
        self._thread.start()

    def stop(self, *, timeout: float = 10.0) -> bool:
        """Let it finish what it holds, for `timeout` seconds at most; say whether it has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def run(self) -> None:
        """Go on until `stop` is called, from another thread or a signal handler."""
        pause = self._poll
        while not self._stop.is_set():
            try:
                close_old_connections()
                busy = self.work()
            except (DatabaseError, InterfaceError) as error:
                log.warning("relay.database.away", cause=f"{type(error).__name__}: {error}"[:300])
                pause = self._recover(pause)
            except Exception:  # it must not die of one round: nobody would notice
                log.exception("relay.round.failed")
                pause = self._recover(pause)
            else:
                pause = self._poll if busy else self._rest(pause)

    def work(self) -> bool:
        """Do one round, a second at most, so that a long queue doesn't put off the end."""
        return bool(drain(until=time.monotonic() + 1.0))

    def _rest(self, pause: float) -> float:
        """Whoever finds nothing again and again looks less often."""
        pause = min(pause, self._idle)  # a database that was away may have made it longer
        self._stop.wait(pause)
        return min(pause * _GROWS, self._idle)

    def _recover(self, pause: float) -> float:
        connections.close_all()
        longer = min(pause * 2, _LONGEST_PAUSE)
        self._stop.wait(longer)
        return longer

    def _run_and_close(self) -> None:
        try:
            self.run()
        finally:
            connections.close_all()
