"""Breakers: what fails again and again rests for a while, and one call tries whether it is well."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple

__all__ = ["Admission", "Breaker", "BreakerKey", "Breakers", "News", "Thresholds"]

_SLOTS = 12


class BreakerKey(NamedTuple):
    """What fails together: a plugin's offers of one kind, and of one account where money is meant."""

    plugin: str
    kind: str
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When a breaker opens and how long it stays so; durations in seconds.

    It opens at `failures` within `window` that are at least half of the calls. It rests for `wait`,
    after a probe that failed twice as long, up to `longest`.
    """

    failures: int = 5
    window: float = 60.0
    wait: float = 30.0
    longest: float = 600.0


class Admission(IntEnum):
    """Whether a call may be made."""

    NO = 0
    YES = 1
    PROBE = 2
    """It is the one that tries whether the others may."""


class News(StrEnum):
    """What a breaker has to tell the other processes, or to ask them."""

    OPENED = "OPENED"
    PROBED_WELL = "PROBED_WELL"
    PROBED_ILL = "PROBED_ILL"
    DUE = "DUE"
    """It has rested long enough: who may probe?"""


class _State(StrEnum):
    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class Breaker:
    """Counts the calls of one key in this process; `now` is always the monotonic clock.

    Closed it admits every call, open none. Once it has rested it admits one, and only after
    somebody has granted it: many processes share what is behind it, and one of them probes.
    Counting takes no lock, so that a call that goes well costs next to nothing; a count lost
    between two threads is no harm.
    """

    __slots__ = (
        "_ends", "_lock", "_slots", "_state", "_taken", "_thresholds", "_width",
        "cause", "key", "news", "ticket", "version", "wait",
    )  # fmt: skip

    def __init__(self, key: BreakerKey, *, version: str, thresholds: Thresholds) -> None:
        self.key = key
        self.version = version
        self.news: News | None = None
        """What hasn't been told yet; whoever tells it sets it to None."""
        self.cause = ""
        """Why the last call that counted failed."""
        self.ticket = 0
        """Which probe this is, in the count of whoever grants them."""
        self._thresholds = thresholds
        self._width = thresholds.window / _SLOTS
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._state = _State.CLOSED
        self._slots = [[-1, 0, 0] for _ in range(_SLOTS)]
        self._ends = 0.0
        self._taken = False
        self.wait = self._thresholds.wait

    @property
    def is_open(self) -> bool:
        """Whether it keeps calls back, a probe apart."""
        return self._state is not _State.CLOSED

    def admit(self, now: float) -> Admission:
        """Say whether a call may be made now; whoever is answered PROBE has to `note` the end."""
        if self._state is _State.CLOSED:
            return Admission.YES
        with self._lock:
            if self._state is _State.HALF_OPEN and not self._taken and now < self._ends:
                self._taken = True
                return Admission.PROBE
            return Admission.NO if self.is_open else Admission.YES

    def note(
        self, *, failed: bool, now: float, cause: str = "", admitted: Admission = Admission.YES
    ) -> None:
        """Count how a call ended. While it isn't closed only the probe's end counts."""
        if admitted is Admission.PROBE:
            self._probed(failed=failed, now=now, cause=cause)
        elif self._state is _State.CLOSED:
            number = int(now / self._width)
            slot = self._slots[number % _SLOTS]
            if slot[0] != number:
                slot[:] = [number, 0, 0]
            slot[1] += 1
            if failed:
                slot[2] += 1
                self._judge(number, now, cause)

    def _judge(self, number: int, now: float, cause: str) -> None:
        with self._lock:
            fresh = [slot for slot in self._slots if slot[0] > number - _SLOTS]
            calls, failures = sum(slot[1] for slot in fresh), sum(slot[2] for slot in fresh)
            often = failures >= self._thresholds.failures and failures * 2 >= calls
            if often and not self.is_open:
                self._rest(now)
                self.cause, self.news = cause, News.OPENED

    def _probed(self, *, failed: bool, now: float, cause: str) -> None:
        with self._lock:
            if self._state is not _State.HALF_OPEN or not self._taken:
                return  # it took longer than its time: somebody else may have probed
            if failed:
                self.wait = min(self.wait * 2, self._thresholds.longest)
                self._rest(now)
                self.cause, self.news = cause, News.PROBED_ILL
            else:
                self._reset()
                self.news = News.PROBED_WELL

    def _rest(self, now: float) -> None:
        self._state, self._ends, self._taken = _State.OPEN, now + self.wait, False

    def give_up(self, now: float, cause: str) -> None:
        """Open at once: it has hung, and took its process with it."""
        with self._lock:
            if not self.is_open:
                self._rest(now)
                self.cause, self.news = cause, News.OPENED

    def to_tell(self, now: float) -> News | None:
        """Return what the other processes have to be told or asked now, if anything."""
        if self.news is not None:
            return self.news
        return News.DUE if self.is_open and now >= self._ends else None

    def grant(self, now: float, *, ticket: int, wait: float) -> None:
        """Let one call probe, within `wait` seconds; the rest after it is counted from them."""
        with self._lock:
            if self._state is not _State.CLOSED:
                self._state, self._ends, self._taken = _State.HALF_OPEN, now + wait, False
                self.wait, self.ticket = wait, ticket

    def stand_open(self, now: float, *, wait: float) -> None:
        """Rest, because another process has found it ill; what is open already stays as it is."""
        with self._lock:
            if self._state is _State.CLOSED and self.news is None:
                self.wait = wait
                self._rest(now)

    def ask_later(self, now: float, *, wait: float) -> None:
        """Rest on: somebody else probes."""
        with self._lock:
            if self._state is not _State.CLOSED:
                self._state, self._ends = _State.OPEN, now + wait

    def close(self) -> None:
        """Begin anew, because another process, or a person, has found it well."""
        with self._lock:
            if self._state is not _State.CLOSED and self.news is None:
                self._reset()


class Breakers:
    """The breakers of all plugins of this process; they outlive every registry."""

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self._thresholds = thresholds or Thresholds()
        self._breakers: dict[BreakerKey, Breaker] = {}

    def of(self, key: BreakerKey, *, version: str) -> Breaker:
        """Return the breaker of one key."""
        fresh = Breaker(key, version=version, thresholds=self._thresholds)
        return self._breakers.setdefault(key, fresh)

    def to_tell(self, now: float) -> list[tuple[Breaker, News]]:
        """Return those that have something to tell or to ask."""
        return [(one, news) for one in list(self._breakers.values()) if (news := one.to_tell(now))]

    def adopt(self, found: Iterable[tuple[BreakerKey, str, float]], now: float) -> None:
        """Take over what all processes have found: open ones with version and wait, the others shut."""
        ill = {key: wait for key, version, wait in found if self._is_of(key, version)}
        for key, wait in ill.items():
            self._breakers[key].stand_open(now, wait=wait)
        for key, breaker in list(self._breakers.items()):
            if key not in ill:
                breaker.close()

    def _is_of(self, key: BreakerKey, version: str) -> bool:
        return key in self._breakers and self._breakers[key].version == version
