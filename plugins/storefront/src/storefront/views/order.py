"""The page of an order: how it stands, what was bought, what can be done now."""

from __future__ import annotations

import hashlib
import uuid

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from hookspecs import ClientConfirm, OrderPage, Redirect, Refused
from storefront import words
from storefront.forms import PayForm
from storefront.page import ShopRequest, page, show, status_of
from storefront.refusals import refusal

__all__ = ["cancel", "live", "order", "show_order"]

_OVER = frozenset({"FULFILLED", "CANCELLED", "EXPIRED"})


@require_safe
@page
def order(request: ShopRequest, order_id: str, token: str) -> HttpResponse:
    """Show an order to whoever holds its link."""
    return show_order(request, request.shop.order(order_id, token), token)


@require_safe
@page
def live(request: ShopRequest, order_id: str, token: str) -> HttpResponse:
    """Hand out the part that changes, or 204 where it is still as the page has it."""
    found = request.shop.order(order_id, token)
    if request.GET.get("seen") == _seen(found):
        return HttpResponse(status=204)
    return show(request, "parts/order", _context(found, token, PayForm(choices=found.choices)))


@require_POST
@page
def cancel(request: ShopRequest, order_id: str, token: str) -> HttpResponse:
    """Cancel an order, for a reason if one is given."""
    try:
        request.shop.cancel_order(order_id, token, reason=request.POST.get("reason", "")[:500])
    except Refused as refused:
        found = request.shop.order(order_id, token)
        problem, status = refusal(refused), status_of(refused)
        return show_order(request, found, token, problem=problem, status=status)
    messages.success(request, _("The order is cancelled."))
    return HttpResponseRedirect(reverse("storefront:order", args=[order_id, token]), status=303)


def show_order(
    request: ShopRequest,
    found: OrderPage,
    token: str,
    *,
    form: PayForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the page of an order, with a problem if the customer's last wish met one."""
    context = _context(found, token, form or PayForm(choices=found.choices))
    return show(request, "order", context | {"problem": problem}, status=status)


def _context(found: OrderPage, token: str, form: PayForm) -> dict[str, object]:
    waiting = found.undecided or found.payment_status == "PENDING"
    return {
        "page": found,
        "order": found.order,
        "token": token,
        "headline": words.headline(found),
        "story": words.story(found),
        "form": form,
        "key": uuid.uuid4().hex,
        "next_step": _next_step(found),
        "begun": bool(found.payments) and found.payments[-1].action is not None,
        "offers_payment": bool(found.choices) and not found.undecided,
        "seen": _seen(found),
        "waiting": waiting,
        "every": "" if found.status in _OVER else "2s" if waiting else "15s",
    }


def _next_step(found: OrderPage) -> object:
    """Name the payment that waits for its customer elsewhere."""
    latest = found.payments[-1] if found.payments else None
    leads_away = latest is not None and isinstance(latest.action, Redirect | ClientConfirm)
    return latest if leads_away else None


def _seen(found: OrderPage) -> str:
    parts = [found.status, found.payment_status, found.undecided, found.can_cancel]
    parts += [len(found.timeline), *(choice.code for choice in found.choices)]
    for payment in found.payments:
        parts += [payment.payment_id, payment.status, payment.text, payment.action is None]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
