"""What became of the rows of a file of products."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from core.application.row_errors import RowError

KEPT: Final = 1_000
"""Errors and changes that are told one by one; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChanged:
    """A product that was there, and which of its fields the file changes."""

    sku: str
    fields: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class ProductsImported:
    """What became of the rows; ``written`` is False after a dry run, or where all was held back.

    ``changed`` and ``errors`` hold the first ones only, so that memory stays the same.
    """

    written: bool = False
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    changed: list[ProductChanged] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)

    def refuse(self, error: RowError) -> None:
        """Count a row that can't be imported."""
        self.refused += 1
        if len(self.errors) < KEPT:
            self.errors.append(error)

    def change(self, sku: str, fields: tuple[str, ...]) -> None:
        """Count a product that becomes another."""
        self.updated += 1
        self.fields.update(fields)
        if len(self.changed) < KEPT:
            self.changed.append(ProductChanged(sku=sku, fields=fields))
