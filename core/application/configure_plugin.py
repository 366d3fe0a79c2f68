"""Configure a plugin in the console: one more version of its settings, for all or for one tenant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from core.application.moving_generation import hold_generation, move_generation
from core.application.plugin_states import console_layer, console_layers, put_setting
from core.application.refresh_registry import look_again
from core.application.switch_plugin import known_plugin, named_tenant
from core.domain.errors import ConcurrentChange, InvalidInput, NotFound, SetElsewhere
from core.hooks.registry import Registry
from core.hooks.section import FormField, Section
from core.hooks.settings import Layer
from core.infrastructure.sealing import can_keep, keep
from core.models import PluginChange, PluginSettings, Tenant

__all__ = ["NO_KEY", "ConfigurePlugin", "Configured", "configure_plugin"]

NO_KEY = (
    "No secrets are kept in the database, since ORDERLOOM_SECRETS_KEY is not set: set it and restart "
    "(docs/settings.md shows how to make one), or give the secret in the environment, which needs none."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurePlugin:
    """What is to be set and unset, by dotted name, by whom and why; all else stays as it is.

    Values are texts as the environment would hold them, or JSON. A secret that is empty or absent
    keeps the old one. Without a `tenant` (its slug) this is the installation's layer. `seen` is the
    version that a form was drawn from, 0 where there was none.
    """

    plugin: str
    who: str
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unset: frozenset[str] = frozenset()
    tenant: str | None = None
    reason: str = ""
    seen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What came of it: which names changed, under which version, and what is still missing."""

    plugin: str
    tenant: str | None
    version: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    generation: int


def configure_plugin(command: ConfigurePlugin, *, plugins: Registry, now: datetime) -> Configured:
    """Check what was given against the schema, store a new version, and move the generation.

    Settings may be stored a part at a time; once they are complete, the plugin itself has to accept
    them. The plugin is asked before the transaction, never in it.

    Raises:
        NotFound: no such plugin or tenant, or the plugin has no settings.
        SetElsewhere: the environment or a Django setting decides; ``fields`` name which.
        InvalidInput: ``fields`` map each name to what is wrong with it.
        ConcurrentChange: somebody else has changed them since.
    """
    known_plugin(command.plugin, plugins)
    section = plugins.sections.get(command.plugin)
    if section is None:
        raise NotFound(f"{command.plugin} has no settings, or isn't loaded.", plugin=command.plugin)
    tenant = named_tenant(command.tenant)
    before = _newest(command.plugin, tenant)
    if command.seen is not None and command.seen != _number(before):
        raise ConcurrentChange("Somebody else has changed these settings; look again.")
    draft = _drafted(command, section, before, tenant)
    missing = _judged(command, section, draft)
    if not draft.changed:
        return _said(command, draft, missing, _number(before), 0)
    with transaction.atomic(durable=True):
        hold_generation()
        if _number(_newest(command.plugin, tenant)) != _number(before):
            raise ConcurrentChange("Somebody else has changed these settings; look again.")
        draft.row.created_at = now
        draft.row.save(force_insert=True)
        generation = move_generation()
        PluginChange.objects.create(
            plugin=command.plugin,
            tenant=tenant,
            who=command.who,
            reason=command.reason,
            kind="SETTINGS",
            names=list(draft.changed),
            generation=generation,
            at=now,
        )
    look_again()
    return _said(command, draft, missing, draft.row.pk, generation)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    row: PluginSettings
    changed: tuple[str, ...]
    layers: tuple[Layer, ...]


def _newest(plugin: str, tenant: Tenant | None) -> PluginSettings | None:
    return PluginSettings.objects.filter(plugin=plugin, tenant=tenant).order_by("-id").first()


def _number(row: PluginSettings | None) -> int:
    return row.pk if row is not None else 0


def _drafted(
    command: ConfigurePlugin, section: Section, before: PluginSettings | None, tenant: Tenant | None
) -> _Draft:
    """Lay what was given over the version before; secrets are sealed on the way."""
    fields = {each.name: each for each in section.fields(())}
    given = {
        name: value
        for name, value in command.values.items()
        if not (name in fields and fields[name].secret and value in (None, ""))
    }
    _refuse(given, command.unset, fields, section)
    row = PluginSettings(
        plugin=command.plugin,
        tenant=tenant,
        who=command.who,
        reason=command.reason,
        values=deepcopy(before.values) if before else {},
        sealed=dict(before.sealed) if before else {},
    )
    old = _held(console_layer(before)) if before else {}
    for name in command.unset:
        _take(row.values, name)
        row.sealed.pop(name, None)
    for name, value in given.items():
        if not fields[name].secret:
            put_setting(row.values, name, value)
        elif name not in old or old[name] != value:
            row.sealed[name] = keep(json.dumps(value))
    own = console_layer(row)
    new = _held(own)
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    others = () if tenant is None else console_layers(command.plugin, None)
    return _Draft(row=row, changed=tuple(sorted(changed)), layers=(own, *others))


def _refuse(
    given: Mapping[str, Any],
    unset: frozenset[str],
    fields: Mapping[str, FormField],
    section: Section,
) -> None:
    wrong = {name: "there is no such setting" for name in {*given, *unset} if name not in fields}
    if not can_keep():
        wrong |= {name: NO_KEY for name in given if name in fields and fields[name].secret}
    if wrong:
        raise _invalid(section.plugin, wrong)
    decided = {name: section.fixed(name) for name in given if fields[name].fixed}
    if decided:
        named = ", ".join(
            f"{name} ({fields[name].variable})" if source == "environment" else f"{name} ({source})"
            for name, source in sorted(decided.items())
        )
        raise SetElsewhere(f"Set elsewhere, and read-only here: {named}.", fields=decided)


def _judged(command: ConfigurePlugin, section: Section, draft: _Draft) -> tuple[str, ...]:
    """Refuse what the schema or the plugin refuses; return what is merely missing."""
    faults = section.faults(draft.layers)
    ours = {name: text for name, text in faults.items() if name in command.values}
    if ours:
        raise _invalid(section.plugin, ours)
    missing = section.missing(draft.layers)
    if draft.changed and not missing and not faults:
        why = section.refusal(draft.layers)
        if why:
            raise _invalid(section.plugin, {"": why})
    return missing


def _invalid(plugin: str, wrong: Mapping[str, str]) -> InvalidInput:
    said = "; ".join(f"{name}: {text}" if name else text for name, text in sorted(wrong.items()))
    return InvalidInput(f"{plugin}: {said}", field=min(wrong), fields=dict(wrong))


def _said(
    command: ConfigurePlugin, draft: _Draft, missing: tuple[str, ...], version: int, moved: int
) -> Configured:
    return Configured(
        plugin=command.plugin,
        tenant=command.tenant,
        version=version,
        changed=draft.changed,
        missing=missing,
        generation=moved,
    )


def _held(layer: Layer) -> dict[str, Any]:
    """What a layer sets, by dotted name; what can't be read any more is set as well."""
    return dict.fromkeys(layer.unreadable) | _flat(layer.values)


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """By dotted name, as far as there are groups."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = _flat(value, f"{above}{name}.") if isinstance(value, Mapping) else {}
        found |= inner or {above + name: value}
    return found


def _take(values: dict[str, Any], path: str) -> None:
    group, _, last = path.rpartition(".")
    inner = values.get(group, {}) if group else values
    inner.pop(last, None)
    if group and not inner:
        values.pop(group, None)
