"""Tokens that open one order, and keys that open the API: shown once, stored as digests."""

from __future__ import annotations

import base64
import hashlib
import secrets
from uuid import UUID

from django.utils.crypto import constant_time_compare, salted_hmac

_ORDER_SALT = "orderloom.order"


def order_token(order_id: UUID) -> str:
    """Return the 128-bit token of an order.

    It is derived from SECRET_KEY, so that a repeated request can be answered with the same one;
    its digest is stored, so that it outlives a change of SECRET_KEY.
    """
    digest = salted_hmac(_ORDER_SALT, order_id.hex, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def new_api_key() -> str:
    """Return a key of 256 random bits for a program."""
    return f"ol_{secrets.token_urlsafe(32)}"


def digest_of(token: str) -> str:
    """Return what is stored of a token: its SHA-256, as hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def opens(token: str, digest: str) -> bool:
    """Say whether a token is the one that was stored, in constant time."""
    return constant_time_compare(digest_of(token), digest)
