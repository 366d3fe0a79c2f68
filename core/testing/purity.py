"""What a piece of code reaches for while it runs: clocks, dice, files, sockets, databases."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from types import FrameType
from typing import Any, Final

from django.db import connections

__all__ = ["watching"]

_CLOCKS: Final = frozenset(
    f"{name}{unit}"
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time")
    for unit in ("", "_ns")
) | {"sleep"}
_NOW: Final = frozenset({"now", "utcnow", "today"})
_OUTSIDE: Final = ("open", "socket.", "subprocess.", "sqlite3.", "smtplib.", "urllib.", "shutil.")
_OF_THE_SYSTEM: Final = frozenset(
    {
        *("os.listdir", "os.mkdir", "os.remove", "os.rename", "os.scandir", "os.system"),
        *("os.posix_spawn", "os.exec", "os.fork", "_thread.start_new_thread"),
    }
)
_SHARED_DICE: Final = getattr(random.random, "__self__", None)

_watches: dict[int, list[str]] = {}
_hooked: list[bool] = []


@contextmanager
def watching(*, clocks: bool = True) -> Iterator[list[str]]:
    """Collect what the code inside reaches for in this thread, one plain line each.

    Files, sockets, processes, threads and databases always; clocks and dice with `clocks`. What
    Python itself can't see (a library in C with a clock of its own) stays unseen.
    """
    seen: list[str] = []
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_heard)
    before = sys.getprofile()
    with ExitStack() as stack:
        for connection in connections.all():
            stack.enter_context(connection.execute_wrapper(_counting(seen)))
        _watches[threading.get_ident()] = seen
        if clocks:
            sys.setprofile(_profiling(seen))
        try:
            yield seen
        finally:
            sys.setprofile(before)
            del _watches[threading.get_ident()]


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook can't be taken away again: without a watch it looks into an empty dictionary."""
    seen = _watches.get(threading.get_ident()) if _watches else None
    if seen is not None and (event.startswith(_OUTSIDE) or event in _OF_THE_SYSTEM):
        seen.append(f"{event} {str(arguments[:1])[1:-2][:200]}".strip())


def _counting(seen: list[str]) -> Callable[..., Any]:
    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        seen.append(f"database {sql[:200]}")
        return execute(sql, *rest)

    return count


def _profiling(seen: list[str]) -> Callable[[FrameType, str, Any], None]:
    def profile(_: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and (name := _clock_or_dice(called)):
            seen.append(name)

    return profile


def _clock_or_dice(called: Any) -> str:
    name, owner = getattr(called, "__name__", ""), getattr(called, "__self__", None)
    if name in _CLOCKS and getattr(called, "__module__", "") == "time":
        return f"clock time.{name}"
    if name in _NOW and isinstance(owner, type) and issubclass(owner, date):
        return f"clock {owner.__name__}.{name}"
    if owner is _SHARED_DICE or (name == "urandom" and called.__module__ in {"posix", "nt"}):
        return f"dice {name}"
    return ""
