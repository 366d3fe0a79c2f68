"""What became of the rows of a file of products."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.application.reading_csv import RowError


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChanged:
    """A product that was there, and which of its fields the file changes."""

    sku: str
    fields: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class ProductsImported:
    """What became of the rows; ``written`` is False after a dry run, or where all was held back."""

    written: bool = False
    rows: int = 0
    created: int = 0
    unchanged: int = 0
    refused: int = 0
    changed: list[ProductChanged] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)

    def refuse(self, error: RowError) -> None:
        """Count a row that can't be imported."""
        self.errors.append(error)
        self.refused += 1
