"""List the plugins as they stand: loaded or left out, switched off, or gone but remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from core.domain.lifecycle import LIVE
from core.hooks.registry import Registry
from core.hooks.states import PluginView
from core.models import Payment

_OPEN: Final = ("APPROVED", "PROCESSING", "AUTHORIZED", "PARTIALLY_CAPTURED")


def list_plugins(*, plugins: Registry) -> tuple[PluginView, ...]:
    """Return every plugin, sorted by name, each knowing whether any of its payments is open."""
    every = Payment.objects.across_tenants()
    live = every.filter(operations__status__in=sorted(LIVE)).values_list("plugin", flat=True)
    waiting = every.filter(status__in=_OPEN).values_list("plugin", flat=True)
    busy = {*live.distinct(), *waiting.distinct()}
    views = sorted(plugins.plugins, key=lambda view: view.name)
    return tuple(replace(view, open_work=view.name in busy) for view in views)
