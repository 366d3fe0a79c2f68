"""What calls took, in a fixed histogram per implementation: counted in memory, taken in sums."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from core.hooks.guard import Called, CallReport, Ended

__all__ = ["CHECKOUT", "Sums", "Tally", "bucket_of", "seconds_within"]

CHECKOUT: Final = Called("", "", "checkout")
"""What the shop itself did for a quote, an order or a payment, the plugins' part included."""

_A_MILLION: Final = 1e6

Sums = Mapping[tuple[Called, int], tuple[int, int, float]]
"""Calls, failures and seconds, by who was called and how long it took (a bucket)."""


def bucket_of(seconds: float) -> int:
    """Return n, where 2ⁿ microseconds are more than `seconds`, and half of that isn't.

    >>> bucket_of(0.0), bucket_of(0.000_001), bucket_of(0.05)
    (0, 1, 16)
    """
    return int(seconds * _A_MILLION).bit_length()


def seconds_within(bucket: int) -> tuple[float, float]:
    """Return the least and the most that a call in a bucket took, in seconds."""
    most = float(2**bucket) / _A_MILLION
    return (most / 2 if bucket else 0.0), most


class Tally:
    """Counts the calls of this process until somebody takes the sums.

    Counting takes no lock where there is something to add to, so that it costs next to nothing; a
    call lost between two threads is no harm.
    """

    __slots__ = ("_lock", "_sums")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[tuple[Called, int], list[float]] = {}

    def __call__(self, report: CallReport) -> None:
        """Count a call; one that wasn't made doesn't count."""
        called, seconds, ended, overran, answer, _ = report
        if ended is Ended.NOT_ASKED:
            return
        key = (called, int(seconds * _A_MILLION).bit_length())
        kept = self._sums.get(key)
        if kept is None:
            with self._lock:
                kept = self._sums.setdefault(key, [0, 0, 0.0])
        kept[0] += 1
        kept[2] += seconds
        if overran or ended is not Ended.ANSWERED or answer == "Unknown":
            kept[1] += 1

    def take(self) -> Sums:
        """Return the sums since they were taken last, and begin anew."""
        with self._lock:
            taken, self._sums = self._sums, {}
        return {key: (int(kept[0]), int(kept[1]), kept[2]) for key, kept in taken.items()}

    def give_back(self, sums: Sums) -> None:
        """Count again what could not be kept."""
        with self._lock:
            for key, (calls, failures, seconds) in sums.items():
                kept = self._sums.setdefault(key, [0, 0, 0.0])
                kept[0] += calls
                kept[1] += failures
                kept[2] += seconds
