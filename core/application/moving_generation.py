"""The number that counts changes of switches and settings, moved in the transaction of each."""

from __future__ import annotations

from django.db.models import F

from core.models.plugin import PluginGeneration

__all__ = ["hold_generation", "move_generation"]

_ONLY = 1


def hold_generation() -> int:
    """Lock the generation, so that changes follow one another, and return it."""
    PluginGeneration.objects.get_or_create(pk=_ONLY)
    return PluginGeneration.objects.select_for_update().get(pk=_ONLY).generation


def move_generation() -> int:
    """Move the generation on, within the transaction that changes something; return it."""
    if not PluginGeneration.objects.filter(pk=_ONLY).update(generation=F("generation") + 1):
        PluginGeneration.objects.create(pk=_ONLY, generation=1)
    return PluginGeneration.objects.get(pk=_ONLY).generation
