"""The level of the cache that lives in this process: small, and short of memory in time as well."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any


class Near:
    """Values by their full key, each for `seconds` at most, the `entries` last used of them.

    Another process can't tell us that something changed, hence the short life. `epoch` counts the
    bumps in this process: what was loaded before one isn't kept after it.
    """

    def __init__(
        self, *, seconds: float, entries: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._entries = entries
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self.epoch = 0

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return what is kept of these."""
        now = self._clock()
        found = {}
        with self._lock:
            for key in keys:
                kept = self._kept.get(key)
                if kept is not None and now < kept[0]:
                    found[key] = kept[1]
                    self._kept.move_to_end(key)
        return found

    def put_many(self, values: dict[str, Any], *, epoch: int) -> None:
        """Keep these, unless something was bumped since `epoch`."""
        until = self._clock() + self._seconds
        with self._lock:
            if epoch != self.epoch:
                return
            for key, value in values.items():
                self._kept[key] = (until, value)
                self._kept.move_to_end(key)
            while len(self._kept) > self._entries:
                self._kept.popitem(last=False)

    def bump(self, belongs: Callable[[str], bool]) -> None:
        """Forget every key that `belongs`, and what is being loaded right now."""
        with self._lock:
            self.epoch += 1
            for key in [key for key in self._kept if belongs(key)]:
                del self._kept[key]
