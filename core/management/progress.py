"""How far a long command is: a bar on a terminal, a line now and then everywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed

__all__ = ["show_progress"]

_EVERY = 2.0
"""Seconds between two plain lines."""

Told = Callable[[str, int, int], None]


@contextmanager
def show_progress(*, quiet: bool = False) -> Iterator[Told]:
    """Give a callable that is told what is done, how much of it, and of how many; on stderr."""
    if quiet:
        yield lambda _what, _done, _of: None
    elif sys.stderr.isatty():
        with _bar() as bar:
            yield _Bars(bar).told
    else:
        yield _Lines().told


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Elapsed())
    return Progress(*columns, console=Console(stderr=True))


class _Bars:
    """One bar per kind of work."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def told(self, what: str, done: int, of: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what)
        self._bar.update(self._tasks[what], completed=done, total=of or None)


class _Lines:
    """A plain line every few seconds, and one at the end of each kind of work."""

    def __init__(self) -> None:
        self._spoke = time.monotonic()

    def told(self, what: str, done: int, of: int) -> None:
        now = time.monotonic()
        if done == of or now - self._spoke >= _EVERY:
            self._spoke = now
            count = f"{done:,} of {of:,}" if of else f"{done:,}"
            print(f"{what}: {count}", file=sys.stderr, flush=True)
