"""Refresh the registry: look at most once a second whether switches or settings have changed."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.hooks.offered import OfferedTell
from core.hooks.registry import Registry
from core.hooks.states import Code, KnownPlugin, PluginStates, State, Switch
from core.models.plugin import Plugin, PluginGeneration

__all__ = ["forget", "look_again", "record_plugins", "refresh_registry"]

_SECOND = 1.0
_DAY = 86_400.0
_WRITTEN = ("distribution", "version", "title", "was_on", "prices", "channels", "tells")


class _Builds(Protocol):
    """What the app config gives: it loaded the plugins when Django was ready."""

    def build(self, states: PluginStates) -> Registry: ...


@dataclass(slots=True)
class _Kept:
    registry: Registry
    looked: float


_kept: dict[str, _Kept] = {}
_building = threading.Lock()


def refresh_registry(*, tenant: str = "default") -> Registry:
    """Return the registry in force; doors call this at the beginning of a request or job.

    One statement at most once a second. The first look of a process also records what is loaded,
    so that a plugin's name outlives its package.
    """
    kept = _kept.get(tenant)
    now = time.monotonic()
    if kept is not None and now - kept.looked < _SECOND:
        return kept.registry
    with _building:
        kept = _kept.get(tenant)
        if kept is not None and now - kept.looked < _SECOND:
            return kept.registry
        generation = _generation()
        if kept is not None and kept.registry.generation == generation:
            kept.looked = now
            return kept.registry
        registry = _build(generation)
        if kept is None:
            record_plugins(registry, now=timezone.now())
        _kept[tenant] = _Kept(registry, now)
        return registry


def look_again() -> None:
    """Make the next refresh of this process look, for who has just changed a switch."""
    for kept in _kept.values():
        kept.looked = float("-inf")


def forget() -> None:
    """Make the next refresh begin as a new process does."""
    _kept.clear()


def record_plugins(registry: Registry, *, now: datetime) -> int:
    """Write down the plugins that are loaded; return how many rows were written.

    A plugin that isn't loaded keeps its row as it was: that is its tombstone.
    """
    rows = {row.name: row for row in Plugin.objects.all()}
    changed = [
        row for row in _rows(registry, now) if row.name not in rows or _differs(row, rows[row.name])
    ]
    if not changed:
        return 0
    with transaction.atomic():
        Plugin.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=[*_WRITTEN, "seen_at"],
        )
        if not PluginGeneration.objects.update(generation=F("generation") + 1):
            PluginGeneration.objects.create(pk=1, generation=1)
    return len(changed)


def _generation() -> int:
    return PluginGeneration.objects.values_list("generation", flat=True).first() or 0


def _build(generation: int) -> Registry:
    known = tuple(
        KnownPlugin(
            name=row.name,
            distribution=row.distribution,
            version=row.version,
            title=row.title,
            was_on=row.was_on,
            prices=row.prices,
        )
        for row in Plugin.objects.order_by("name")
    )
    states = PluginStates(
        disabled=settings.ORDERLOOM_PLUGINS_DISABLED,
        known=known,
        generation=generation,
        refreshed=True,
    )
    return cast(_Builds, apps.get_app_config("orderloom")).build(states)


def _rows(registry: Registry, now: datetime) -> list[Plugin]:
    """A plugin that lacks its settings has offered nothing: its row keeps what it once was."""
    return [
        Plugin(
            name=view.name,
            distribution=view.distribution,
            version=view.version,
            title=view.title,
            was_on=view.switch is Switch.ON,
            prices=view.prices,
            channels=[code for code, each in registry.channels.items() if each.plugin == view.name],
            tells=[hook for hook, told in registry.tells.items() if _hears(view.name, told)],
            seen_at=now,
        )
        for view in registry.plugins
        if view.code is Code.LOADED and view.state is not State.NOT_CONFIGURED
    ]


def _hears(plugin: str, told: tuple[OfferedTell, ...]) -> bool:
    return any(each.plugin == plugin for each in told)


def _differs(row: Plugin, kept: Plugin) -> bool:
    old = (row.seen_at - kept.seen_at).total_seconds() > _DAY
    return old or any(getattr(row, name) != getattr(kept, name) for name in _WRITTEN)
