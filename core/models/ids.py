"""Public ids: random, unguessable where it matters, and sorted by time where rows are many."""

from __future__ import annotations

import secrets
import uuid

from uuid_utils.compat import uuid7

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> uuid.UUID:
    """Return a uuid7: random, but later ones sort behind earlier ones."""
    return uuid7()


def new_number() -> str:
    """Return an order number people can read out: ten letters and digits, not counted up.

    Fifty random bits in Crockford's base 32, so that the number tells nothing of how many
    orders there are; the database has the last word on its being unique.
    """
    bits = secrets.randbits(50)
    text = "".join(_ALPHABET[(bits >> shift) & 31] for shift in range(45, -1, -5))
    return f"{text[:5]}-{text[5:]}"
