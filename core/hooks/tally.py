"""What calls took, in a fixed histogram per implementation: counted in memory, taken in sums."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from core.hooks.guard import Called, CallReport, Ended

__all__ = ["CHECKOUT", "Sums", "Tally", "bucket_of", "seconds_within"]

CHECKOUT: Final = Called("", "", "checkout")
"""What the shop itself did for a quote, an order or a payment, the plugins' part included."""

_MICROSECOND: Final = 1e-6
_LAST_BUCKET: Final = 40

Sums = Mapping[tuple[Called, int], tuple[int, int, float]]
"""Calls, failures and seconds, by who was called and how long it took (a bucket)."""


def bucket_of(seconds: float) -> int:
    """Return n, where 2ⁿ microseconds are more than `seconds`, and half of that isn't.

    >>> bucket_of(0.0), bucket_of(0.000_001), bucket_of(0.05)
    (0, 1, 16)
    """
    return min(int(seconds / _MICROSECOND).bit_length(), _LAST_BUCKET)


def seconds_within(bucket: int) -> tuple[float, float]:
    """Return the least and the most that a call in a bucket took, in seconds."""
    most = float(2**bucket) * _MICROSECOND
    return (most / 2 if bucket else 0.0), most


class Tally:
    """Counts the calls of this process until somebody takes the sums."""

    __slots__ = ("_lock", "_sums")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[tuple[Called, int], list[float]] = {}

    def __call__(self, report: CallReport) -> None:
        """Count a call; one that wasn't made doesn't count."""
        if report.ended is Ended.NOT_ASKED:
            return
        key = (report.called, bucket_of(report.seconds))
        failed = report.overran or report.ended is not Ended.ANSWERED or report.answer == "Unknown"
        with self._lock:
            kept = self._sums.get(key)
            if kept is None:
                self._sums[key] = [1, failed, report.seconds]
            else:
                kept[0] += 1
                kept[1] += failed
                kept[2] += report.seconds

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
