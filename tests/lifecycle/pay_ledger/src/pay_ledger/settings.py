"""Where the ledger is."""

from __future__ import annotations

from dataclasses import dataclass

from hookspecs import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The file."""

    path: str = setting(label="File")
