"""Pin a request or job to the registry it begins with, and know what is still in hand."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.application.refresh_registry import refresh_registry
from core.hooks.registry import Registry

__all__ = ["InHand", "in_hand", "pin_registry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InHand:
    """How much work this process has in hand, and the oldest generation that any of it pinned."""

    count: int
    oldest: int | None


_pinned: Counter[int] = Counter()
_counting = threading.Lock()


@contextmanager
def pin_registry(*, tenant: str) -> Iterator[Registry]:
    """Yield the registry in force; until the block ends it counts as work in hand."""
    registry = refresh_registry(tenant=tenant)
    with _counting:
        _pinned[registry.generation] += 1
    try:
        yield registry
    finally:
        with _counting:
            _pinned[registry.generation] -= 1
            if not _pinned[registry.generation]:
                del _pinned[registry.generation]


def in_hand() -> InHand:
    """Return what this process is at work on."""
    with _counting:
        return InHand(count=_pinned.total(), oldest=min(_pinned, default=None))
