"""Codes of cards: made up, read as people write them, and digested."""

from __future__ import annotations

import hashlib
import re
import secrets

_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 16
CODE = rf"^[{_SIGNS}]{{4}}(-[{_SIGNS}]{{4}}){{3}}$"
_ALIKE = str.maketrans("OIL", "011")


def new_code() -> str:
    """Return 80 random bits in groups of four, without signs that look alike."""
    signs = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
    return "-".join(signs[at : at + 4] for at in range(0, _LENGTH, 4))


def digest_of(code: str) -> str:
    """Return what is stored of a code; the same however somebody wrote it."""
    plain = re.sub(r"[^0-9A-Z]", "", code.upper()).translate(_ALIKE)
    return hashlib.sha256(plain.encode()).hexdigest()
