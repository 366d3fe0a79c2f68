"""The level of the cache that all processes share: Django's cache, which may be dead at any time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.core.cache import cache

logger = logging.getLogger(__name__)

T = TypeVar("T")

TOKEN_SECONDS = 7 * 86_400
"""How long a version lasts; no value lasts longer, so that none can outlive its version."""

_OWED = 10_000


class Far:
    """Django's cache, where an error is a miss.

    After an error the server is left alone for `pause` seconds, so that one that hangs costs its
    time-out once in a while and not at every read. What had to be overwritten meanwhile (`owe`) is
    written before anything else is read again.
    """

    def __init__(self, *, pause: float = 1.0) -> None:
        self._pause = pause
        self._lock = threading.Lock()
        self._down_until = 0.0
        self._owed: dict[str, Any] = {}

    def name(self, key: str) -> str:
        """Return the key as the server knows it, prefix included."""
        return str(cache.make_key(key))

    def get_many(self, keys: Iterable[str]) -> dict[str, Any] | None:
        """Return what is there of these; None means that there is no server to ask."""
        wanted = list(keys)
        return self._ask(lambda: dict(cache.get_many(wanted)))

    def set_many(self, values: Mapping[str, Any], *, seconds: float) -> None:
        """Write these, if there is a server."""
        if values:
            self._ask(lambda: cache.set_many(dict(values), timeout=seconds))

    def add(self, key: str, value: Any, *, seconds: float) -> bool:
        """Write it if it isn't there and say whether it was written; True without a server."""
        return self._ask(lambda: cache.add(key, value, timeout=seconds)) is not False

    def delete_many(self, keys: Iterable[str]) -> None:
        """Delete these, if there is a server."""
        gone = list(keys)
        if gone:
            self._ask(lambda: cache.delete_many(gone))

    def owe(self, values: Mapping[str, Any]) -> None:
        """Write these now, or as soon as there is a server again."""
        with self._lock:
            self._owed.update(values)
            for key in list(self._owed)[:-_OWED]:
                del self._owed[key]
        self._ask(lambda: None)

    def _ask(self, question: Callable[[], T]) -> T | None:
        if time.monotonic() < self._down_until:
            return None
        try:
            self._settle()
            return question()
        except Exception as error:  # noqa: BLE001 - each server has its own tree of errors
            self._down_until = time.monotonic() + self._pause
            logger.warning("cache.down", extra={"cause": f"{type(error).__name__}: {error}"[:300]})
            return None

    def _settle(self) -> None:
        with self._lock:
            owed = dict(self._owed)
        if owed:
            cache.set_many(owed, timeout=TOKEN_SECONDS)
            with self._lock:
                for key, value in owed.items():
                    if self._owed.get(key) == value:
                        del self._owed[key]
