"""How a mail is written: its headers, its text, and the dress around the text."""

from __future__ import annotations

import hashlib
import re
from email.utils import formataddr, parseaddr
from functools import cache
from pathlib import Path

from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template import Context, Engine

from hookspecs import Message
from notify_email.settings import Settings

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


class UnsafeMessageError(ValueError):
    """A mail that may not be written: no address, or a header with a line break in it."""


def write_letter(message: Message, settings: Settings) -> EmailMultiAlternatives:
    """Return the mail for a message, text and HTML.

    Raises:
        UnsafeMessageError: the address isn't one, or a control character is in a header.

    """
    sender = settings.sender or django_settings.DEFAULT_FROM_EMAIL
    letter = EmailMultiAlternatives(
        subject=_header("subject", message.subject),
        body=message.text,
        from_email=sender,
        to=[_address(message)],
        reply_to=[settings.reply_to] if settings.reply_to else None,
        headers={
            "Message-ID": message_id(message, sender=sender, settings=settings),
            "X-Idempotency-Key": _header("message id", message.id),
            "Auto-Submitted": "auto-generated",
        },
    )
    letter.attach_alternative(_dress(message, settings), "text/html")
    try:
        letter.message()
    except ValueError as error:
        raise UnsafeMessageError(f"the mail can't be written: {error}") from error
    return letter


def message_id(message: Message, *, sender: str, settings: Settings) -> str:
    """Return the Message-ID: always the same for the same message, whoever sends it again."""
    domain = settings.domain or parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    left = message.id
    if len(left) > 100 or not _PLAIN_ID.fullmatch(left):
        left = hashlib.sha256(left.encode()).hexdigest()[:32]
    return f"<{left}@{domain}>"


def _address(message: Message) -> str:
    name = _header("name", message.to.name)
    try:
        validate_email(message.to.address)
    except ValidationError as error:
        raise UnsafeMessageError("the recipient's address is no e-mail address") from error
    return formataddr((name, message.to.address)) if name else message.to.address


def _header(what: str, text: str) -> str:
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise UnsafeMessageError(f"the {what} holds a line break or another control character")
    return text


def _dress(message: Message, settings: Settings) -> str:
    page = _engine().get_template("letter.html")
    return page.render(Context({"message": message, "settings": settings}))


@cache
def _engine() -> Engine:
    return Engine(dirs=[str(Path(__file__).parent / "templates")], autoescape=True)
