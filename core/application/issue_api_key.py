"""Issue a key to a program, shown once and stored as a digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.context import tenant
from core.domain.errors import InvalidInput
from core.infrastructure.tokens import digest_of, new_api_key
from core.models import ApiKey

__all__ = ["IssueApiKey", "IssuedKey", "issue_api_key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueApiKey:
    """Whom the key is for and what it may do; without ``expires_at`` it is valid until revoked."""

    label: str
    scopes: frozenset[str]
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A new key: its id, and the secret that nobody can read again."""

    key_id: UUID
    secret: str


def issue_api_key(command: IssueApiKey, *, now: datetime) -> IssuedKey:
    """Issue a key for the tenant at hand.

    Raises:
        InvalidInput: it has no label or no scope, or has expired already.
    """
    if not command.label.strip() or len(command.label) > 200 or not command.label.isprintable():
        raise InvalidInput("A key needs a label of 1 to 200 printable characters.", field="label")
    if not command.scopes:
        raise InvalidInput("A key without a scope opens nothing.", field="scopes")
    if command.expires_at is not None and command.expires_at <= now:
        raise InvalidInput("A key can't expire in the past.", field="expires_at")
    secret = new_api_key()
    key = ApiKey(
        tenant_id=tenant().id,
        label=command.label,
        digest=digest_of(secret),
        scopes=sorted(command.scopes),
        created_at=now,
        expires_at=command.expires_at,
    )
    key.save(force_insert=True)
    return IssuedKey(key_id=key.id, secret=secret)
