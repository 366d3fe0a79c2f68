"""How long products stay warm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hookspecs import NotConfigured, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Durations of the cache, and the pace of a round over the whole catalogue.

    Raises:
        NotConfigured: a duration or the page is not positive.

    """

    ttl: timedelta = setting(
        label="Fresh for",
        help="A product read after that is loaded anew",
        default=timedelta(minutes=10),
    )
    stale_ttl: timedelta = setting(
        label="Usable for",
        help="How long after that an old copy may still be shown while a new one is loaded",
        default=timedelta(hours=1),
    )
    budget: timedelta = setting(
        label="Time for one round",
        help="A round that takes longer stops and goes on where it was the next time",
        default=timedelta(seconds=30),
    )
    page: int = setting(label="Products per page", default=500, minimum=1, maximum=10_000)

    def __post_init__(self) -> None:
        for name in ("ttl", "budget"):
            if getattr(self, name) <= timedelta(0):
                raise NotConfigured(f"{name} is not positive")
        if self.stale_ttl < timedelta(0):
            raise NotConfigured("stale_ttl is negative")
        if self.page < 1:
            raise NotConfigured("page is below 1")
