"""What is offered: one warmer."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import CacheWarmer, hookimpl
from warm_catalogue.settings import Settings
from warm_catalogue.warmer import Products


@hookimpl
def cache_warmers(settings: Settings) -> Iterable[CacheWarmer]:
    """Offer to keep the core's own namespace of products warm."""
    return [Products(settings)]
