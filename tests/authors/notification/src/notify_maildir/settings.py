"""Which folder, and who writes."""

from __future__ import annotations

from dataclasses import dataclass

from hookspecs import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The maildir and the sender."""

    folder: str = setting(label="Folder", help="It is made, with cur, new and tmp in it")
    sender: str = setting(label="Sender", default="shop@localhost")
