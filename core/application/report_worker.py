"""What a worker reports of itself: the oldest generation that its work in hand began with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Q
from django.db.models.functions import Now

from core.application.pin_registry import in_hand
from core.conf import conf
from core.models import PluginWorker

__all__ = ["IDLE_SECONDS", "Worker", "lagging_workers", "report_worker", "running_versions"]

IDLE_SECONDS: Final = 20.0
"""How often a worker without work in hand says that it is still there."""

_SILENT: Final = 3
"""So many reports must be missing before a worker counts as gone."""
_FORGOTTEN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process: an id that no other has, and how people would call it."""

    id: str
    process: str
    versions: Mapping[str, str]


def report_worker(worker: Worker, *, generation: int) -> int:
    """Write down what this process has in hand; return how much that is.

    `generation` is what it would begin with now: what it says of itself with nothing in hand.
    """
    held = in_hand()
    oldest = generation if held.oldest is None else held.oldest
    told = {"generation": oldest, "in_hand": held.count, "seen_at": Now()}
    if not PluginWorker.objects.filter(pk=worker.id).update(**told):
        PluginWorker.objects.filter(seen_at__lt=Now() - _FORGOTTEN).delete()
        PluginWorker.objects.create(
            pk=worker.id, process=worker.process, versions=dict(worker.versions), **told
        )
    return held.count


def lagging_workers(*, generation: int) -> tuple[str, ...]:
    """Name the processes whose work in hand began before a generation, those gone silent apart."""
    alive = Q(seen_at__gte=Now() - timedelta(seconds=_SILENT * max(conf().worker_report, 1.0)))
    rows = PluginWorker.objects.filter(alive, in_hand__gt=0, generation__lt=generation)
    return tuple(rows.order_by("process").values_list("process", flat=True))


def running_versions() -> Mapping[str, frozenset[str]]:
    """Return, by plugin, the versions that live workers run: new code needs a restart."""
    alive = PluginWorker.objects.filter(
        seen_at__gte=Now() - timedelta(seconds=_SILENT * IDLE_SECONDS)
    )
    found: dict[str, frozenset[str]] = {}
    for versions in alive.values_list("versions", flat=True):
        for plugin, version in versions.items():
            found[plugin] = found.get(plugin, frozenset()) | {version}
    return found
