"""The contract suite over the channel; the folder is the other side."""

from __future__ import annotations

import email
from collections.abc import Sequence
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from notify_maildir.plugin import notification_channels
from notify_maildir.settings import Settings

from core.testing.notification_adapter import Arrived
from core.testing.notification_contract import NotificationContract
from hookspecs import NotificationChannel


class TestContract(NotificationContract):
    plugin = "notify-maildir"

    @pytest.fixture
    def channel(self, tmp_path: Path) -> NotificationChannel:
        self.folder = tmp_path / "mail"
        (only,) = notification_channels(Settings(folder=str(self.folder)))
        return only

    def arrived(self) -> Sequence[Arrived]:
        return [
            Arrived(key=path.name, to=letter["To"], text=text(letter))
            for path in sorted(self.folder.glob("new/*"), key=lambda path: path.stat().st_mtime_ns)
            for letter in [email.message_from_bytes(path.read_bytes(), policy=policy.default)]
        ]

    def shut(self) -> None:
        self.folder.write_text("a file is in the way")

    def open(self) -> None:
        self.folder.unlink()


def text(letter: EmailMessage) -> str:
    return str(letter.get_content())
