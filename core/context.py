"""Whose shop and which request this is: two context variables, set by the doors, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRef:
    """A tenant's key and public name, known without a row in hand."""

    id: int
    slug: str


DEFAULT_TENANT = TenantRef(id=1, slug="default")
"""The one that a single shop never hears of; its row is made by the first migration."""

_tenant: ContextVar[TenantRef | None] = ContextVar("orderloom_tenant", default=None)
_request_id: ContextVar[str] = ContextVar("orderloom_request_id", default="")


def tenant_or_none() -> TenantRef | None:
    """Return the tenant in whose name we work, or None where no door has set one."""
    return _tenant.get()


def tenant() -> TenantRef:
    """Return the tenant in whose name we work.

    Raises:
        LookupError: no door has set one.
    """
    found = _tenant.get()
    if found is None:
        raise LookupError("no tenant is set: a door has to say whose shop this is")
    return found


def request_id() -> str:
    """Return the id under which this request or job is logged, empty outside of one."""
    return _request_id.get()


@contextmanager
def acting_for(ref: TenantRef, *, request_id: str = "") -> Iterator[TenantRef]:
    """Work in the name of a tenant until the block ends."""
    tenant_token = _tenant.set(ref)
    request_token = _request_id.set(request_id or _request_id.get())
    try:
        yield ref
    finally:
        _request_id.reset(request_token)
        _tenant.reset(tenant_token)
