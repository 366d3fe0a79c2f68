"""Take deliveries that are due, and say what became of them: lease, fence, back-off, dead letter."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from core.conf import conf
from core.domain.lifecycle import DeliveryStatus
from core.models import Delivery

__all__ = ["acknowledge", "claim_deliveries", "give_back", "put_off"]

log = structlog.get_logger(__name__)

_CAUSE = 500
_REFERENCE = 200


def claim_deliveries(*, messages: bool, limit: int) -> list[Delivery]:
    """Lease up to `limit` due deliveries of the tenant at hand, each to one relay only.

    Messages go to people and are acknowledged one by one; the others are worked off in batches.
    Times are the database's; each claim raises the fence, so that a relay that comes back late
    acknowledges nothing.
    """
    lease = timedelta(seconds=conf().delivery_lease)
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=Now())
    which = ~Q(channel="") if messages else Q(channel="")
    due = Delivery.objects.filter(free, which, status=DeliveryStatus.PENDING, due_at__lte=Now())
    with transaction.atomic(durable=True):
        claimed = list(due.select_for_update(skip_locked=True).order_by("due_at", "id")[:limit])
        if claimed:
            Delivery.objects.filter(pk__in=[one.pk for one in claimed]).update(
                fence=F("fence") + 1, attempt=F("attempt") + 1, lease_until=Now() + lease
            )
    for one in claimed:
        one.fence += 1
        one.attempt += 1
    return claimed


def acknowledge(done: Iterable[Delivery], *, reference: str | None = None) -> int:
    """Write down that these have arrived; return how many were still ours to say so."""
    by_fence: dict[int, list[Delivery]] = {}
    for one in done:
        by_fence.setdefault(one.fence, []).append(one)
    written = 0
    for fence, ours in by_fence.items():
        rows = Delivery.objects.filter(
            pk__in=[one.pk for one in ours], fence=fence, status=DeliveryStatus.PENDING
        ).update(
            status=DeliveryStatus.DONE,
            done_at=Now(),
            lease_until=None,
            cause="",
            reference=reference[:_REFERENCE] if reference else None,
        )
        written += rows
        if rows < len(ours):
            log.warning("delivery.acknowledgement.refused", count=len(ours) - rows)
    return written


def put_off(
    one: Delivery, cause: str, *, retry_after: timedelta | None = None, for_good: bool = False
) -> bool:
    """Try it again later, by the table of back-offs; return False where it is a dead letter now."""
    table = conf().delivery_retries
    if for_good or one.attempt > len(table):
        _write(one, status=DeliveryStatus.DEAD, cause=cause[:_CAUSE], done_at=Now())
        log.error("delivery.dead", delivery=str(one.pk), plugin=one.plugin, attempt=one.attempt)
        return False
    # Jitter: what failed together shouldn't come back together.
    seconds = table[one.attempt - 1] * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
    wait = max(timedelta(seconds=seconds), retry_after or timedelta(0))
    _write(one, due_at=Now() + wait, cause=cause[:_CAUSE])
    return True


def give_back(one: Delivery, cause: str = "", *, wait: timedelta = timedelta(0)) -> None:
    """Let go of it as if it hadn't been claimed: nobody was told, so it counts as no attempt."""
    _write(one, due_at=Now() + wait, cause=cause[:_CAUSE], attempt=F("attempt") - 1)


def _write(one: Delivery, **values: Any) -> None:
    ours = Delivery.objects.filter(pk=one.pk, fence=one.fence, status=DeliveryStatus.PENDING)
    if not ours.update(lease_until=None, **values):
        log.warning("delivery.acknowledgement.refused", count=1)
