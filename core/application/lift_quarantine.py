"""Lift the quarantine of a plugin: a person has looked, and every process begins to count anew."""

from __future__ import annotations

from datetime import datetime

from core.application.moving_generation import move_generation
from core.models import PluginChange, PluginHealth
from core.models.health import ILL

__all__ = ["lift_quarantine"]


def lift_quarantine(plugin: str, *, who: str, reason: str = "", now: datetime) -> int | None:
    """Forget what failed too often, with who and why; return the new generation if there was anything.

    Called in the transaction in which a person switches the plugin on: whoever wants it in use says
    so with one word, whatever kept it out.
    """
    if not PluginHealth.objects.filter(ILL, plugin=plugin).exists():
        return None
    PluginHealth.objects.filter(plugin=plugin).delete()
    generation = move_generation()
    PluginChange.objects.create(
        plugin=plugin, who=who, reason=reason, kind="LIFTED", generation=generation, at=now
    )
    return generation
