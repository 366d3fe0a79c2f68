"""Named places at which a test lets a process kill itself; elsewhere they are nothing at all."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import Final

__all__ = ["NAMES", "crashpoint"]

NAMES: Final = frozenset(
    {
        "order.before_commit",
        "order.committed",
        "operation.committed",
        "answer.received",
        "answer.recorded",
        "inbox.stored",
        "inbox.claimed",
        "inbox.applied",
        "delivery.claimed",
        "mail.accepted",
        "lookup.answered",
        "refund.intended",
        "refund.done",
        "expiry.half_way",
        "plugin.switching",
        "plugin.switched",
    }
)
"""Every place there is. Between the gateway's work and its answer, a process is killed outside."""

_VARIABLE: Final = "ORDERLOOM_CRASHPOINT"


def _nothing(_name: str) -> None:
    """Do nothing."""


_passed: Counter[str] = Counter()


def _crash(name: str) -> None:
    """Kill this process without a word if it is asked to, at the pass that is asked for."""
    _passed[name] += 1
    asked, _, turn = os.environ.get(_VARIABLE, "").partition(":")
    if name == asked and _passed[name] == int(turn or 1):
        os.kill(os.getpid(), signal.SIGKILL)


# A process that forks others is started with the variable set, so that each of them may have its
# own; where it isn't set when the shop starts, setting it later changes nothing.
crashpoint: Final = _crash if _VARIABLE in os.environ else _nothing
