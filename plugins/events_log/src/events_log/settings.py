"""Where the lines go."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hookspecs import NotConfigured, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The file, and whether each line is forced to the disk.

    Raises:
        NotConfigured: the path is blank.

    """

    path: str = setting(
        label="File",
        help="One JSON line is appended for each event; without a name, events.jsonl in the "
        "folder that ORDERLOOM_DATA names",
        default="",
    )
    fsync: bool = setting(
        label="Force to disk",
        help="Wait until a line is on the disk before it counts as written",
        default=True,
    )

    def __post_init__(self) -> None:
        if self.path and not self.path.strip():
            raise NotConfigured("path is blank: name the file that the lines go to")

    @property
    def file(self) -> Path:
        """Where the lines go: the shop's data folder, unless a path is set."""
        return Path(self.path or Path(os.environ.get("ORDERLOOM_DATA") or "var") / "events.jsonl")
