"""Read what calls of plugins took: how often, how long, how many failed, what part of checkouts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Sum

from core.hooks.tally import CHECKOUT, seconds_within
from core.models import PluginCalls

__all__ = ["CallFigures", "read_plugin_calls"]

_IN_CHECKOUT: Final = frozenset({"propose", "rates", "prepare", "start", "resume"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """What calls of one implementation took over some days; durations in seconds.

    `offer` is a code, a rule's key or a namespace; `p50` and `p95` are read off a histogram whose
    steps double, so that they are right to within a third or so. `share` is the part that it had of
    all checkouts' time, None for what no customer waits for.
    """

    plugin: str
    version: str
    hook: str
    offer: str
    calls: int
    failures: int
    p50: float
    p95: float
    seconds: float
    share: float | None


def read_plugin_calls(
    *, now: datetime, plugin: str | None = None, days: int = 7
) -> tuple[CallFigures, ...]:
    """Return the figures of the last days, today included, the most expensive first."""
    rows = PluginCalls.objects.filter(day__gt=(now - timedelta(days=days)).date())
    checkouts = rows.filter(plugin="", hook=CHECKOUT.hook).aggregate(all=Sum("seconds"))["all"]
    wanted = rows.exclude(plugin="") if plugin is None else rows.filter(plugin=plugin)
    keys = ("plugin", "version", "hook", "offer")
    summed = wanted.values_list(*keys, "bucket").annotate(
        Sum("calls"), Sum("failures"), Sum("seconds")
    )
    found: dict[tuple[str, ...], dict[int, tuple[int, int, float]]] = defaultdict(dict)
    for *key, bucket, calls, failures, seconds in summed:
        found[tuple(key)][bucket] = (calls, failures, seconds)
    figures = [_figures(key, buckets, checkouts or 0.0) for key, buckets in found.items()]
    return tuple(sorted(figures, key=lambda one: (-one.seconds, one.plugin, one.hook, one.offer)))


def _figures(
    key: tuple[str, ...], buckets: Mapping[int, tuple[int, int, float]], checkouts: float
) -> CallFigures:
    plugin, version, hook, offer = key
    seconds = sum(each[2] for each in buckets.values())
    share = min(seconds / checkouts, 1.0) if checkouts and hook in _IN_CHECKOUT else None
    counts = {bucket: each[0] for bucket, each in buckets.items()}
    return CallFigures(
        plugin=plugin,
        version=version,
        hook=hook,
        offer=offer,
        calls=sum(counts.values()),
        failures=sum(each[1] for each in buckets.values()),
        p50=_quantile(counts, 0.5),
        p95=_quantile(counts, 0.95),
        seconds=seconds,
        share=share,
    )


def _quantile(counts: Mapping[int, int], part: float) -> float:
    """Within its bucket a call lies where its rank says, evenly."""
    left = part * sum(counts.values())
    for bucket in sorted(counts):
        if left <= counts[bucket]:
            least, most = seconds_within(bucket)
            return least + (most - least) * left / counts[bucket]
        left -= counts[bucket]
    return 0.0
