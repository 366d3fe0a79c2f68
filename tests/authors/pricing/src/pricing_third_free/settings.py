"""How many pieces it takes."""

from __future__ import annotations

from dataclasses import dataclass

from hookspecs import NotConfigured, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which piece is free: the third, unless the shop says otherwise."""

    every: int = setting(label="Which piece is free", default=3, minimum=2)

    def __post_init__(self) -> None:
        if self.every < 2:
            raise NotConfigured("every: at least 2, or everything is free")
