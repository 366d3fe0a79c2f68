"""A registry in whose use something else happens, as when another worker is faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import F

from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.models import Order


class Meanwhile:
    """Does something each time a payment's strategy is asked for, or once: the ``at``-th time."""

    def __init__(
        self, plugins: Registry, happens: Callable[[], object], *, at: int | None = None
    ) -> None:
        self.plugins, self.happens, self.at, self.asked = plugins, happens, at, 0

    def strategy(self, **wanted: Any) -> OfferedStrategy:
        """Let it happen, then answer."""
        self.asked += 1
        if self.at in (None, self.asked):
            self.happens()
        return self.plugins.strategy(**wanted)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plugins, name)


def orders_move_on() -> None:
    """Let every order move, as when something is written into its journal."""
    Order.objects.update(log_seq=F("log_seq") + 1)
