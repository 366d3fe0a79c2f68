"""What is offered: one warmer."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import CacheWarmer, hookimpl
from warm_bargains.settings import Settings
from warm_bargains.warmer import Warmer


@hookimpl
def cache_warmers(settings: Settings) -> Iterable[CacheWarmer]:
    """Offer it; asked once per set of settings."""
    return [Warmer(settings)]
