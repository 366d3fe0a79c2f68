"""Forget what nobody needs any more: webhooks dealt with, deliveries done, counts of calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from core.conf import conf
from core.domain.lifecycle import DeliveryStatus, InboxStatus
from core.models import Delivery, InboxEntry
from core.models.health import PluginCalls

__all__ = ["Prune", "Pruned", "prune"]

_BATCH: Final = 500
_SETTLED: Final = (InboxStatus.APPLIED, InboxStatus.UNTRUSTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune:
    """How long deliveries and counts are kept, in days; how many rows of a kind go at most."""

    days: int = 90
    limit: int = 10_000
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many rows were forgotten, or would be."""

    webhooks: int
    deliveries: int
    calls: int


def prune(command: Prune, *, now: datetime) -> Pruned:
    """Forget, for all tenants, in batches that each commit: whoever stops it loses nothing.

    Webhooks go after ORDERLOOM_INBOX_KEPT_SECONDS if they were applied or not trusted; those that
    wait, or that a person has to see, stay. What happened is in facts and journals, which are kept.
    """
    old = now - timedelta(days=command.days)
    webhooks = InboxEntry.objects.across_tenants().filter(
        status__in=_SETTLED, received_at__lt=now - timedelta(seconds=conf().inbox_kept)
    )
    deliveries = Delivery.objects.across_tenants().filter(
        status=DeliveryStatus.DONE, done_at__lt=old
    )
    calls = PluginCalls.objects.filter(day__lt=old.date())
    counted = [sum(_forgotten(rows, command)) for rows in (webhooks, deliveries, calls)]
    return Pruned(webhooks=counted[0], deliveries=counted[1], calls=counted[2])


def _forgotten(rows: QuerySet[Any], command: Prune) -> Iterator[int]:
    if command.dry_run:
        yield rows.order_by()[: command.limit].count()
        return
    left = command.limit
    while left > 0:
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[: min(left, _BATCH)])
        if not ids:
            return
        yield rows.filter(pk__in=ids).delete()[0]
        left -= len(ids)
