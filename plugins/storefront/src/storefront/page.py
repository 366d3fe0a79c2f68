"""What every page shares: its frame, its headers, and how it shows a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from hookspecs import Refused, Shop
from storefront import basket
from storefront.refusals import refusal, refusal_title

__all__ = ["ShopRequest", "is_fragment", "page", "policy", "show", "status_of"]

P = ParamSpec("P")
_STATUS = {
    "NOT_FOUND": 404,
    "UNKNOWN_PRODUCT": 404,
    "INVALID_INPUT": 422,
    "INVALID_QUANTITY": 422,
    "EMPTY_ORDER": 422,
    "TOO_MANY_LINES": 422,
    "IDEMPOTENCY_KEY_REUSED": 422,
    "NOT_ALLOWED": 403,
    "TERMS_NOT_ALLOWED": 403,
    "PRICING_UNAVAILABLE": 503,
}


class ShopRequest(HttpRequest):
    """A request to which the core has given the shop."""

    shop: Shop


def page(
    view: Callable[Concatenate[ShopRequest, P], HttpResponse],
) -> Callable[Concatenate[ShopRequest, P], HttpResponse]:
    """Show what the shop refuses as a page, and give every answer the headers of a personal one."""

    @wraps(view)
    def answer(request: ShopRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Refused as refused:
            context = {"title": refusal_title(refused), "text": refusal(refused)}
            template = "parts/refused" if is_fragment(request) else "refused"
            response = show(request, template, context, status=status_of(refused))
        response.headers.setdefault("Content-Security-Policy", policy())
        response.headers.setdefault("Cache-Control", "private, no-store")
        patch_vary_headers(response, ["HX-Request", "Cookie", "Accept-Language"])
        return response

    return answer


def show(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render `template` with what the frame needs: the basket's count, and the languages."""
    frame = {
        "basket_count": basket.count(request.session),
        "languages": settings.LANGUAGES,
        "fragment": is_fragment(request),
    }
    return render(request, f"storefront/{template}.html", {**frame, **context}, status=status)


def is_fragment(request: HttpRequest) -> bool:
    """Say whether htmx asks for a piece of a page rather than for the page."""
    return request.headers.get("HX-Request") == "true" and "HX-Boosted" not in request.headers


def status_of(refused: Refused) -> int:
    """Return the HTTP status of a page that shows this refusal; 409 for a state that is in the way."""
    return _STATUS.get(refused.code, 409)


def policy(*, script: str = "", form: str = "'self'") -> str:
    """Return the content security policy: nothing inline, nothing from elsewhere.

    Args:
        script: the origin of a payment provider whose script confirms in the browser.
        form: where forms of this page may lead.

    """
    with_script = f"'self' {script}".strip()
    frames = script or "'none'"
    return (
        f"default-src 'none'; script-src {with_script}; connect-src {with_script}; "
        f"frame-src {frames}; style-src 'self'; img-src 'self' data: https:; "
        f"font-src 'self'; form-action {form}; base-uri 'none'; frame-ancestors 'none'"
    )
