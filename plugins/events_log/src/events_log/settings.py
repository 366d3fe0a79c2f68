"""Where the lines go."""

from __future__ import annotations

from dataclasses import dataclass

from hookspecs import NotConfigured, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The file, and whether each line is forced to the disk.

    Raises:
        NotConfigured: the path is empty.

    """

    path: str = setting(
        label="File",
        help="One JSON line is appended for each event; its folder is made if need be",
        default="var/events.jsonl",
    )
    fsync: bool = setting(
        label="Force to disk",
        help="Wait until a line is on the disk before it counts as written",
        default=True,
    )

    def __post_init__(self) -> None:
        if not self.path.strip():
            raise NotConfigured("path is empty: name the file that the lines go to")
