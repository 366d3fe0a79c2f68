"""How a refusal looks over HTTP: the one table from codes to statuses, and RFC 9457 problems."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from pydantic_core import to_json

from core.context import request_id
from core.domain.errors import BrokenError, NotFound, OrderloomError

logger = logging.getLogger("orderloom.http")

PROBLEM: Final = "application/problem+json"

BODY_TOO_LARGE: Final = "BODY_TOO_LARGE"
INTERNAL_ERROR: Final = "INTERNAL_ERROR"
MALFORMED_JSON: Final = "MALFORMED_JSON"
METHOD_NOT_ALLOWED: Final = "METHOD_NOT_ALLOWED"
UNAUTHENTICATED: Final = "UNAUTHENTICATED"
UNAVAILABLE: Final = "UNAVAILABLE"
UNSUPPORTED_MEDIA_TYPE: Final = "UNSUPPORTED_MEDIA_TYPE"
"""What only HTTP knows of; everything else is a code of the tree of refusals."""

STATUS: Final[Mapping[str, int]] = {
    MALFORMED_JSON: 400,
    "IDEMPOTENCY_KEY_MISSING": 400,
    UNAUTHENTICATED: 401,
    "NOT_ALLOWED": 403,
    "TERMS_NOT_ALLOWED": 403,
    "NOT_FOUND": 404,
    METHOD_NOT_ALLOWED: 405,
    "AMOUNT_NOT_ACCEPTED": 409,
    "AMOUNT_TOO_HIGH": 409,
    "CONCURRENT_CHANGE": 409,
    "COUPON_EXPIRED": 409,
    "COUPON_NOT_YET_VALID": 409,
    "COUPON_REFUSED": 409,
    "COUPON_USED_BEFORE": 409,
    "COUPON_USED_UP": 409,
    "FEATURE_NOT_SUPPORTED": 409,
    "NAME_TAKEN": 409,
    "NOTHING_TO_CAPTURE": 409,
    "NOTHING_TO_PAY": 409,
    "NOTHING_TO_REFUND": 409,
    "NOTHING_TO_VOID": 409,
    "NOT_SUPPORTED": 409,
    "OUT_OF_STOCK": 409,
    "PAYMENT_UNDECIDED": 409,
    "PLUGIN_UNAVAILABLE": 409,
    "PRODUCT_NOT_FOR_SALE": 409,
    "REFUSED": 409,
    "REQUEST_RUNNING": 409,
    "SET_ELSEWHERE": 409,
    "SHIPPING_METHOD_UNAVAILABLE": 409,
    "TOTAL_CHANGED": 409,
    "WRONG_STATE": 409,
    BODY_TOO_LARGE: 413,
    UNSUPPORTED_MEDIA_TYPE: 415,
    "COUPON_NEEDS_CONTACT": 422,
    "COUPON_UNKNOWN": 422,
    "EMPTY_ORDER": 422,
    "IDEMPOTENCY_KEY_REUSED": 422,
    "INVALID_INPUT": 422,
    "INVALID_QUANTITY": 422,
    "NO_PRICE_IN_CURRENCY": 422,
    "NOT_PUBLISHABLE": 422,
    "PRICES_OVERLAP": 422,
    "PRICE_NOT_POSITIVE": 422,
    "SHIPPING_METHOD_MISSING": 422,
    "TOO_MANY_LINES": 422,
    "TOTAL_NOT_POSITIVE": 422,
    "UNKNOWN_CUSTOMER": 422,
    "UNKNOWN_PAYMENT_STRATEGY": 422,
    "UNKNOWN_PRODUCT": 422,
    "UNREADABLE_FILE": 422,
    "BROKEN": 500,
    "ERROR": 500,
    INTERNAL_ERROR: 500,
    "PLUGIN_FAILED": 502,
    "INBOX_FULL": 503,
    "PRICING_UNAVAILABLE": 503,
    "RULE_FAILED": 503,
    UNAVAILABLE: 503,
}

_RETRY_AFTER: Final = {
    "REQUEST_RUNNING": 1,
    "CONCURRENT_CHANGE": 1,
    "INBOX_FULL": 60,
    UNAVAILABLE: 2,
}
_OWN: Final = ("type", "title", "status", "code", "detail")
_LOCKED: Final = "55P03"  # PostgreSQL waited for somebody else's lock as long as it may
_NAMED: Final = frozenset({"rule", "plugin", "offer", "hook"})
_BY_STATUS: Final = {
    400: MALFORMED_JSON,
    401: UNAUTHENTICATED,
    403: "NOT_ALLOWED",
    404: "NOT_FOUND",
    405: METHOD_NOT_ALLOWED,
    413: BODY_TOO_LARGE,
    415: UNSUPPORTED_MEDIA_TYPE,
    422: "INVALID_INPUT",
    503: UNAVAILABLE,
}
_SENTENCES: Final = {
    MALFORMED_JSON: "The body isn't JSON that can be read.",
    UNAUTHENTICATED: "This needs a valid API key.",
    "NOT_ALLOWED": "You may not do this.",
    "NOT_FOUND": "There is no such thing, or none that you may see.",
    METHOD_NOT_ALLOWED: "This address doesn't answer to this method.",
    BODY_TOO_LARGE: "The body is too large.",
    "CONCURRENT_CHANGE": "Somebody else is changing this right now. Please try again.",
    "REQUEST_RUNNING": "This is under way. Please try again with the same key.",
    UNSUPPORTED_MEDIA_TYPE: "The body has to be application/json.",
    "INVALID_INPUT": "Something in the request isn't as it has to be.",
    UNAVAILABLE: "We can't answer right now. Please try again.",
    "PLUGIN_FAILED": "A plugin of the shop failed.",
    "RULE_FAILED": "A rule failed that prices need, so nothing can be priced.",
    INTERNAL_ERROR: "Something went wrong on our side. Nobody has to do anything but tell us.",
}


class Unauthenticated(Exception):  # noqa: N818 - a statement
    """Who knocks brought a key that opens nothing, or none where one is needed."""


def problem(
    code: str, detail: str = "", *, status: int | None = None, details: Mapping[str, Any] = {}
) -> HttpResponse:
    """Return the answer that names what went wrong: a problem in the sense of RFC 9457.

    Details that bear the name of one of the problem's own members are called ``current_…``.
    """
    status = status or STATUS[code]
    extra = {f"current_{k}" if k in _OWN else k: v for k, v in details.items()}
    said = {
        "type": f"urn:orderloom:problem:{code.lower().replace('_', '-')}",
        "title": code.replace("_", " ").capitalize().replace("json", "JSON"),
        "status": status,
        "code": code,
        "detail": detail or _SENTENCES.get(code, ""),
        **extra,
    }
    response = HttpResponse(to_json(said, fallback=str), status=status, content_type=PROBLEM)
    if code in _RETRY_AFTER:
        response.headers["Retry-After"] = str(_RETRY_AFTER[code])
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="orderloom"'
    return response


def answer_to(status: int) -> HttpResponse:
    """Return the problem for a status that Django chose by itself, such as 404 or 405."""
    code = _BY_STATUS.get(status, INTERNAL_ERROR if status >= 500 else "REFUSED")
    return problem(code, status=status)


def answer_with_problems(api: NinjaAPI) -> None:
    """Let an API answer everything that goes wrong with a problem."""
    api.add_exception_handler(OrderloomError, _refused)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, lambda _, exc: answer_to(getattr(exc, "status_code", 500)))
    api.add_exception_handler(Unauthenticated, lambda *_: problem(UNAUTHENTICATED))
    api.add_exception_handler(Http404, lambda *_: problem("NOT_FOUND"))
    api.add_exception_handler(RequestDataTooBig, lambda *_: problem(BODY_TOO_LARGE))
    api.add_exception_handler(SuspiciousOperation, lambda *_: problem(MALFORMED_JSON))
    api.add_exception_handler(OperationalError, _unavailable)
    api.add_exception_handler(InterfaceError, _unavailable)
    api.add_exception_handler(Exception, _broken)


def _refused(request: HttpRequest, exc: Any) -> HttpResponse:
    if isinstance(exc, NotFound) and "order_id" in _path_values(request):
        return problem(exc.code)  # foreign, unknown, wrong token: one and the same answer
    text, details = spoken(exc)
    return problem(exc.code, text, details=details)


def spoken(error: OrderloomError) -> tuple[str, Mapping[str, Any]]:
    """Return what the world is told of an error: of what broke, who, but not how; that is logged."""
    if not isinstance(error, BrokenError):
        return error.text, error.details
    logger.error("http.broken", extra={"code": error.code, "cause": error.text})
    named = {k: v for k, v in error.details.items() if k in _NAMED}
    return _SENTENCES.get(error.code, _SENTENCES[INTERNAL_ERROR]), named


def _path_values(request: HttpRequest) -> Mapping[str, Any]:
    return request.resolver_match.kwargs if request.resolver_match else {}


def _invalid(_: HttpRequest, exc: Any) -> HttpResponse:
    """Say which values and why, never echoing them."""
    errors = [
        {
            "field": ".".join(str(part) for part in error["loc"][1:] if part != "asked"),
            "message": "doesn't have the form that is wanted"
            if error.get("type") == "string_pattern_mismatch"
            else str(error["msg"]).removeprefix("Value error, "),
        }
        for error in exc.errors
    ]
    first = errors[0] if errors else {"field": "", "message": ""}
    named = f" {first['field']}: {first['message']}." if first["field"] else ""
    return problem(
        "INVALID_INPUT",
        f"Something in the request isn't as it has to be.{named}",
        details={"field": first["field"], "errors": errors[:20]},
    )


def _unavailable(request: HttpRequest, exc: Any) -> HttpResponse:
    if getattr(exc.__cause__, "sqlstate", "") == _LOCKED:
        running = "Idempotency-Key" in request.headers
        return problem("REQUEST_RUNNING" if running else "CONCURRENT_CHANGE")
    logger.error("http.database.unavailable", extra={"cause": type(exc).__name__})
    return problem(UNAVAILABLE)


def _broken(request: HttpRequest, exc: Any) -> HttpResponse:
    logger.error("http.failed", exc_info=exc, extra={"path": request.path})
    return problem(INTERNAL_ERROR, details={"request_id": request_id()})
