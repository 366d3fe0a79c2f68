"""Switch a plugin on or off, for the installation or for one tenant, while everything runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from core.application.lift_quarantine import lift_quarantine
from core.application.moving_generation import hold_generation, move_generation
from core.application.plugin_states import NAMED
from core.application.refresh_registry import look_again
from core.domain.errors import InvalidInput, NotFound, SetElsewhere
from core.hooks.registry import Registry
from core.infrastructure.crashpoints import crashpoint
from core.models import PluginChange, PluginSwitch, Tenant

__all__ = ["SwitchPlugin", "Switched", "known_plugin", "named_tenant", "switch_plugin"]

_KINDS: Final = {True: "ON", False: "OFF", None: "FOLLOWS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPlugin:
    """What is to be switched, by whom and why.

    Without a `tenant` (its slug) the switch is the installation's. `on` None takes a tenant's own
    switch away: it follows the installation again.
    """

    plugin: str
    on: bool | None
    who: str
    tenant: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """What came of it. `changed` is False where it stood like that before.

    `generation` is what every worker begins with a second after. `differing` are the tenants whose
    own switch says otherwise.
    """

    plugin: str
    tenant: str | None
    on: bool | None
    changed: bool
    generation: int
    differing: tuple[str, ...] = ()


def switch_plugin(command: SwitchPlugin, *, plugins: Registry, now: datetime) -> Switched:
    """Move a switch and the generation in one transaction, with who and why.

    What is switched off is offered to nobody who begins a second later, and no payment starts with
    it from this moment on; what is open is served. Who switches one on for the installation lifts
    its quarantine as well.

    Raises:
        NotFound: nobody has ever heard of this plugin, or there is no such tenant.
        SetElsewhere: it is to be switched on, and ORDERLOOM_PLUGINS_DISABLED names it.
        InvalidInput: only a tenant can follow the installation.
    """
    known_plugin(command.plugin, plugins)
    if command.on and command.plugin in settings.ORDERLOOM_PLUGINS_DISABLED:
        raise SetElsewhere(
            f"{NAMED} switches {command.plugin} off: take its name out there, then restart.",
            fields={"switch": NAMED},
        )
    if command.on is None and command.tenant is None:
        raise InvalidInput("Only a tenant can follow the installation.", field="tenant")
    tenant = named_tenant(command.tenant)
    with transaction.atomic(durable=True):
        generation = hold_generation()
        lifted = _lifted(command, now) if command.on and tenant is None else None
        generation = lifted or generation
        changed = _moved(command, tenant, now)
        if changed:
            crashpoint("plugin.switching")
            generation = move_generation()
            PluginChange.objects.create(
                plugin=command.plugin,
                tenant=tenant,
                who=command.who,
                reason=command.reason,
                kind=_KINDS[command.on],
                generation=generation,
                at=now,
            )
    crashpoint("plugin.switched")
    look_again()
    return Switched(
        plugin=command.plugin,
        tenant=command.tenant,
        on=command.on,
        changed=changed or lifted is not None,
        generation=generation,
        differing=_differing(command),
    )


def known_plugin(name: str, plugins: Registry) -> None:
    """Refuse what nobody has ever heard of.

    Raises:
        NotFound: it is neither installed nor remembered.
    """
    if plugins.plugin(name) is None:
        raise NotFound(f"There is no plugin {name}.", plugin=name)


def named_tenant(slug: str | None) -> Tenant | None:
    """Return the tenant that was named, or None for the installation.

    Raises:
        NotFound: there is no such tenant.
    """
    if slug is None:
        return None
    found = Tenant.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no tenant {slug}.", tenant=slug)
    return found


def _lifted(command: SwitchPlugin, now: datetime) -> int | None:
    return lift_quarantine(command.plugin, who=command.who, reason=command.reason, now=now)


def _moved(command: SwitchPlugin, tenant: Tenant | None, now: datetime) -> bool:
    """Move the row; return False where it stood like that already. No row at all means on."""
    rows = PluginSwitch.objects.filter(plugin=command.plugin, tenant=tenant)
    row = rows.first()
    if command.on is None:
        return bool(rows.delete()[0])
    stands = (True if tenant is None else None) if row is None else row.is_on
    if stands == command.on:
        return False
    row = row or PluginSwitch(plugin=command.plugin, tenant=tenant)
    row.is_on, row.who, row.reason, row.changed_at = command.on, command.who, command.reason, now
    row.save()
    return True


def _differing(command: SwitchPlugin) -> tuple[str, ...]:
    if command.tenant is not None or command.on is None:
        return ()
    own = PluginSwitch.objects.filter(plugin=command.plugin, tenant__isnull=False)
    slugs = own.exclude(is_on=command.on).values_list("tenant__slug", flat=True)
    return tuple(sorted(str(slug) for slug in slugs))
