"""How long checkouts take in all, so that it is known which part of that is a plugin's."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from core.hooks.guard import CallReport, Ended
from core.hooks.registry import Registry
from core.hooks.tally import CHECKOUT

__all__ = ["part_of_checkout"]

P = ParamSpec("P")
R = TypeVar("R")


def part_of_checkout(use_case: Callable[P, R]) -> Callable[P, R]:
    """Let a use case that is given `plugins` report to them how long it took, refusals included."""

    @wraps(use_case)
    def timed(*given: P.args, **named: P.kwargs) -> R:
        began = time.monotonic()
        try:
            return use_case(*given, **named)
        finally:
            took = time.monotonic() - began
            plugins = cast(Registry, named["plugins"])
            plugins.report(CallReport(CHECKOUT, took, Ended.ANSWERED, overran=False))

    return timed
