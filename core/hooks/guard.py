"""The one guard around every call into a plugin: who, how long, what went wrong; it never writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from core.domain.errors import PluginFailedError

__all__ = [
    "SPARED",
    "CallReport",
    "Called",
    "Ended",
    "Guard",
    "Report",
    "WrongAnswerError",
    "describe",
]

SPARED = (KeyboardInterrupt, GeneratorExit)
"""What a guard lets through: everything else is caught, `SystemExit` included."""

_GRACE = 0.05
_LONGEST = 300


class Ended(StrEnum):
    """How a call ended."""

    ANSWERED = "ANSWERED"
    RAISED = "RAISED"
    WRONG_ANSWER = "WRONG_ANSWER"


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
    """One method of one plugin's offer, called so that nothing but an answer or a refusal comes out.

    Every call is timed and reported; whatever it raises but `SPARED`, and an answer that `check`
    refuses with `WrongAnswerError`, becomes `PluginFailedError`.
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

    def __call__(self, *given: Any, until: float | None = None) -> Any:
        """Call the method; `until` is a deadline on the monotonic clock, in place of the limit.

        Raises:
            PluginFailedError: it raised, or answered nonsense.

        """
        began = time.monotonic()
        try:
            answer = self._check(self._method(*given))
        except SPARED:
            raise
        except BaseException as error:
            raise self._failed(error, began, until) from error
        ended = time.monotonic()
        self._report(
            CallReport(
                self.called,
                ended - began,
                Ended.ANSWERED,
                ended > self._end(began, until),
                type(answer).__name__,
            )
        )
        return answer

    def wrapping(self, step: Callable[[], Any]) -> Any:
        """Take one step of a lazy answer; report it only if it fails.

        Raises:
            PluginFailedError: it raised.

        """
        began = time.monotonic()
        try:
            return step()
        except SPARED:
            raise
        except BaseException as error:
            raise self._failed(error, began, None) from error

    def _end(self, began: float, until: float | None) -> float:
        return began + self._limit if until is None else max(until, began) + _GRACE

    def _failed(self, error: BaseException, began: float, until: float | None) -> PluginFailedError:
        ended = time.monotonic()
        how = Ended.WRONG_ANSWER if isinstance(error, WrongAnswerError) else Ended.RAISED
        cause = describe(error, self._mask)
        overran = ended > self._end(began, until)
        self._report(CallReport(self.called, ended - began, how, overran, "", cause))
        plugin, version, hook, code = self.called
        return PluginFailedError(
            f"Plugin {plugin} {version} failed in {hook}: {cause}",
            plugin=plugin,
            hook=hook,
            offer=code,
            cause=cause,
        )
