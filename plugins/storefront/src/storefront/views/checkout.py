"""The checkout: one form, priced as it is filled in, sent off once."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass, field

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from hookspecs import Basket, Money, PaymentChoice, PricedBasket, Refused
from storefront import basket as kept_basket
from storefront import words
from storefront.forms import (
    CheckoutForm,
    guessed_country,
    posted_basket,
    read_total,
    written_lines,
)
from storefront.latest import remember
from storefront.page import ShopRequest, is_fragment, page, show, status_of
from storefront.views.payment import begin

__all__ = ["Sheet", "checkout"]


@dataclass(slots=True, kw_only=True)
class Sheet:
    """A checkout under way: what was said, and what the shop makes of it."""

    form: CheckoutForm
    basket: Basket
    key: str
    shown: Money | None = None
    priced: PricedBasket | None = None
    problem: str = ""
    status: int = 200
    lines: list[str] = field(default_factory=list)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def checkout(request: ShopRequest) -> HttpResponse:
    """Show the form; with POST, place the order if that was pressed and nothing has changed."""
    sheet = _read(request)
    if not sheet.basket.lines:
        return HttpResponseRedirect(reverse("storefront:basket"), status=303)
    if request.POST.get("do") == "place":
        placed = _place(request, sheet)
        if placed is not None:
            return placed
    return _show(request, sheet)


def _read(request: ShopRequest) -> Sheet:
    if request.method == "POST":
        bare = posted_basket(request.POST)
        choices = _choices(request, bare)
        form = _filled_in(request, choices)
        key = request.POST.get("key", "")[:64] or uuid.uuid4().hex
    else:
        bare = kept_basket.kept(request.session)
        guess = guessed_country(request.headers.get("Accept-Language", ""))
        form = CheckoutForm(choices=_choices(request, bare), initial={"country": guess})
        key = uuid.uuid4().hex
    return Sheet(
        form=form,
        basket=form.said(bare),
        key=key,
        shown=read_total(request.POST.get("confirmed_total", "")),
        lines=written_lines(bare.lines),
    )


def _filled_in(request: ShopRequest, choices: list[PaymentChoice]) -> CheckoutForm:
    if request.POST.get("do") == "place":
        return CheckoutForm(request.POST, choices=choices)
    # Not sent off yet: kept as it is, and nothing is complained about.
    return CheckoutForm(choices=choices, initial=request.POST.dict())


def _choices(request: ShopRequest, basket: Basket) -> list[PaymentChoice]:
    try:
        return list(request.shop.payment_choices(basket)) if basket.lines else []
    except Refused:
        return []  # the quote of the same basket says why


def _place(request: ShopRequest, sheet: Sheet) -> HttpResponse | None:
    if not sheet.form.is_valid() or sheet.shown is None:
        sheet.status = 422
        return None
    try:
        placed = request.shop.place_order(sheet.basket, key=sheet.key, confirmed_total=sheet.shown)
    except Refused as refused:
        sheet.problem = words.refusal(refused, names=_names(request, sheet))
        sheet.status = status_of(refused)
        return None
    kept_basket.take_out(request.session, sheet.basket.lines)
    ids, said = (placed.order_id, placed.token), sheet.form
    response = begin(
        request, *ids, code=said.chosen(), key=f"{sheet.key}-pay", inputs=said.inputs()
    )
    remember(response, request, *ids)
    return response


def _names(request: ShopRequest, sheet: Sheet) -> dict[str, str]:
    names = {}
    for line in sheet.basket.lines:
        with suppress(Refused):  # sold no more
            names[line.sku] = request.shop.product(line.sku).name
    return names


def _show(request: ShopRequest, sheet: Sheet) -> HttpResponse:
    try:
        sheet.priced = request.shop.quote(sheet.basket)
    except Refused as refused:
        sheet.problem = sheet.problem or words.refusal(refused, names=_names(request, sheet))
        sheet.status = max(sheet.status, status_of(refused))
    moved = words.difference(sheet.shown, sheet.priced.total) if sheet.priced else None
    context = {
        "sheet": sheet,
        "form": sheet.form,
        "priced": sheet.priced,
        "moved": moved,
        "coupons": sorted(sheet.basket.coupons),
    }
    template = "parts/summary" if is_fragment(request) else "checkout"
    return show(request, template, context, status=sheet.status)
