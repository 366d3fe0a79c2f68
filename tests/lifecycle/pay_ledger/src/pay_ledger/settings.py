"""Where the ledger is."""

from __future__ import annotations

from dataclasses import dataclass

from hookspecs import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The file, and whether the provider can be asked what became of something."""

    path: str = setting(label="File")
    silent: bool = setting(label="It doesn't answer", default=False)
