"""A few threads of a plugin's own: who waits for one is given back at the deadline, whatever it does."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from queue import Empty, SimpleQueue
from typing import Any

__all__ = ["CalledInTransactionError", "OverdueError", "Pool", "PoolFullError", "Pools", "Ran"]

_IDLE_SECONDS = 60.0


class CalledInTransactionError(RuntimeError):
    """We called a plugin inside a database transaction: a fault of ours, never of the plugin."""


class PoolFullError(Exception):
    """Every thread of the plugin is busy, abandoned ones included: nothing was called."""


class OverdueError(Exception):
    """The call had not come back at its deadline; its thread is lost to the pool until it does."""


class Ran:
    """A call handed to a thread, and what came of it."""

    __slots__ = ("answer", "call", "context", "ended", "error")

    def __init__(self, call: Callable[[], Any], context: Context) -> None:
        self.call = call
        self.context = context
        self.answer: Any = None
        self.error: BaseException | None = None
        self.ended = threading.Lock()
        """Held until the call has ended: the cheapest thing that can be waited for."""
        self.ended.acquire()


class Pool:
    """At most `size` threads, made when needed and ended after a minute without work.

    They are daemons, so that one that never returns doesn't keep the process from ending; whatever
    a call raises in one, `SystemExit` included, ends the call and nothing else.
    """

    def __init__(self, plugin: str, *, size: int, after: Callable[[], None]) -> None:
        """Take what is done in the thread after each call, before its answer is handed over."""
        self._plugin = plugin
        self._size = size
        self._after = after
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[Ran]] = []
        self._threads = 0

    @property
    def busy(self) -> int:
        """How many threads are at work, those included that nobody waits for any more."""
        with self._lock:
            return self._threads - len(self._idle)

    def run(self, call: Callable[[], Any], seconds: float) -> Ran:
        """Call in a thread, with a copy of the context, and wait for `seconds` at most.

        Raises:
            PoolFullError: no thread is free.
            OverdueError: it had not ended by then.

        """
        ran = Ran(call, copy_context())
        self._free_thread().put(ran)
        if not ran.ended.acquire(timeout=min(max(0.0, seconds), threading.TIMEOUT_MAX)):
            raise OverdueError
        return ran

    def _free_thread(self) -> SimpleQueue[Ran]:
        if self._process != os.getpid():
            self._begin()  # a fork has our lists, and none of our threads
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._threads >= self._size:
                raise PoolFullError
            self._threads += 1
        given: SimpleQueue[Ran] = SimpleQueue()
        name = f"plugin {self._plugin}"
        threading.Thread(target=self._work, args=(given,), name=name, daemon=True).start()
        return given

    def _work(self, given: SimpleQueue[Ran]) -> None:
        while True:
            try:
                ran = given.get(timeout=_IDLE_SECONDS)
            except Empty:
                if self._retired(given):
                    return
                continue
            ran.context.run(_call, ran)
            self._clean_up(ran)
            with self._lock:
                self._idle.append(given)
            ran.ended.release()
            del ran  # what it holds must not live as long as this thread idles

    def _clean_up(self, ran: Ran) -> None:
        try:
            self._after()
        except BaseException as error:  # noqa: BLE001 - the thread goes on, and somebody is told
            ran.error = ran.error or error

    def _retired(self, given: SimpleQueue[Ran]) -> bool:
        """Somebody may have taken us a moment ago: then the work is on its way."""
        with self._lock:
            if given not in self._idle:
                return False
            self._idle.remove(given)
            self._threads -= 1
            return True


def _call(ran: Ran) -> None:
    try:
        ran.answer = ran.call()
    except BaseException as error:  # noqa: BLE001 - nothing that a plugin raises ends our thread
        ran.error = error


class Pools:
    """The pools of all plugins of this process; they outlive every registry."""

    def __init__(
        self,
        *,
        size: int = 8,
        after: Callable[[], None] = lambda: None,
        in_transaction: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take how many threads a plugin may have, what cleans up, and what forbids a call."""
        self._size = size
        self._after = after
        self._in_transaction = in_transaction
        self._pools: dict[str, Pool] = {}

    def of(self, plugin: str) -> Pool:
        """Return the pool of one plugin."""
        pool = self._pools.get(plugin)
        if pool is None:
            fresh = Pool(plugin, size=self._size, after=self._after)
            pool = self._pools.setdefault(plugin, fresh)
        return pool

    def refuse_in_transaction(self, what: str) -> None:
        """Refuse to go on while a transaction is open: no network, and no plugin, inside of one.

        Raises:
            CalledInTransactionError: one is.

        """
        if self._in_transaction():
            raise CalledInTransactionError(f"{what} was called inside a database transaction")
