"""What is offered: one channel."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import NotificationChannel, hookimpl
from notify_email.channel import Email
from notify_email.settings import Settings


@hookimpl
def notification_channels(settings: Settings) -> Iterable[NotificationChannel]:
    """Offer e-mail."""
    return [Email(settings)]
