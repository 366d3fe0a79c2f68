"""Secrets at rest: what a customer typed that only a gateway may read, and what admins configure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

__all__ = ["UnreadableError", "can_keep", "keep", "kept", "seal", "unseal"]


class UnreadableError(ValueError):
    """It was sealed with a key that is no longer listed."""


# For as long as a payment takes: a shop that has set no key of its own can seal these, too.


def seal(text: str) -> str:
    """Encrypt a secret for the time that a command needs it."""
    return _box(_for_a_while()).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Read a stored secret, with any key that is still listed."""
    return _box(_for_a_while()).decrypt(sealed.encode()).decode()


def _for_a_while() -> list[str]:
    """SECRET_KEY comes last: it reads what was sealed before another key was set."""
    return [*settings.ORDERLOOM_SECRETS_KEY, settings.SECRET_KEY]


# For years: settings must outlive a change of SECRET_KEY, so they need the key made for them.


def can_keep() -> bool:
    """Say whether ORDERLOOM_SECRETS_KEY is set: without it no secret of the console is taken."""
    return bool(settings.ORDERLOOM_SECRETS_KEY)


def keep(text: str) -> str:
    """Encrypt a secret setting with the first key of ORDERLOOM_SECRETS_KEY.

    Raises:
        UnreadableError: there is no such key.
    """
    return _box(_kept_by()).encrypt(text.encode()).decode()


def kept(sealed: str) -> str:
    """Read a secret setting with any key of ORDERLOOM_SECRETS_KEY.

    Raises:
        UnreadableError: no key that is listed opens it.
    """
    try:
        return _box(_kept_by()).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise UnreadableError("no key in ORDERLOOM_SECRETS_KEY opens it") from None


def _kept_by() -> list[str]:
    if not can_keep():
        raise UnreadableError("ORDERLOOM_SECRETS_KEY is not set")
    return list(settings.ORDERLOOM_SECRETS_KEY)


def _box(keys: Sequence[str]) -> MultiFernet:
    """The first writes, all read."""
    return MultiFernet([Fernet(_stretched(key)) for key in keys])


def _stretched(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"orderloom.seal" + key.encode()).digest())
