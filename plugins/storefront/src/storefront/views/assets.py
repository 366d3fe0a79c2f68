"""What pages need beside themselves: pictures, the script of htmx, the choice of a language."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST, require_safe

from hookspecs import Refused
from storefront.page import ShopRequest

__all__ = ["htmx", "language", "picture"]

# A drawing from the catalogue may hold anything: shown on its own, it must not run anything.
_PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@require_safe
def picture(request: ShopRequest, sku: str) -> HttpResponse:
    """Show the picture of a product, or a quiet drawing where there is none."""
    try:
        drawn = request.shop.product(sku).picture.strip()
    except Refused:
        drawn = ""
    if drawn.startswith(("https://", "http://", "/")):
        return HttpResponseRedirect(drawn)
    if not drawn.startswith("<"):
        drawn = render_to_string("storefront/parts/no_picture.svg")
    lasts = 31_536_000 if "v" in request.GET else 300
    headers = {
        "Cache-Control": f"private, max-age={lasts}",
        "Content-Security-Policy": _PICTURE_POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(drawn, content_type="image/svg+xml", headers=headers)


@require_safe
def htmx(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - a view
    """Hand out the htmx that django-htmx ships: a plugin names one Django app, its own."""
    headers = {"Cache-Control": "public, max-age=86400"}
    return HttpResponse(_htmx(), content_type="text/javascript; charset=utf-8", headers=headers)


@cache
def _htmx() -> bytes:
    return (files("django_htmx") / "static/django_htmx/htmx-2.min.js").read_bytes()


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the language that the visitor chose, and go back to where they were."""
    code, back = request.POST.get("language", ""), request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back)
    if code in dict(settings.LANGUAGES) and check_for_language(code):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            code,
            max_age=31_536_000,
            samesite="Lax",
            secure=request.is_secure(),
            httponly=True,
        )
    return response
