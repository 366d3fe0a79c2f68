"""Verify, read and apply stored webhooks; what can't be read now is kept and tried again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from core.application.apply_notice import apply_notice, find_payment
from core.conf import conf
from core.domain.errors import OrderloomError, PluginUnavailable
from core.domain.lifecycle import InboxStatus
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.infrastructure.crashpoints import crashpoint
from core.models import InboxEntry
from hookspecs import Call, Notice, Unknown, Untrusted, Webhook

log = structlog.get_logger(__name__)


def drain_inbox(
    *, plugins: Registry, now: datetime, limit: int = 50, entry_id: UUID | None = None
) -> int:
    """Work off what is due, all of it or one entry; return how many were settled."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    due = InboxEntry.objects.filter(free, status=InboxStatus.STORED, due_at__lte=Now())
    if entry_id is not None:
        due = due.filter(pk=entry_id)
    settled = 0
    for entry in list(due.order_by("due_at", "id")[:limit]):
        if _claim(entry):
            crashpoint("inbox.claimed")
            settled += _settle(entry, plugins=plugins, now=now)
    return settled


def _claim(entry: InboxEntry) -> bool:
    claimed = InboxEntry.objects.filter(
        pk=entry.pk, fence=entry.fence, status=InboxStatus.STORED
    ).update(
        fence=F("fence") + 1,
        attempt=F("attempt") + 1,
        lease_until=Now() + timedelta(seconds=conf().deadline("READ") + conf().lease),
    )
    entry.fence += 1
    return bool(claimed)


def _settle(entry: InboxEntry, *, plugins: Registry, now: datetime) -> bool:
    """Read and apply one webhook; return False where it has to be tried again."""
    try:
        strategies = plugins.reading_webhooks(entry.plugin)
    except PluginUnavailable as gone:
        return _later(entry, gone.text)
    webhook = Webhook(body=bytes(entry.body), headers=entry.headers, received_at=entry.received_at)
    cause = "no strategy of this plugin reads webhooks"
    for strategy in strategies:
        call = Call(deadline=time.monotonic() + conf().deadline("READ"))
        answer = strategy.read_webhook(webhook, call)
        if isinstance(answer, Unknown):
            return _later(entry, answer.cause)
        if isinstance(answer, Untrusted):
            cause = answer.cause
            continue
        return _apply(entry, answer, strategy, plugins=plugins, now=now)
    log.warning("webhook.untrusted", plugin=entry.plugin, entry=str(entry.pk), cause=cause)
    return _done(entry, InboxStatus.UNTRUSTED, cause)


def _apply(
    entry: InboxEntry,
    notices: Sequence[Notice],
    strategy: OfferedStrategy,
    *,
    plugins: Registry,
    now: datetime,
) -> bool:
    waits = ""
    for notice in notices:
        payment = find_payment(notice, strategy)
        if payment is None:
            waits = f"no payment for {notice.event_id}"
            continue
        try:
            why_not = apply_notice(notice, payment, source="WEBHOOK", plugins=plugins, now=now)
        except OrderloomError as refused:
            return _later(entry, refused.text)
        waits = f"{notice.event_id}: {why_not}" if why_not else waits
    crashpoint("inbox.applied")
    if waits:
        # It may be early: a payment is committed before the wire, its reference afterwards; and
        # a gateway's look-ups may lag behind its webhooks.
        if entry.attempt + 1 < len(conf().look_ups):
            return _later(entry, waits)
        return _done(entry, InboxStatus.UNMATCHED, waits)
    return _done(entry, InboxStatus.APPLIED, "")


def _later(entry: InboxEntry, cause: str) -> bool:
    table = conf().look_ups
    wait = timedelta(seconds=table[min(entry.attempt, len(table) - 1)])
    _mine(entry).update(lease_until=None, due_at=Now() + wait, cause=cause)
    return False


def _done(entry: InboxEntry, status: InboxStatus, cause: str) -> bool:
    return bool(_mine(entry).update(status=status, lease_until=None, cause=cause))


def _mine(entry: InboxEntry) -> QuerySet[InboxEntry]:
    return InboxEntry.objects.filter(pk=entry.pk, fence=entry.fence)
