"""What is offered: one channel."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import NotificationChannel, hookimpl
from notify_maildir.channel import Maildir
from notify_maildir.settings import Settings


@hookimpl
def notification_channels(settings: Settings) -> Iterable[NotificationChannel]:
    """Offer a maildir."""
    return [Maildir(settings)]
