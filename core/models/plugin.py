"""What the database remembers of plugins, whether their code is there or not."""

from __future__ import annotations

from django.db import models


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
