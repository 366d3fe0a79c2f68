"""Mail that went into files instead of out into the world, read back."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Final

from django.core.mail import get_connection
from django.core.mail.backends.filebased import EmailBackend

_BETWEEN: Final = b"-" * 79


def subjects() -> dict[str, str] | None:
    """Return the subject of every mail in the outbox by its Message-ID; None if it is no folder."""
    backend = get_connection()
    if not isinstance(backend, EmailBackend):
        return None
    found: dict[str, str] = {}
    for path in sorted(Path(str(backend.file_path)).glob("*.log")):
        for raw in path.read_bytes().split(b"\n" + _BETWEEN):
            mail = message_from_bytes(raw.lstrip(b"\n"), policy=default)
            if mail["Message-ID"]:
                found[str(mail["Message-ID"]).strip()] = str(mail["Subject"])
    return found
