"""How plugins have been doing: what failed too often, and what their calls took."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

ILL = Q(is_open=True) | ~Q(quarantined_at=None)
"""What rests, or is in quarantine."""


class PluginHealth(models.Model):
    """What all processes know of one kind of a plugin's offers, and of one account if it has one.

    No tenant: whoever shares the code and the account shares its failures. Due times are the
    database's clock. `opened_at` is the last time that it began to rest, `opened_before_at` the
    time before; `ticket` counts what one process alone may do: a probe.
    """

    plugin = models.CharField(max_length=100)
    kind = models.CharField(max_length=20)
    account = models.CharField(max_length=200, default="")
    version = models.CharField(max_length=40)
    is_open = models.BooleanField(default=False)
    wait = models.FloatField(default=0.0)
    due_at = models.DateTimeField(null=True)
    ticket = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    opened_before_at = models.DateTimeField(null=True)
    quarantined_at = models.DateTimeField(null=True)
    cause = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["plugin", "kind", "account"], name="plugin_health_once"
            ),
        ]


class PluginCalls(models.Model):
    """How often, on one day, calls of one implementation took about so long.

    No tenant: it is the code that is slow. `bucket` n means less than 2ⁿ microseconds, and not less
    than half of that. `offer` is a code, a rule's key or a namespace. Rows without a plugin are the
    shop's own: what checkouts took in all.
    """

    day = models.DateField()
    plugin = models.CharField(max_length=100)
    version = models.CharField(max_length=40)
    hook = models.CharField(max_length=60)
    offer = models.CharField(max_length=60)
    bucket = models.SmallIntegerField()
    calls = models.BigIntegerField()
    failures = models.BigIntegerField()
    seconds = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "plugin", "version", "hook", "offer", "bucket"],
                name="plugin_calls_once",
            ),
        ]
