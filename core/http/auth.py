"""Who knocks, and what they may do: API keys with scopes, staff in a session, holders of a link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from ninja.utils import check_csrf

from core.application.queries import order_by_token
from core.domain.errors import NotAllowed, NotFound
from core.hooks.registry import Registry
from core.http.errors import Unauthenticated
from core.infrastructure.tokens import digest_of
from core.models import ApiKey
from hookspecs import Shop

SCOPES: Final[Mapping[str, str]] = {
    "orders:read": "orderloom.view_order",
    "orders:write": "orderloom.change_order",
    "orders:terms": "orderloom.add_order",
    "payments:capture": "orderloom.add_payment",
    "payments:void": "orderloom.delete_payment",
    "payments:refund": "orderloom.change_payment",
    "products:write": "orderloom.add_product",
    "coupons:write": "orderloom.add_coupon",
    "stock:write": "orderloom.change_stock",
}
"""What a key may do, and the Django permission that lets a member of the staff do the same."""

GUEST: Final = "guest"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: ``principal`` is whom an idempotency key belongs to."""

    principal: str = GUEST
    scopes: frozenset[str] = frozenset()
    order_id: UUID | None = field(default=None)

    def may(self, scope: str) -> bool:
        """Say whether the caller has a scope."""
        return scope in self.scopes


class DoorRequest(HttpRequest):
    """A request as the middleware hands it on: with the plugins and the shop bound to it."""

    registry: Registry
    shop: Shop
    now: datetime
    auth: Caller


class Policy:
    """What an endpoint asks of its caller; each endpoint has exactly one."""

    schemes: tuple[str, ...] = ()

    def __call__(self, request: DoorRequest) -> Caller:
        """Return the caller.

        Raises:
            Unauthenticated: there is no valid key where one is needed.
            NotAllowed: the key, or the person, lacks the scope.
            NotFound: the order isn't the caller's to see.
        """
        raise NotImplementedError


class Anyone(Policy):
    """Open to everybody; a key or a session still says who it is."""

    schemes = ("none", "key")

    def __call__(self, request: DoorRequest) -> Caller:
        """Return whoever it is."""
        return _identify(request)


class Key(Policy):
    """Open to keys and staff with one scope."""

    schemes = ("key",)

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def __call__(self, request: DoorRequest) -> Caller:
        """Return the caller, who has the scope."""
        caller = _identify(request)
        _require(caller, self.scope)
        return caller


class OrderHolder(Policy):
    """Open to whoever holds the order's token, and to keys and staff with a scope."""

    schemes = ("token", "key")

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def __call__(self, request: DoorRequest) -> Caller:
        """Return the caller, with the order's id; whose token is wrong learns nothing."""
        named = str(request.resolver_match.kwargs["order_id"]) if request.resolver_match else ""
        token = request.headers.get("X-Order-Token") or request.GET.get("token", "")
        if token:
            order_id = order_by_token(named, token, now=timezone.now())
            return Caller(principal=f"order:{order_id}", order_id=order_id)
        caller = _identify(request)
        if caller.principal == GUEST:
            raise NotFound("There is no such order, or none that you may see.")
        _require(caller, self.scope)
        return Caller(principal=caller.principal, scopes=caller.scopes, order_id=read_id(named))


def read_id(text: str) -> UUID:
    """Read a public id.

    Raises:
        NotFound: it is none, so nothing can have it.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such thing, or none that you may see.") from None


def _require(caller: Caller, scope: str) -> None:
    if caller.principal == GUEST:
        raise Unauthenticated
    if not caller.may(scope):
        raise NotAllowed(f"This needs the scope {scope}.", scope=scope)


def _identify(request: DoorRequest) -> Caller:
    given = request.headers.get("Authorization", "")
    if given:
        return _by_key(given)
    if request.COOKIES:
        user = getattr(request, "user", AnonymousUser())
        if user.is_authenticated and user.is_active and user.is_staff:
            return _staff(request, user)
    return Caller()


def _by_key(given: str) -> Caller:
    scheme, _, secret = given.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated
    key = ApiKey.objects.filter(digest=digest_of(secret.strip()), revoked_at__isnull=True).first()
    if key is None or (key.expires_at is not None and key.expires_at <= timezone.now()):
        raise Unauthenticated
    return Caller(principal=f"key:{key.id}", scopes=frozenset(key.scopes))


def _staff(request: DoorRequest, user: Any) -> Caller:
    """A browser sends its session along unasked: what changes something needs Django's token."""
    if request.method not in _SAFE and check_csrf(request) is not None:
        raise NotAllowed("The CSRF token is missing or wrong.")
    held = user.get_all_permissions()
    scopes = frozenset(scope for scope, permission in SCOPES.items() if permission in held)
    return Caller(principal=f"staff:{user.pk}", scopes=scopes)
