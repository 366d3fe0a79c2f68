"""The contract suite over e-mail, with a server that really listens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from typing import Any

import pytest

from core.testing.notification_adapter import Arrived
from core.testing.notification_contract import NotificationContract
from core.testing.post_office import Postman, serving
from hookspecs import NotificationChannel
from notify_email.plugin import notification_channels
from notify_email.settings import Settings

pytestmark = pytest.mark.once


class TestEmail(NotificationContract):
    plugin = "notify-email"

    @pytest.fixture
    def channel(self, settings: Any) -> Iterator[NotificationChannel]:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        self.settings, self.postman = settings, Postman()
        (only,) = notification_channels(Settings(domain="shop.example"))
        with serving(self.postman) as settings.EMAIL_PORT:
            yield only

    def arrived(self) -> Sequence[Arrived]:
        return [
            Arrived(key=letter.mail["Message-ID"], to=to, text=text(letter.mail))
            for letter in self.postman.letters
            for to in letter.recipients
        ]

    def lose_next_answer(self) -> None:
        self.postman.silent = True

    def find_answers_again(self) -> None:
        self.postman.silent = False

    def shut(self) -> None:
        self.port, self.settings.EMAIL_PORT = self.settings.EMAIL_PORT, 9

    def open(self) -> None:
        self.settings.EMAIL_PORT = self.port


def text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part else ""  # Django leaves an empty part out
