"""The one guard around every call into a plugin: who, how long, what went wrong; it never writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

from core.domain.errors import PluginFailedError, PluginNotAskedError
from core.hooks.pool import OverdueError, PoolFullError, Pools

__all__ = [
    "SPARED",
    "CallReport",
    "Called",
    "Ended",
    "Guard",
    "PooledGuard",
    "Report",
    "WrongAnswerError",
    "describe",
]

SPARED = (KeyboardInterrupt, GeneratorExit)
"""What a guard lets through: everything else is caught, `SystemExit` included."""

_LONGEST = 300


class Ended(StrEnum):
    """How a call ended."""

    ANSWERED = "ANSWERED"
    RAISED = "RAISED"
    WRONG_ANSWER = "WRONG_ANSWER"
    ABANDONED = "ABANDONED"
    """It was still running at its deadline, and nobody waits for it any more."""
    NOT_ASKED = "NOT_ASKED"
    """Nothing was called: its pool was full."""


class Called(NamedTuple):
    """What was called; `code` is a strategy's or channel's code, a rule's key, a namespace."""

    plugin: str
    version: str
    hook: str
    code: str = ""


class CallReport(NamedTuple):
    """One call into a plugin; a named tuple, because a frozen dataclass costs five times as much.

    `seconds` is how long it took, `overran` whether that was longer than allowed, `answer` the name
    of the answer's type, `cause` why it failed.
    """

    called: Called
    seconds: float
    ended: Ended
    overran: bool
    answer: str = ""
    cause: str = ""


Report = Callable[[CallReport], None]


class WrongAnswerError(TypeError):
    """A plugin answered with something that the contract doesn't allow."""


def describe(error: BaseException, mask: Callable[[str], str] = str) -> str:
    """Return one short plain line for an exception, masked."""
    lines = mask(str(error)).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


class Guard:
    """One pure method of one plugin's offer, called in our thread; an answer or a refusal comes out.

    Every call is timed and reported; whatever it raises but `SPARED`, and an answer that `check`
    refuses with `WrongAnswerError`, becomes `PluginFailedError`. One that never returns can't be
    ended here: the server ends its worker.
    """

    __slots__ = ("_check", "_limit", "_mask", "_method", "_report", "called")

    def __init__(
        self,
        called: Called,
        method: Callable[..., Any],
        *,
        check: Callable[[Any], Any],
        report: Report,
        limit: float,
        mask: Callable[[str], str] = str,
    ) -> None:
        """Take `check` (answer → answer) and, in seconds, how long a call may take."""
        self.called = called
        self._method = method
        self._check = check
        self._report = report
        self._limit = limit
        self._mask = mask

    def __call__(self, *given: Any) -> Any:
        """Call the method.

        Raises:
            PluginFailedError: it raised, or answered nonsense.

        """
        began = time.monotonic()
        try:
            answer = self._check(self._method(*given))
        except SPARED:
            raise
        except BaseException as error:
            seconds = time.monotonic() - began
            raise self._failed(error, seconds, overran=seconds > self._limit) from error
        seconds = time.monotonic() - began
        self._answered(answer, seconds, overran=seconds > self._limit)
        return answer

    def _answered(self, answer: Any, seconds: float, *, overran: bool) -> None:
        kind = type(answer).__name__
        self._report(CallReport(self.called, seconds, Ended.ANSWERED, overran, kind))

    def _failed(self, error: BaseException, seconds: float, *, overran: bool) -> PluginFailedError:
        how = Ended.WRONG_ANSWER if isinstance(error, WrongAnswerError) else Ended.RAISED
        cause = describe(error, self._mask)
        self._report(CallReport(self.called, seconds, how, overran, "", cause))
        return self._error(PluginFailedError, "failed", cause)

    def _error(
        self, kind: type[PluginFailedError], what: str, cause: str, **more: Any
    ) -> PluginFailedError:
        plugin, version, hook, code = self.called
        return kind(
            f"Plugin {plugin} {version} {what} in {hook}: {cause}",
            plugin=plugin,
            hook=hook,
            offer=code,
            cause=cause,
            **more,
        )


class PooledGuard(Guard):
    """One method that does I/O, called in the plugin's own pool and given up at its deadline."""

    __slots__ = ("_grace", "_pools")

    def __init__(
        self,
        called: Called,
        method: Callable[..., Any],
        *,
        pools: Pools,
        grace: float,
        **more: Any,
    ) -> None:
        """Take `grace`: how long after the deadline it was told of the plugin may still answer."""
        super().__init__(called, method, **more)
        self._pools = pools
        self._grace = grace

    def __call__(self, *given: Any, until: float | None = None) -> Any:
        """Call the method; `until` is a deadline on the monotonic clock, in place of the limit.

        Raises:
            PluginFailedError: it raised, answered nonsense, or hadn't come back in time.
            PluginNotAskedError: its pool is full, and nothing was called.
            CalledInTransactionError: a transaction is open.

        """
        self._pools.refuse_in_transaction(self.called.hook)
        began = time.monotonic()
        seconds = self._limit if until is None else max(0.0, until - began) + self._grace
        try:
            ran = self._pools.of(self.called.plugin).run(partial(self._asked, given), seconds)
        except PoolFullError:
            raise self._not_asked("all its threads are busy") from None
        except OverdueError:
            raise self._overdue(time.monotonic() - began) from None
        took = time.monotonic() - began
        if ran.error is not None:
            raise self._failed(ran.error, took, overran=False) from ran.error
        self._answered(ran.answer, took, overran=False)
        return ran.answer

    def _asked(self, given: tuple[Any, ...]) -> Any:
        """In the thread: an answer may be lazy, and do its I/O only when it is looked at."""
        return self._check(self._method(*given))

    def _not_asked(self, cause: str) -> PluginFailedError:
        self._report(CallReport(self.called, 0.0, Ended.NOT_ASKED, overran=False, cause=cause))
        return self._error(PluginNotAskedError, "was not asked", cause)

    def _overdue(self, took: float) -> PluginFailedError:
        cause = f"no answer within {took:.1f} s"
        self._report(CallReport(self.called, took, Ended.ABANDONED, overran=True, cause=cause))
        return self._error(PluginFailedError, "failed", cause)
