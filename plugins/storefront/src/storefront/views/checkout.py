"""The checkout: one form, priced as it is filled in, sent off once."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from hookspecs import Basket, Money, PaymentChoice, PricedBasket, Refused
from storefront import basket as kept_basket
from storefront import words
from storefront.changes import Change, changes, with_a_way_of_sending, without_refused_code
from storefront.forms import (
    CheckoutForm,
    guessed_country,
    posted_basket,
    read_total,
    written_lines,
)
from storefront.latest import remember
from storefront.page import ShopRequest, is_fragment, page, show, status_of
from storefront.refusals import refusal
from storefront.views.payment import begin

__all__ = ["Sheet", "checkout"]


@dataclass(slots=True, kw_only=True)
class Sheet:
    """A checkout under way: what was said, and what the shop makes of it."""

    form: CheckoutForm
    basket: Basket
    key: str
    shown: Money | None = None
    confirmation: str = ""
    changes: list[Change] = field(default_factory=list)
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
    way = request.POST.get("shipping", "")[:100] or None
    return Sheet(
        form=form,
        basket=replace(form.said(bare), shipping_method=way),
        confirmation=request.POST.get("confirmation", "")[:60_000],
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
        placed = request.shop.place_order(
            sheet.basket,
            key=sheet.key,
            confirmed_total=sheet.shown,
            confirmation=sheet.confirmation,
        )
    except Refused as refused:
        sheet.changes = changes(refused)
        sheet.problem = refusal(refused, names=_names(request, sheet))
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


def _price(request: ShopRequest, sheet: Sheet) -> None:
    """Price the basket: without a code that is refused, and sent by a way that fits."""
    try:
        priced = request.shop.quote(sheet.basket)
        sheet.priced = with_a_way_of_sending(request.shop, sheet.basket, priced) or priced
    except Refused as refused:
        sheet.problem = sheet.problem or refusal(refused, names=_names(request, sheet))
        sheet.status = max(sheet.status, status_of(refused))
        without = without_refused_code(sheet.basket, refused, request.session)
        if without is not None:
            sheet.basket = without
            _price(request, sheet)


def _show(request: ShopRequest, sheet: Sheet) -> HttpResponse:
    _price(request, sheet)
    moved = words.difference(sheet.shown, sheet.priced.total) if sheet.priced else None
    context = {
        "sheet": sheet,
        "form": sheet.form,
        "priced": sheet.priced,
        "moved": moved,
        "coupons": sorted(sheet.basket.coupons),
        "way": _way(sheet),
    }
    template = "parts/summary" if is_fragment(request) else "checkout"
    return show(request, template, context, status=sheet.status)


def _way(sheet: Sheet) -> str:
    """Return the way of sending that the shown price is for."""
    codes = [choice.code for choice in sheet.priced.shipping_choices] if sheet.priced else []
    chosen = sheet.basket.shipping_method
    return chosen if chosen in codes else (codes or [""])[0]
