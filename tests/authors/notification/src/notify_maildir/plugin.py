"""What is offered: one channel."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import NotificationChannel, hookimpl
from notify_maildir.channel import Channel
from notify_maildir.settings import Settings


@hookimpl
def notification_channels(settings: Settings) -> Iterable[NotificationChannel]:
    """Offer it; asked once per set of settings."""
    return [Channel(settings)]
