"""What the database says of plugins to one tenant, read into the frozen value that hooks are given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Q

from core.hooks.settings import Layer
from core.hooks.states import Ailment, KnownPlugin, PluginStates
from core.infrastructure.sealing import UnreadableError, kept
from core.models.health import ILL, PluginHealth
from core.models.plugin import EVERYWHERE, Plugin, PluginSettings, PluginSwitch

__all__ = [
    "NAMED",
    "Switches",
    "console_layer",
    "console_layers",
    "put_setting",
    "read_states",
    "read_switches",
    "wanted",
]

NAMED = "ORDERLOOM_PLUGINS_DISABLED"
"""What wins over every switch in the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """How the switches stand for one tenant: what is off and why, and what a row decides."""

    why_off: Mapping[str, str]
    decided: Mapping[str, bool]


def read_switches(tenant: str) -> Switches:
    """Read the switches in force for a tenant: its own go before the installation's."""
    why: dict[str, str] = {}
    decided: dict[str, bool] = {}
    rows = PluginSwitch.objects.filter(EVERYWHERE | Q(tenant__slug=tenant))
    for row in rows.order_by("tenant_id").select_related("tenant"):
        if row.plugin in decided and row.tenant is None:
            continue  # SQLite sorts nothing first, PostgreSQL last: the tenant's own word stays
        decided[row.plugin] = row.is_on
        why.pop(row.plugin, None)
        if not row.is_on:
            where = "" if row.tenant is None else f" for {row.tenant.slug}"
            because = f": {row.reason}" if row.reason else ""
            why[row.plugin] = f"switched off{where} by {row.who}{because}"
    why |= dict.fromkeys(settings.ORDERLOOM_PLUGINS_DISABLED, f"{NAMED} switches it off")
    return Switches(why_off=why, decided=decided)


def read_states(tenant: str, *, generation: int) -> PluginStates:
    """Read everything that a tenant's registry is built of, in four statements."""
    switches = read_switches(tenant)
    versions = _Versions()
    rows = PluginSettings.objects.filter(EVERYWHERE | Q(tenant__slug=tenant))
    for row in rows.order_by("id").select_related("tenant"):
        versions.add(row)
    return PluginStates(
        tenant=tenant,
        disabled=frozenset(switches.why_off),
        why_off=switches.why_off,
        named=settings.ORDERLOOM_PLUGINS_DISABLED,
        shadow=settings.ORDERLOOM_PRICING_SHADOW,
        console={name: seen[0] for name, seen in versions.seen.items()},
        former={name: tuple(seen[1:]) for name, seen in versions.seen.items()},
        known=tuple(_known(row, switches) for row in Plugin.objects.order_by("name")),
        ailing=tuple(_ailment(row) for row in PluginHealth.objects.filter(ILL)),
        generation=generation,
        refreshed=True,
    )


def _ailment(row: PluginHealth) -> Ailment:
    return Ailment(
        plugin=row.plugin,
        kind=row.kind,
        account=row.account,
        version=row.version,
        cause=row.cause,
        rests=row.is_open,
        wait=row.wait,
        quarantined=row.quarantined_at is not None,
    )


def console_layers(plugin: str, tenant: str | None) -> tuple[Layer, ...]:
    """Return what the console says of a plugin to a tenant, or to the installation: newest only."""
    newest: dict[int | None, PluginSettings] = {}
    scope = EVERYWHERE if tenant is None else EVERYWHERE | Q(tenant__slug=tenant)
    rows = PluginSettings.objects.filter(scope, plugin=plugin)
    for row in rows.order_by("id").select_related("tenant"):
        newest[row.tenant_id] = row
    ordered = sorted(newest.values(), key=lambda row: row.tenant_id is None)
    return tuple(console_layer(row) for row in ordered)


def console_layer(row: PluginSettings) -> Layer:
    """Return a version of settings as a layer, its secrets opened."""
    values, closed = json.loads(json.dumps(row.values)), []
    for path, sealed in row.sealed.items():
        try:
            put_setting(values, path, json.loads(kept(sealed)))
        except UnreadableError:
            closed.append(path)
    where = "console" if row.tenant is None else f"console for {row.tenant.slug}"
    return Layer(source=where, values=values, unreadable=tuple(closed))


def put_setting(values: dict[str, Any], path: str, value: Any) -> None:
    """Put a value where its dotted path says, making the groups on the way."""
    *groups, last = path.split(".")
    for group in groups:
        values = values.setdefault(group, {})
    values[last] = value


@dataclass(slots=True)
class _Versions:
    """What the console said, by plugin: each state that it was ever in, the newest first.

    Read in the order in which they were written; a tenant's layer lies over the installation's.
    """

    seen: dict[str, list[tuple[Layer, ...]]] = field(default_factory=dict)
    _now: dict[str, dict[bool, Layer]] = field(default_factory=dict)

    def add(self, row: PluginSettings) -> None:
        now = self._now.setdefault(row.plugin, {})
        now[row.tenant_id is None] = console_layer(row)
        layers = tuple(now[everywhere] for everywhere in sorted(now))
        self.seen.setdefault(row.plugin, [()]).insert(0, layers)


def _known(row: Plugin, switches: Switches) -> KnownPlugin:
    return KnownPlugin(
        name=row.name,
        distribution=row.distribution,
        version=row.version,
        title=row.title,
        was_on=switches.decided.get(row.name, row.was_on),
        prices=row.prices,
    )


def wanted(rows: Iterable[Plugin], switches: Switches) -> list[Plugin]:
    """Keep the plugins that nobody has switched off at this moment."""
    return [
        row
        for row in rows
        if row.name not in switches.why_off and switches.decided.get(row.name, row.was_on)
    ]
