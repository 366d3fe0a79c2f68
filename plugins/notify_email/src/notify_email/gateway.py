"""The wire: one mail handed to Django's backend, and every way it can end put into our words."""

from __future__ import annotations

import logging
import smtplib
from typing import Any

from django.core.mail import EmailMultiAlternatives, get_connection

from hookspecs import Accepted, Call, Delivered, NotSent, Undeliverable, Unknown

logger = logging.getLogger(__name__)

_FAREWELL = 1.0  # seconds that a server gets to say goodbye


def send(letter: EmailMultiAlternatives, call: Call) -> Delivered:
    """Send one mail within the time that is left.

    Whatever fails before the connection stands (refused, no such host, TLS, login) is *not sent*:
    there is no other way, and none in plain text. From then on only the server's own refusal is
    certain; silence is *unknown*.
    """
    connection = get_connection(fail_silently=False, timeout=call.seconds_left())
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        _close(connection)
        return NotSent(cause=f"no connection: {_said(error)}")
    try:
        if not call.seconds_left():
            return NotSent(cause="the deadline passed while connecting")
        _bound(connection, call.seconds_left())
        return _hand_over(connection, letter)
    finally:
        _close(connection)


def _hand_over(connection: Any, letter: EmailMultiAlternatives) -> Delivered:
    try:
        count = connection.send_messages([letter])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()), (550, b""))
        return _refused(code, text, "recipient refused")
    except smtplib.SMTPSenderRefused as error:
        return NotSent(cause=_line("sender refused", error.smtp_code, error.smtp_error))
    except smtplib.SMTPDataError as error:
        return _refused(error.smtp_code, error.smtp_error, "message refused")
    except (OSError, smtplib.SMTPException) as error:
        return Unknown(cause=f"the connection ended before an answer: {_said(error)}")
    if not count:
        return Unknown(cause="the mail backend says that it sent nothing")
    return Accepted(reference=str(letter.extra_headers["Message-ID"]))


def _refused(code: int, text: bytes | str, what: str) -> Delivered:
    if code >= 500:
        return Undeliverable(cause=_line(what, code, text))
    return NotSent(cause=_line(what, code, text))


def _bound(connection: Any, seconds: float) -> None:
    """The socket kept the time-out it was opened with; what is left now is less."""
    socket = getattr(getattr(connection, "connection", None), "sock", None)
    if socket is not None:
        socket.settimeout(seconds)


def _close(connection: Any) -> None:
    """A mail that was accepted stays accepted if the farewell fails, or takes too long."""
    _bound(connection, _FAREWELL)
    try:
        connection.close()
    except (OSError, smtplib.SMTPException) as error:
        logger.info("notify_email.close.failed", extra={"cause": _said(error)})


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _line(what: str, code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{what}: {code} {' '.join(words.split())}"[:300]
