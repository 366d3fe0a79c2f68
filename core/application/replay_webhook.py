"""Read a stored webhook once more, as if it had just come in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from core.application.drain_inbox import drain_inbox
from core.domain.errors import NotFound
from core.domain.lifecycle import InboxStatus
from core.hooks.registry import Registry
from core.models import InboxEntry


def replay_webhook(entry_id: UUID, *, plugins: Registry, now: datetime) -> InboxEntry:
    """Verify and apply a stored webhook again; what was applied before changes nothing.

    Its signature is judged by when it came in, so that it stays as good as it was.

    Raises:
        NotFound: nothing was stored under this id.
    """
    again = InboxEntry.objects.filter(pk=entry_id).update(
        status=InboxStatus.STORED,
        attempt=0,
        fence=F("fence") + 1,
        lease_until=None,
        due_at=Now(),
        cause="",
    )
    if not again:
        raise NotFound("Nothing was stored under this id.")
    drain_inbox(plugins=plugins, now=now, entry_id=entry_id)
    return InboxEntry.objects.defer("body").get(pk=entry_id)
