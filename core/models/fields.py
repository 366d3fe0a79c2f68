"""What a model's columns say together: minor units and the currency beside them are money."""

from __future__ import annotations

from typing import Any, overload

from django.db import models

from hookspecs import Money

__all__ = ["Amount"]


class Amount:
    """Reads a column of minor units together with the row's currency; written are the columns."""

    def __init__(self, minor: str) -> None:
        self._minor = minor

    @overload
    def __get__(self, row: None, owner: type[models.Model]) -> Amount: ...
    @overload
    def __get__(self, row: models.Model, owner: type[models.Model]) -> Money: ...
    def __get__(self, row: models.Model | None, owner: type[models.Model]) -> Amount | Money:
        """Return the money that a row holds."""
        if row is None:
            return self
        held: Any = row
        return Money(getattr(held, self._minor), held.currency)
