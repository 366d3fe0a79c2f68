"""Reading through a cache of two levels that is never the truth: one flight per key, stale copies."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core.infrastructure.far import TOKEN_SECONDS, Far
from core.infrastructure.near import Near
from core.infrastructure.versions import Seen, Space, Versions

__all__ = [
    "Load",
    "TwoLevelCache",
    "bump",
    "position",
    "read_through",
    "refresh",
    "remember_position",
]

logger = logging.getLogger(__name__)

Load = Callable[[Sequence[str]], Mapping[str, Any]]
"""Returns plain data for the keys that there are; a key left out isn't kept."""

_NONE = timedelta(0)


@dataclass(slots=True)
class _Flight:
    """One loading of one key in this process, for others to wait for."""

    landed: threading.Event = field(default_factory=threading.Event)
    values: tuple[Any, ...] = ()
    """The value, or nothing where there is none."""


@dataclass(frozen=True, slots=True)
class _Round:
    """What one reader is after: the missing keys, their names, and the state it began with."""

    space: Space
    load: Load
    names: Mapping[str, str]
    seen: Seen
    epoch: int


class TwoLevelCache:
    """A level in this process for a second, and one that all processes share.

    `flight` is how long another process may take to load a key before we stop believing that it
    does, `patience` how long a reader waits for somebody else, both in seconds; then it loads for
    itself. With the shared level dead, everything goes on, one flight per key and process.
    """

    def __init__(
        self,
        *,
        far: Far | None = None,
        near: Near | None = None,
        flight: float = 10.0,
        patience: float = 2.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._far = far or Far()
        self._near = near or Near(seconds=1.0, entries=10_000)
        self._versions = Versions(self._far, clock=clock)
        self._flight = flight
        self._patience = patience
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight] = {}

    def read_through(
        self,
        namespace: str,
        keys: Iterable[str],
        load: Load,
        *,
        ttl: timedelta,
        stale_ttl: timedelta = _NONE,
        tenant: str,
    ) -> dict[str, Any]:
        """Return plain data for these keys, loading what is missing; treat it as read-only.

        One reader loads a key; the others wait for it or, within `stale_ttl`, get the old copy. If
        it can't be loaded, an old copy does as well; without one the error of `load` is raised.
        """
        space = Space(tenant=tenant, namespace=namespace, ttl=ttl, stale_ttl=stale_ttl)
        wanted = list(dict.fromkeys(keys))
        names = {key: self._far.name(space.spelled("v", key)) for key in wanted}
        near = self._near.get_many(names.values())
        found = {key: near[name] for key, name in names.items() if name in near}
        missing = [key for key in wanted if key not in found]
        if missing:
            epoch = self._near.epoch
            seen = self._versions.look(space, missing)
            self._near.put_many({names[k]: v for k, v in seen.fresh.items()}, epoch=epoch)
            found |= seen.fresh
            left = [key for key in missing if key not in seen.fresh]
            found |= self._fetch(left, _Round(space, load, names, seen, epoch))
        return {key: found[key] for key in wanted if key in found}

    def refresh(
        self,
        namespace: str,
        keys: Iterable[str],
        load: Load,
        *,
        ttl: timedelta,
        stale_ttl: timedelta = _NONE,
        tenant: str,
    ) -> int:
        """Load these keys anew, whatever is kept of them; return how many there were."""
        space = Space(tenant=tenant, namespace=namespace, ttl=ttl, stale_ttl=stale_ttl)
        wanted = list(dict.fromkeys(keys))
        names = {key: self._far.name(space.spelled("v", key)) for key in wanted}
        epoch = self._near.epoch
        seen = self._versions.look(space, wanted)
        return len(self._load(wanted, _Round(space, load, names, seen, epoch)))

    def bump(self, namespace: str, *, tenant: str, keys: Iterable[str] | None = None) -> None:
        """Put everything kept of these keys, or of the namespace, out of date; after a commit."""
        space = Space(tenant=tenant, namespace=namespace)
        touched = None if keys is None else list(keys)
        self._versions.bump(space, touched)
        belongs = self._belonging(space, touched)
        self._near.bump(belongs)
        with self._lock:
            for name in [name for name in self._flights if belongs(name)]:
                del self._flights[name]

    def position(self, namespace: str, *, tenant: str) -> int:
        """Return how far a round over a namespace had come, 0 if nothing is known of one."""
        name = Space(tenant=tenant, namespace=namespace).position
        return int((self._far.get_many([name]) or {}).get(name, 0))

    def remember_position(self, namespace: str, position: int, *, tenant: str) -> None:
        """Remember how far a round has come, so that the next one goes on there."""
        name = Space(tenant=tenant, namespace=namespace).position
        self._far.set_many({name: position}, seconds=TOKEN_SECONDS)

    def _belonging(self, space: Space, keys: Sequence[str] | None) -> Callable[[str], bool]:
        if keys is None:
            start = self._far.name(space.values)
            return lambda name: name.startswith(start)
        return {self._far.name(space.spelled("v", key)) for key in keys}.__contains__

    def _fetch(self, keys: Sequence[str], of: _Round) -> dict[str, Any]:
        if not keys:
            return {}
        mine, theirs = self._board(keys, of)
        found: dict[str, Any] = {}
        try:
            claimed = [key for key in mine if self._claim(key, of)]
            found |= self._load_or_stale(claimed, of)
            found |= self._from_abroad([key for key in mine if key not in claimed], of)
        finally:
            self._land(mine, found, of)
        for key, flight in theirs.items():
            found |= self._from_here(key, flight, of)
        return found

    def _board(
        self, keys: Sequence[str], of: _Round
    ) -> tuple[dict[str, _Flight], dict[str, _Flight]]:
        mine, theirs = {}, {}
        with self._lock:
            for key in keys:
                under_way = self._flights.get(of.names[key])
                if under_way is None:
                    mine[key] = self._flights[of.names[key]] = _Flight()
                else:
                    theirs[key] = under_way
        return mine, theirs

    def _claim(self, key: str, of: _Round) -> bool:
        return self._far.add(of.space.spelled("f", key), 1, seconds=self._flight)

    def _land(self, mine: Mapping[str, _Flight], found: Mapping[str, Any], of: _Round) -> None:
        with self._lock:
            for key, flight in mine.items():
                if self._flights.get(of.names[key]) is flight:
                    del self._flights[of.names[key]]
        for key, flight in mine.items():
            flight.values = (found[key],) if key in found else ()
            flight.landed.set()

    def _load_or_stale(self, keys: list[str], of: _Round) -> dict[str, Any]:
        if not keys:
            return {}
        try:
            return self._load(keys, of)
        except Exception:
            if any(key not in of.seen.stale for key in keys):
                raise
            logger.warning("cache.load.failed", exc_info=True, extra={"cache": of.space.values})
            return {key: of.seen.stale[key] for key in keys}
        finally:
            self._far.delete_many(of.space.spelled("f", key) for key in keys)

    def _load(self, keys: Sequence[str], of: _Round) -> dict[str, Any]:
        answer = of.load(keys)
        loaded = {key: answer[key] for key in keys if key in answer}
        self._versions.keep(of.space, loaded, of.seen)
        self._versions.drop(of.space, [key for key in keys if key not in loaded])
        self._near.put_many({of.names[k]: v for k, v in loaded.items()}, epoch=of.epoch)
        return loaded

    def _from_here(self, key: str, flight: _Flight, of: _Round) -> dict[str, Any]:
        if key in of.seen.stale:
            return {key: of.seen.stale[key]}
        if flight.landed.wait(self._patience) and flight.values:
            return {key: flight.values[0]}
        return self._load([key], of)

    def _from_abroad(self, keys: list[str], of: _Round) -> dict[str, Any]:
        found = {key: of.seen.stale[key] for key in keys if key in of.seen.stale}
        waiting = [key for key in keys if key not in found]
        until, pause = time.monotonic() + self._patience, 0.01
        while waiting and time.monotonic() < until:
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)
            found |= self._versions.look(of.space, waiting).fresh
            flying = self._far.get_many(of.space.spelled("f", key) for key in waiting) or {}
            waiting = [key for key in waiting if key not in found]
            if not any(of.space.spelled("f", key) in flying for key in waiting):
                break
        return found | (self._load(waiting, of) if waiting else {})


_cache = TwoLevelCache()

read_through = _cache.read_through
refresh = _cache.refresh
bump = _cache.bump
position = _cache.position
remember_position = _cache.remember_position
