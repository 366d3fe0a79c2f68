"""An SMTP server for tests that really listens, keeps what it is given, and can behave badly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final

from aiosmtpd.controller import Controller

__all__ = ["Letter", "Postman", "serving"]

_PATIENCE: Final = 30.0
_STEP: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail as it came in: whom the sender named on the wire, and what was in it."""

    recipients: tuple[str, ...]
    mail: EmailMessage
    encrypted: bool


class Postman:
    """Keeps what it is given. `rcpt` and `data` are the answers it gives instead of 250.

    It takes `dawdle` seconds to answer a mail that it has kept; while `silent` it gives no answer.
    """

    def __init__(self, *, rcpt: str = "", data: str = "", dawdle: float = 0.0) -> None:
        self.rcpt, self.data, self.dawdle = rcpt, data, dawdle
        self.silent = False
        self.letters: list[Letter] = []
        self.sessions = 0

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails alone."""
        return [letter.mail for letter in self.letters]

    @property
    def encrypted(self) -> list[bool]:
        """Of each mail, whether it came over TLS."""
        return [letter.encrypted for letter in self.letters]

    async def handle_EHLO(  # noqa: N802 - the server calls it by this name, so
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Count who comes."""
        del server, envelope
        session.host_name = hostname
        self.sessions += 1
        return responses

    async def handle_RCPT(  # noqa: N802 - the same
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or refuse one."""
        del server, session, options
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep a mail, and answer in our own time."""
        del server
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.letters.append(
            Letter(
                recipients=tuple(envelope.rcpt_tos), mail=mail, encrypted=session.ssl is not None
            )
        )
        await asyncio.sleep(self.dawdle)
        waited = 0.0
        while self.silent and waited < _PATIENCE:
            await asyncio.sleep(_STEP)
            waited += _STEP
        return self.data or "250 OK"


@contextmanager
def serving(postman: Postman, **options: Any) -> Iterator[int]:
    """Serve on a free port of 127.0.0.1 and yield it; `options` are aiosmtpd's."""
    controller = _FreePort(postman, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield _port(controller.server)
    finally:
        postman.silent = False
        controller.stop()


class _FreePort(Controller):
    """Starts on whichever port is free."""

    def _trigger_server(self) -> None:
        self.port = _port(self.server)
        super()._trigger_server()  # type: ignore[no-untyped-call]


def _port(server: Any) -> int:
    return int(server.sockets[0].getsockname()[1])
