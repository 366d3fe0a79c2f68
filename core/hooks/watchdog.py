"""Finds the pure call that never returns: nothing can end it but the end of its process."""

from __future__ import annotations

import sys

from core.hooks.guard import Guard

__all__ = ["hanging"]

_PURE = Guard.__call__.__code__


def hanging(*, seconds: float, now: float) -> Guard | None:
    """Return the guard of a pure call that began more than `seconds` before `now`, if there is one.

    It looks at what the threads of this process are doing, so that calls themselves pay nothing.
    """
    for thread in sys._current_frames().values():  # noqa: SLF001 - documented, and the only way
        frame = thread
        while frame is not None:
            if frame.f_code is _PURE and now - frame.f_locals.get("began", now) > seconds:
                guard = frame.f_locals["self"]
                return guard if isinstance(guard, Guard) else None
            frame = frame.f_back  # type: ignore[assignment]
    return None
