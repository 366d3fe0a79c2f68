"""Secrets at rest: what a customer typed that only a gateway may read."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def seal(text: str) -> str:
    """Encrypt a secret for storing."""
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Read a stored secret, with any key that is still listed."""
    return _box().decrypt(sealed.encode()).decode()


def _box() -> MultiFernet:
    """The first of ORDERLOOM_SECRETS_KEY writes, all read; without one, SECRET_KEY serves."""
    keys = settings.ORDERLOOM_SECRETS_KEY or [settings.SECRET_KEY]
    return MultiFernet([Fernet(_stretched(key)) for key in keys])


def _stretched(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"orderloom.seal" + key.encode()).digest())
