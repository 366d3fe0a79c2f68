"""Refresh the registry: look at most once a second whether switches or settings have changed."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol, cast

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.application.moving_generation import move_generation
from core.application.plugin_states import read_states
from core.hooks.loader import Loaded
from core.hooks.registry import Registry
from core.hooks.states import Code, PluginStates, PluginView, State
from core.hooks.verify import OFFERS
from core.infrastructure.tables import behind
from core.models.plugin import EVERYWHERE, Plugin, PluginGeneration, PluginSwitch

__all__ = ["forget", "look_again", "record_plugins", "refresh_registry"]

_SECOND: Final = 1.0
_DAY: Final = 86_400.0
_WRITTEN: Final = ("distribution", "version", "title", "was_on", "prices", "channels", "tells")
_NEVER: Final = float("-inf")


class _Builds(Protocol):
    """What the app config gives: it loaded the plugins when Django was ready."""

    loaded: Loaded

    def build(self, states: PluginStates) -> Registry: ...


@dataclass(slots=True)
class _Kept:
    """What this process knows: the generation it saw, when, and a registry per tenant."""

    generation: int = -1
    looked: float = _NEVER
    registries: dict[str, Registry] = field(default_factory=dict)


_kept = _Kept()
_building = threading.Lock()


def refresh_registry(*, tenant: str = "default") -> Registry:
    """Return a tenant's registry in force; doors call this at the beginning of a request or job.

    One statement at most once a second, whatever the number of tenants. The first look for a tenant
    also records what is loaded, so that a plugin's name outlives its package.
    """
    found = _current(tenant)
    if found is not None:
        return found
    with _building:
        found = _current(tenant)
        if found is not None:
            return found
        # The clock is read before the database, and the generation before what it counts: what
        # changes meanwhile is seen by the next look, never missed.
        looked = time.monotonic()
        generation = _generation()
        registry = _kept.registries.get(tenant)
        if registry is None or registry.generation != generation:
            first = registry is None
            registry = _build(tenant, generation)
            if first:
                record_plugins(registry, now=timezone.now())
            _kept.registries[tenant] = registry
        _kept.generation, _kept.looked = generation, looked
        return registry


def _current(tenant: str) -> Registry | None:
    """Return the registry that is fresh enough to begin with, if there is one."""
    if time.monotonic() - _kept.looked >= _SECOND:
        return None
    registry = _kept.registries.get(tenant)
    return registry if registry and registry.generation == _kept.generation else None


def look_again() -> None:
    """Make the next refresh of this process look, for who has just changed a switch."""
    _kept.looked = _NEVER


def forget() -> None:
    """Make the next refresh begin as a new process does."""
    _kept.registries.clear()
    _kept.looked = _NEVER


def record_plugins(registry: Registry, *, now: datetime) -> int:
    """Write down the plugins that are loaded; return how many rows were written.

    A plugin that isn't loaded keeps its row as it was: that is its tombstone.
    """
    rows = {row.name: row for row in Plugin.objects.all()}
    off = _off_everywhere()
    found = [
        _row(view, rows.get(view.name), was_on=view.name not in off, now=now)
        for view in registry.plugins
        if view.code is Code.LOADED and view.state is not State.NOT_CONFIGURED
    ]
    changed = [row for row in found if row.name not in rows or _differs(row, rows[row.name])]
    if not changed:
        return 0
    with transaction.atomic():
        Plugin.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=[*_WRITTEN, "seen_at"],
        )
        move_generation()
    return len(changed)


def _off_everywhere() -> frozenset[str]:
    rows = PluginSwitch.objects.filter(EVERYWHERE, is_on=False).values_list("plugin", flat=True)
    return frozenset(rows) | settings.ORDERLOOM_PLUGINS_DISABLED


def _generation() -> int:
    return PluginGeneration.objects.values_list("generation", flat=True).first() or 0


def _build(tenant: str, generation: int) -> Registry:
    ours = cast(_Builds, apps.get_app_config("orderloom"))
    states = read_states(tenant, generation=generation)
    return ours.build(replace(states, unmigrated=_unmigrated(ours.loaded)))


def _unmigrated(loaded: Loaded) -> frozenset[str]:
    """`migrate` counts the generation up, so that every worker looks again."""
    late = behind(loaded.labels.values())
    return frozenset(name for name, label in loaded.labels.items() if label in late)


def _row(view: PluginView, kept: Plugin | None, *, was_on: bool, now: datetime) -> Plugin:
    """What one tenant's settings make it offer is added to what another's do, within a version."""
    same = kept if kept is not None and kept.version == view.version else None
    channels = {*view.channels, *(same.channels if same else ())}
    return Plugin(
        name=view.name,
        distribution=view.distribution,
        version=view.version,
        title=view.title,
        was_on=was_on,
        prices=view.prices or bool(same and same.prices),
        channels=sorted(channels),
        tells=[hook for hook in view.hooks if hook not in OFFERS],
        seen_at=now,
    )


def _differs(row: Plugin, kept: Plugin) -> bool:
    old = (row.seen_at - kept.seen_at).total_seconds() > _DAY
    return old or any(getattr(row, name) != getattr(kept, name) for name in _WRITTEN)
