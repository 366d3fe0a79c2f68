"""Whether a manifest's range over the contract's version holds, such as `>=1.0,<2`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

__all__ = ["compatible"]

_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|<|>)\s*(\d+(?:\.\d+){0,2})\s*")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


def compatible(wanted: str, *, offered: str) -> bool:
    """Return whether the version `offered` lies in the range `wanted`.

    Raises:
        ValueError: `wanted` is no range.

    """
    version = _numbers(offered)
    clauses = [_CLAUSE.fullmatch(part) for part in wanted.split(",")]
    if not wanted.strip() or None in clauses:
        raise ValueError(f'api = {wanted!r} is no range: expected one like ">=1.0,<2"')
    return all(_COMPARE[c[1]](version, _numbers(c[2])) for c in clauses if c is not None)


def _numbers(version: str) -> tuple[int, ...]:
    parts = [int(part) for part in version.split(".")]
    return tuple(parts + [0] * (3 - len(parts)))
