"""The one guard around every call into a plugin: who, how long, what went wrong; it never writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import copy_context
from decimal import Context, setcontext
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, TypeVar

from core.domain.errors import PluginFailedError, PluginNotAskedError
from core.hooks.breaker import Admission, Breaker
from core.hooks.pool import OverdueError, PoolFullError, Pools
from hookspecs import Unknown

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

E = TypeVar("E", bound=PluginFailedError)

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
    """Nothing was called: its pool was full, or it rests."""


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

    __slots__ = (
        "_breaker",
        "_check",
        "_cuts",
        "_decimal",
        "_limit",
        "_mask",
        "_method",
        "_report",
        "called",
    )

    def __init__(
        self,
        called: Called,
        method: Callable[..., Any],
        *,
        check: Callable[[Any], Any],
        report: Report,
        limit: float,
        mask: Callable[[str], str] = str,
        breaker: Breaker | None = None,
        cuts: bool = True,
    ) -> None:
        """Take `check` (answer → answer) and, in seconds, how long a call may take.

        `breaker` counts the calls, and keeps them back while it is open unless `cuts` is False.
        """
        self.called = called
        self._method = method
        self._check = check
        self._report = report
        self._limit = limit
        self._mask = mask
        self._breaker = breaker
        self._cuts = cuts and breaker is not None
        self._decimal = Context()

    def __call__(self, *given: Any) -> Any:
        """Call the method.

        Raises:
            PluginFailedError: it raised, or answered nonsense.
            PluginNotAskedError: it failed too often, and rests.

        """
        began = time.monotonic()
        admitted = self._admitted(began) if self._cuts else Admission.YES
        try:
            answer = copy_context().run(self._asked, given)
        except SPARED:
            raise
        except BaseException as error:
            seconds = time.monotonic() - began
            overran = seconds > self._limit
            raise self._failed(error, began, seconds, admitted, overran=overran) from error
        seconds = time.monotonic() - began
        self._answered(answer, began, seconds, admitted, seconds > self._limit)
        return answer

    def give_up(self, now: float, cause: str) -> None:
        """Let it rest everywhere, unless it is a rule that prices need: one call never came back."""
        if self._breaker is not None:
            self._breaker.give_up(now, cause)

    def _asked(self, given: tuple[Any, ...]) -> Any:
        """In a copy of the context, and with the plugin's own way of rounding: it may spoil both.

        An answer may be lazy, and do its work only when it is looked at.
        """
        setcontext(self._decimal)
        return self._check(self._method(*given))

    def _admitted(self, now: float) -> Admission:
        assert self._breaker is not None
        admitted = self._breaker.admit(now)
        if not admitted:
            raise self._not_asked(f"rests after it failed too often: {self._breaker.cause}")
        return admitted

    def _answered(
        self, answer: Any, began: float, seconds: float, admitted: Admission, overran: bool
    ) -> None:
        kind = type(answer)
        self._report(CallReport(self.called, seconds, Ended.ANSWERED, overran, kind.__name__))
        if self._breaker is not None:
            failed = overran or kind is Unknown
            cause = "" if not failed else f"took {seconds:.2f} s" if overran else answer.cause
            self._breaker.note(failed=failed, now=began + seconds, cause=cause, admitted=admitted)

    def _failed(
        self,
        error: BaseException,
        began: float,
        seconds: float,
        admitted: Admission,
        *,
        overran: bool,
    ) -> PluginFailedError:
        how = Ended.WRONG_ANSWER if isinstance(error, WrongAnswerError) else Ended.RAISED
        cause = describe(error, self._mask)
        self._report(CallReport(self.called, seconds, how, overran, cause=cause))
        return self._counted(cause, began + seconds, admitted)

    def _counted(self, cause: str, now: float, admitted: Admission) -> PluginFailedError:
        if self._breaker is not None:
            self._breaker.note(failed=True, now=now, cause=cause, admitted=admitted)
        return self._error(PluginFailedError, "failed", cause)

    def _not_asked(self, cause: str) -> PluginNotAskedError:
        self._report(CallReport(self.called, 0.0, Ended.NOT_ASKED, overran=False, cause=cause))
        return self._error(PluginNotAskedError, "was not asked", cause)

    def _error(self, kind: type[E], what: str, cause: str) -> E:
        plugin, version, hook, code = self.called
        return kind(
            f"Plugin {plugin} {version} {what} in {hook}: {cause}",
            plugin=plugin,
            hook=hook,
            offer=code,
            cause=cause,
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
            PluginNotAskedError: its pool is full, or it rests: nothing was called.
            CalledInTransactionError: a transaction is open.

        """
        self._pools.refuse_in_transaction(self.called.hook)
        began = time.monotonic()
        admitted = self._admitted(began) if self._cuts else Admission.YES
        limit = self._limit if until is None else max(0.0, until - began) + self._grace
        try:
            ran = self._pools.of(self.called.plugin).run(partial(self._asked, given), limit)
        except PoolFullError:
            raise self._turned_away(began, admitted) from None
        except OverdueError:
            raise self._overdue(began, admitted) from None
        seconds = time.monotonic() - began
        if ran.error is not None:
            raise self._failed(ran.error, began, seconds, admitted, overran=False) from ran.error
        self._answered(ran.answer, began, seconds, admitted, overran=False)
        return ran.answer

    def _turned_away(self, now: float, admitted: Admission) -> PluginNotAskedError:
        """A probe that finds every thread hanging has found out enough."""
        cause = "all its threads are busy"
        if admitted is Admission.PROBE and self._breaker is not None:
            self._breaker.note(failed=True, now=now, cause=cause, admitted=admitted)
        return self._not_asked(cause)

    def _overdue(self, began: float, admitted: Admission) -> PluginFailedError:
        now = time.monotonic()
        cause = f"no answer within {now - began:.1f} s"
        self._report(
            CallReport(self.called, now - began, Ended.ABANDONED, overran=True, cause=cause)
        )
        return self._counted(cause, now, admitted)
