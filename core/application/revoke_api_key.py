"""Revoke a program's key."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.domain.errors import NotFound, WrongState
from core.models import ApiKey

__all__ = ["revoke_api_key"]


def revoke_api_key(key_id: UUID, *, now: datetime) -> None:
    """Let a key open nothing from now on; its row stays.

    Raises:
        NotFound: the tenant at hand has no such key.
        WrongState: it is revoked already.
    """
    keys = ApiKey.objects.filter(pk=key_id)
    if keys.filter(revoked_at__isnull=True).update(revoked_at=now):
        return
    if keys.exists():
        raise WrongState("This key is revoked already.", status="REVOKED", wanted="REVOKED")
    raise NotFound("There is no such key.")
