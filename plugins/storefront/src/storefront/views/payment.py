"""The payment of an order: begun here, taken to the provider, and brought back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hookspecs import ClientConfirm, OrderPage, PaymentView, Redirect, Refused
from storefront.forms import PayForm
from storefront.page import ShopRequest, page, policy, show, status_of
from storefront.refusals import refusal
from storefront.views.order import show_order

__all__ = ["begin", "pay", "returned", "step", "unpaid"]

_CODE = re.compile(r"[^/\s]{1,100}")


def begin(
    request: ShopRequest,
    order_id: str,
    token: str,
    *,
    code: str | None,
    key: str,
    inputs: Mapping[str, str],
) -> HttpResponse:
    """Begin to pay an order and go on to where that leads; a refusal is told on the order's page."""
    ids = (order_id, token)
    if code is None:
        return _to("order", *ids)
    try:
        payment = _start(request, ids, code=code, key=key, inputs=inputs)
    except Refused as refused:
        messages.error(request, refusal(refused))
        return _to("order", *ids)
    return _onwards(ids, payment)


@require_POST
@page
def pay(request: ShopRequest, order_id: str, token: str) -> HttpResponse:
    """Pay an order that is placed already; the same form sent twice begins one payment."""
    order = request.shop.order(order_id, token)
    form = PayForm(request.POST, choices=order.choices)
    # Nothing is offered while the first press is under way: the core says what the second one gets.
    code = request.POST.get("payment", "")
    if (order.choices and not form.is_valid()) or not _CODE.fullmatch(code):
        return show_order(request, order, token, form=form, status=422)
    ids, key = (order_id, token), request.POST.get("key", "")[:64]
    inputs = form.inputs() if order.choices else {}
    try:
        payment = _start(request, ids, code=code, key=key, inputs=inputs)
    except Refused as refused:
        if refused.code == "NOTHING_TO_PAY":
            return _to("order", *ids)  # it went through meanwhile: good news, and no mistake
        problem, status = refusal(refused), status_of(refused)
        order = request.shop.order(order_id, token)
        return show_order(request, order, token, form=form, problem=problem, status=status)
    return _onwards(ids, payment)


@require_safe
@page
def step(request: ShopRequest, order_id: str, token: str, payment_id: str) -> HttpResponse:
    """Take the customer to the provider, or let the provider's script ask them here."""
    payment = _payment(request.shop.order(order_id, token), payment_id)
    if payment is None:
        return _to("order", order_id, token)
    action = payment.action
    context = {"payment": payment, "action": action, "order_id": order_id, "token": token}
    if isinstance(action, Redirect) and _on_the_web(action.url):
        response = show(request, "leave", context)
        # The provider may lead its form further, through hosts that nobody here knows.
        response.headers["Content-Security-Policy"] = policy(form="*")
        return response
    if isinstance(action, ClientConfirm) and _on_the_web(action.script):
        back = _address("return", order_id, token, payment.code)
        context["back"] = request.build_absolute_uri(back)
        response = show(request, "confirm", context)
        response.headers["Content-Security-Policy"] = policy(script=_origin(action.script))
        return response
    return _to("order", order_id, token)


@csrf_exempt  # a provider's page may send its customer back with a form
@require_http_methods(["GET", "HEAD", "POST"])
@page
def returned(request: ShopRequest, order_id: str, token: str, code: str) -> HttpResponse:
    """Go on when the customer comes back from the provider."""
    order = request.shop.order(order_id, token)
    # The address had to be given before the payment had an id: the latest of its kind is meant.
    meant = [payment for payment in order.payments if payment.code == code]
    if meant:
        brought = {**request.GET.dict(), **request.POST.dict()}
        try:
            payment = request.shop.resume_payment(order_id, token, meant[-1].payment_id, brought)
        except Refused as refused:
            messages.error(request, refusal(refused))
        else:
            return _onwards((order_id, token), payment, came_back=True)
    return _to("order", order_id, token)


@require_safe
@page
def unpaid(request: ShopRequest, order_id: str, token: str) -> HttpResponse:
    """Receive the customer who left the provider's page without paying."""
    messages.info(request, _("You left before the payment was finished."))
    return _to("order", order_id, token)


def _start(
    request: ShopRequest, ids: tuple[str, str], *, code: str, key: str, inputs: Mapping[str, str]
) -> PaymentView:
    return request.shop.start_payment(
        *ids,
        code,
        key=key,
        inputs=inputs,
        return_url=request.build_absolute_uri(_address("return", *ids, code)),
        cancel_url=request.build_absolute_uri(_address("unpaid", *ids)),
    )


def _onwards(
    ids: tuple[str, str], payment: PaymentView, *, came_back: bool = False
) -> HttpResponse:
    leads_away = isinstance(payment.action, Redirect | ClientConfirm)
    if leads_away and not came_back:
        return _to("step", *ids, payment.payment_id)
    return _to("order", *ids)


def _payment(order: OrderPage, payment_id: str) -> PaymentView | None:
    return next((one for one in order.payments if one.payment_id == payment_id), None)


def _to(name: str, *ids: str) -> HttpResponse:
    return HttpResponseRedirect(_address(name, *ids), status=303)


def _address(name: str, *ids: str) -> str:
    return reverse(f"storefront:{name}", args=ids)


def _on_the_web(url: str) -> bool:
    return urlsplit(url).scheme in {"http", "https"}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
