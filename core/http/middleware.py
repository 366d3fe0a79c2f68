"""The hall behind every web door: whose shop, which plugins, which request, and what leaves."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from core.application.pin_registry import pin_registry
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.hooks.registry import Registry
from core.http.errors import (
    BODY_TOO_LARGE,
    PROBLEM,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    answer_to,
    problem,
)
from core.http.shop import BoundShop
from core.models import Tenant

logger = logging.getLogger("orderloom.http")

_MACHINES: Final = ("/api/", "/webhooks/")
_PROBES: Final = frozenset({"/livez", "/readyz"})
_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_PERMISSIONS: Final = "camera=(), geolocation=(), microphone=()"


class Doorway:
    """Bind a request to its tenant, its id and one registry, and mind what goes out.

    Without a tenant nothing is served; without a database, 503. Programs get problems (RFC 9457)
    for whatever Django itself refuses, people get pages.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _ID.fullmatch(given) else secrets.token_hex(16)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._answer(request, request_id)
        response.headers["X-Request-ID"] = request_id
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        return response

    def _answer(self, request: HttpRequest, request_id: str) -> HttpResponseBase:
        if request.path in _PROBES:
            return self.get_response(request)
        machine = request.path.startswith(_MACHINES)
        try:
            tenant = _tenant(request)
            if tenant is None:
                return answer_to(404) if machine else HttpResponse("Not found", status=404)
            with (
                acting_for(tenant, request_id=request_id),
                self.plugins(tenant) as plugins,
            ):
                _bind(request, plugins)
                response = _refused(request) or self.get_response(request)
        except (OperationalError, InterfaceError) as error:
            logger.warning("http.database.unavailable", extra={"cause": type(error).__name__})
            return _unavailable(machine=machine)
        return _dressed(response) if machine else response

    def plugins(self, tenant: TenantRef) -> AbstractContextManager[Registry]:
        """Return the registry that a request of this tenant is pinned to until it is answered."""
        return pin_registry(tenant=tenant.slug)


def _bind(request: HttpRequest, registry: Registry) -> None:
    now = timezone.now()
    bound = {"registry": registry, "now": now, "shop": BoundShop(registry=registry, now=now)}
    request.__dict__.update(bound)


def _tenant(request: HttpRequest) -> TenantRef | None:
    """A single shop names no tenant; a name nobody has opens nothing."""
    slug = request.headers.get("X-Orderloom-Tenant", DEFAULT_TENANT.slug)
    if slug == DEFAULT_TENANT.slug:
        return DEFAULT_TENANT
    found = Tenant.objects.filter(slug=slug).first()
    return TenantRef(id=found.id, slug=found.slug) if found else None


def _refused(request: HttpRequest) -> HttpResponse | None:
    """Refuse what no door understands; a body, before it is read."""
    if "\x00" in request.path:
        return answer_to(404)
    if not request.path.startswith("/api/"):
        return None
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return problem(BODY_TOO_LARGE, details={"limit": settings.DATA_UPLOAD_MAX_MEMORY_SIZE})
    if int(length) and request.content_type != "application/json":
        return problem(UNSUPPORTED_MEDIA_TYPE)
    return None


def _dressed(response: HttpResponseBase) -> HttpResponseBase:
    """What goes to programs is personal unless it says otherwise, and its errors are problems."""
    if response.status_code >= 400 and response.headers.get("Content-Type") != PROBLEM:
        plain, response = response, answer_to(response.status_code)
        if "Allow" in plain.headers:
            response.headers["Allow"] = plain.headers["Allow"]
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


def _unavailable(*, machine: bool) -> HttpResponse:
    if machine:
        return problem(UNAVAILABLE)
    text = "The shop can't answer right now. Please try again in a moment."
    return HttpResponse(
        text, status=503, content_type="text/plain; charset=utf-8", headers={"Retry-After": "2"}
    )
