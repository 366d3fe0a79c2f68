"""The fault script: which requests go wrong, in which way, and how often."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox_gateways.altering import altered
from sandbox_gateways.ledger import Ledger
from sandbox_gateways.wire import Answer, Asked, answer_json

WAYS = (
    "drop",
    "timeout",
    "500",
    "503",
    "429",
    "409",
    "garbage",
    "empty",
    "slow",
    "drip",
    "late",
    "alter",
    "say",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing going wrong.

    ``way`` is one of WAYS; ``after`` says that the work was done first; ``seconds`` is how long a
    slow, dripping or timed-out answer takes, or how late ``late`` does the work; ``remembered``
    makes a 500 the answer that its key replays; ``changes`` are the values that ``alter`` sets in
    the answer, or the whole answer that ``say`` gives without doing anything; ``retry_after`` in
    seconds goes with a 409 or 429.
    """

    way: str
    after: bool
    seconds: float
    remembered: bool
    changes: dict[str, Any] = field(default_factory=dict)
    retry_after: str = ""

    @property
    def silent(self) -> bool:
        """Whether the connection ends without an answer."""
        return self.way in {"drop", "timeout", "late"}

    def spoil(self, answer: Answer) -> Answer:
        """Return an answer with the changes asked for, or one that dribbles in."""
        if self.way == "drip":
            return replace(answer, drip=self.seconds)
        return replace(answer, body=altered(answer.body, self.changes))

    def answer(self) -> Answer:
        """Return what is said instead."""
        if self.way == "garbage":
            return Answer(body=b'{"id": "pi_\xff\xfe <html>')
        if self.way == "empty":
            return Answer(body=b"")
        if self.way == "say":
            return answer_json(self.changes)
        status = int(self.way)
        headers = {"Retry_After": self.retry_after} if self.retry_after else {}
        text = {"error": {"type": "api_error", "message": f"A fault was asked for: {status}."}}
        if status == 429:
            text["error"] |= {"type": "invalid_request_error", "code": "rate_limit"}
            headers.setdefault("Retry_After", "1")
        if status == 409:
            text["error"] |= {"type": "invalid_request_error", "code": "lock_timeout"}
        return answer_json(text, status, **headers)


class Faults:
    """The script, kept in the ledger: first match wins and counts down."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(self, script: dict[str, Any]) -> list[dict[str, Any]]:
        """Add one line: ``match`` (a pattern over "METHOD /path"), ``do``, ``when``, ``times``.

        ``times`` below nothing means for ever; Fault says what else there may be.

        Raises:
            ValueError: ``do`` or ``when`` is none that we know, or ``match`` is no pattern.
        """
        if script.get("do") not in WAYS:
            raise ValueError(f"do must be one of {', '.join(WAYS)}, not {script.get('do')!r}")
        if script.setdefault("when", "after") not in {"before", "after"}:
            raise ValueError(f"when must be before or after, not {script['when']!r}")
        try:
            re.compile(script.setdefault("match", ".*"))
        except re.error as error:
            raise ValueError(f"match is no pattern: {error}") from error
        script["times"] = int(script.get("times", 1))
        with self._ledger.transaction():
            self._ledger.set_option("faults", [*self.script, script])
        return self.script

    @property
    def script(self) -> list[dict[str, Any]]:
        """The lines that are left."""
        return list(self._ledger.option("faults", []))

    def clear(self) -> list[dict[str, Any]]:
        """Forget the script."""
        self._ledger.set_option("faults", [])
        return []

    def take(self, asked: Asked) -> Fault | None:
        """Return what goes wrong with this request, and count it."""
        with self._ledger.transaction():
            script = self.script
            for line in script:
                if not re.fullmatch(line["match"], asked.line):
                    continue
                line["times"] -= 1
                self._ledger.set_option("faults", [one for one in script if one["times"]])
                return Fault(
                    way=line["do"],
                    after=line["when"] == "after",
                    seconds=float(line.get("seconds", 30 if line["do"] == "timeout" else 1)),
                    remembered=bool(line.get("remembered", line["do"] == "500")),
                    changes=dict(line.get("changes", {})),
                    retry_after=str(line.get("retry_after", "")),
                )
        return None
