"""The channel: a message becomes a file, once."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

from hookspecs import (
    Accepted,
    Call,
    ChannelInfo,
    Delivered,
    Message,
    NotSent,
    Subscription,
    Undeliverable,
)
from notify_maildir.settings import Settings

_EVENTS = ("order_placed", "order_paid", "order_cancelled")


class Channel:
    """Writes each message into `tmp` and moves it to `new`, as every maildir does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def info(self) -> ChannelInfo:
        """What it is."""
        return ChannelInfo(
            code="maildir",
            label="Maildir",
            address="email",
            subscriptions=tuple(
                Subscription(event=event, audience="customer", template=event) for event in _EVENTS
            ),
        )

    def deliver(self, message: Message, call: Call, /) -> Delivered:
        """Put the message into the folder, unless it is there already."""
        if not call.seconds_left():
            return NotSent(cause="the deadline was past before anything was written")
        folder, name = Path(self._settings.folder), quote(message.id, safe="")
        if not _is_address(message.to.address):
            return Undeliverable(cause="not an address")
        try:
            letter = self._letter(message)
        except ValueError as error:  # a line break in the subject, half a character
            return Undeliverable(cause=f"it can't be written: {type(error).__name__}")
        try:
            for part in ("tmp", "new", "cur"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            if not _is_there(folder, name):
                (folder / "tmp" / name).write_bytes(letter)
                (folder / "tmp" / name).rename(folder / "new" / name)
        except OSError as error:
            return NotSent(cause=f"{type(error).__name__}: {error}")
        return Accepted(reference=name)

    def _letter(self, message: Message) -> bytes:
        letter = EmailMessage()
        letter["From"] = self._settings.sender
        letter["To"] = message.to.address
        letter["Subject"] = message.subject
        letter["Message-ID"] = f"<{message.id}@maildir.invalid>"
        letter.set_content(message.text)
        return letter.as_bytes()


def _is_address(text: str) -> bool:
    """One address, and nothing that a mail program would take for two or for another header."""
    return "@" in text and text.isprintable() and not any(sign in text for sign in ",; ")


def _is_there(folder: Path, name: str) -> bool:
    """Say whether it was delivered before: readers move files to `cur` and add flags."""
    return (folder / "new" / name).exists() or any((folder / "cur").glob(f"{name}*"))
