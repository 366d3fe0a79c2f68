"""The settings of this plugin."""

from __future__ import annotations

from dataclasses import dataclass

from hookspecs import Secret, setting


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What customers read, and a card to try it out with."""

    label: str = setting(label="What customers read", default="Gift card")
    sample_code: Secret | None = setting(
        label="Sample card",
        help="Never empty; means nothing outside the sandbox",
        default=None,
    )
