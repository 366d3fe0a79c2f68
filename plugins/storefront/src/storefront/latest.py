"""The way back to the order just placed: kept by the browser, for the core keeps no token."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse

__all__ = ["address_of_latest", "remember"]

_COOKIE: Final = "storefront_order"
_SECONDS: Final = 3600


def remember(response: HttpResponse, request: HttpRequest, order_id: str, token: str) -> None:
    """Let the browser keep the order's link for an hour, where scripts can't read it."""
    response.set_signed_cookie(
        _COOKIE,
        f"{order_id} {token}",
        salt=_COOKIE,
        max_age=_SECONDS,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def address_of_latest(request: HttpRequest) -> str:
    """Return the address of the order placed last in this browser, empty where there is none."""
    kept = request.get_signed_cookie(_COOKIE, default="", salt=_COOKIE, max_age=_SECONDS) or ""
    order_id, _, token = kept.partition(" ")
    try:
        return reverse("storefront:order", args=[order_id, token])
    except NoReverseMatch:
        return ""
