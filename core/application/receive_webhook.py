"""Store a webhook raw, before anything is made of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from core.conf import conf
from core.context import tenant
from core.domain.errors import InboxFull, NotFound
from core.domain.lifecycle import InboxStatus
from core.infrastructure.crashpoints import crashpoint
from core.models import InboxEntry, WebhookEndpoint

UNVERIFIED_LIMIT: Final = 10_000
"""How many webhooks that nobody has verified are kept for an endpoint."""

_UNVERIFIED: Final = (InboxStatus.STORED, InboxStatus.UNTRUSTED)


def receive_webhook(
    *, plugin: str, endpoint_id: str, body: bytes, headers: Mapping[str, str], now: datetime
) -> UUID:
    """Store what came in and return its id; it is verified and applied later.

    Raises:
        NotFound: no such endpoint, or not this plugin's.
        InboxFull: too many that nobody has verified wait here; those that are too old made room.
    """
    endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id, plugin=plugin).first()
    if endpoint is None:
        raise NotFound("There is no such endpoint.")
    _make_room(endpoint, now=now)
    entry = InboxEntry(
        tenant_id=endpoint.tenant_id,
        endpoint_id=endpoint.id,
        plugin=plugin,
        body=body,
        headers={name.lower(): value for name, value in headers.items()},
        received_at=now,
        due_at=Now(),
    )
    with transaction.atomic(durable=True):
        entry.save(force_insert=True)
    crashpoint("inbox.stored")
    return entry.id


def _make_room(endpoint: WebhookEndpoint, *, now: datetime) -> None:
    unverified = InboxEntry.objects.filter(endpoint_id=endpoint.id, status__in=_UNVERIFIED)
    last = unverified.order_by()[UNVERIFIED_LIMIT - 1 : UNVERIFIED_LIMIT]
    if not last.exists():
        return
    old = unverified.filter(received_at__lt=now - timedelta(seconds=conf().inbox_kept))
    if not old.delete()[0]:
        raise InboxFull("Too many webhooks wait here already.")


def webhook_endpoint(*, plugin: str, now: datetime) -> str:
    """Return the opaque id of this tenant's endpoint for a plugin, made on first use."""
    known = WebhookEndpoint.objects.filter(plugin=plugin).first()
    if known is not None:
        return known.id
    endpoint = WebhookEndpoint(
        id=secrets.token_urlsafe(16), tenant_id=tenant().id, plugin=plugin, created_at=now
    )
    try:
        with transaction.atomic():
            endpoint.save(force_insert=True)
    except IntegrityError:
        return WebhookEndpoint.objects.get(plugin=plugin).id
    return endpoint.id


def webhook_url(*, plugin: str, now: datetime) -> str:
    """Return the address that a provider is told."""
    endpoint = webhook_endpoint(plugin=plugin, now=now)
    return f"{conf().public_url.rstrip('/')}/webhooks/{plugin}/{endpoint}"
