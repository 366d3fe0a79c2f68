"""What the database knows of plugins: which there were, how they are switched and configured."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q

from core.models.sheet import Condition
from core.models.tenancy import Tenant

EVERYWHERE = Q(tenant__isnull=True)
"""What holds for the installation. Rows of switches and settings are a tenant's, or nobody's."""


class Plugin(models.Model):
    """A plugin that was loaded once. The row outlives the package, with its names frozen."""

    name = models.CharField(max_length=100)
    distribution = models.CharField(max_length=120)
    version = models.CharField(max_length=40)
    title = models.CharField(max_length=200, default="")
    was_on = models.BooleanField(default=True)
    prices = models.BooleanField(default=False)
    channels = models.JSONField(default=list)
    tells = models.JSONField(default=list)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="plugin_name_unique")]

    def __str__(self) -> str:
        return self.name


class PluginGeneration(models.Model):
    """One row that counts changes of switches and settings, so that workers can compare."""

    generation = models.BigIntegerField(default=0)


class _OfTenantOrAll(models.Model):
    """Belongs to one tenant, or, where `tenant` is empty, holds for the whole installation."""

    plugin = models.CharField(max_length=100)
    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    who = models.CharField(max_length=150)
    reason = models.CharField(max_length=500, default="")

    class Meta:
        abstract = True


class PluginSwitch(_OfTenantOrAll):
    """How a person left a switch. Without a row a plugin is on; a tenant's row goes first."""

    is_on = models.BooleanField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["plugin"], condition=EVERYWHERE, name="plugin_switch_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "plugin"],
                condition=~EVERYWHERE,
                name="plugin_switch_once_per_tenant",
            ),
        ]


_SWITCH = "SELECT s.is_on FROM orderloom_pluginswitch AS s WHERE s.plugin = r.plugin AND"

SWITCHED_ON: Final = Condition(
    sql=f"COALESCE(({_SWITCH} s.tenant_id = CAST(r.tenant AS integer)), "
    f"({_SWITCH} s.tenant_id IS NULL), true)",
    rule="plugin_switched_on",
)
"""The fence: whatever a worker believes, a charge begins only if the switch is on right now.

Rows bring ``plugin`` and the ``tenant``'s id.
"""


class PluginSettings(_OfTenantOrAll):
    """One version of what the console says of a plugin's settings; the newest is in force.

    `values` are nested as the schema is. `sealed` holds secrets by dotted name, encrypted. Rows are
    only ever added: a payment's later commands may need those it was begun with.
    """

    values = models.JSONField()
    sealed = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["plugin", "tenant", "id"], name="plugin_settings_newest"),
        ]


class PluginChange(_OfTenantOrAll):
    """What was done to a plugin, by whom, why and when; `names` are the settings it was about."""

    kind = models.CharField(max_length=20)
    names = models.JSONField(default=list)
    generation = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["plugin", "-id"], name="plugin_change_latest")]


class PluginWorker(models.Model):
    """A process that has plugins loaded: the oldest generation that its work in hand began with.

    It serves every tenant. `seen_at` is the database's clock; who is silent has ended.
    """

    id = models.CharField(max_length=40, primary_key=True)
    process = models.CharField(max_length=100)
    generation = models.BigIntegerField()
    in_hand = models.IntegerField(default=0)
    versions = models.JSONField(default=dict)
    seen_at = models.DateTimeField()
