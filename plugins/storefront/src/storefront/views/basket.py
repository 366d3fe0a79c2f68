"""The basket: what is in it, what it costs and why."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hookspecs import BasketLine, PricedBasket, Refused
from storefront import basket as kept_basket
from storefront.changes import without_refused_code
from storefront.latest import address_of_latest
from storefront.page import ShopRequest, is_fragment, page, show, status_of
from storefront.refusals import refusal

__all__ = ["basket"]


@require_http_methods(["GET", "HEAD", "POST"])
@page
def basket(request: ShopRequest) -> HttpResponse:
    """Show the basket; with POST, first add, change or remove something."""
    if request.method != "POST":
        return _show(request)
    try:
        _change(request)
    except ValueError:
        return _show(request, problem=_("A quantity is a whole number."), status=422)
    if request.POST.get("do") == "add" and is_fragment(request):
        return show(request, "parts/added", {"sku": request.POST.get("sku", "")})
    return _show(request) if is_fragment(request) else HttpResponseRedirect(_here(), status=303)


def _here() -> str:
    return reverse("storefront:basket")


def _change(request: ShopRequest) -> None:
    said, session = request.POST, request.session
    match said.get("do"):
        case "add":
            product = request.shop.product(said.get("sku", ""))
            quantity = kept_basket.read_quantity(said.get("quantity", "1"))
            kept_basket.add(session, product.sku, quantity)
        case "set" if kept_basket.holds(session, said.get("sku", "")):
            quantity = kept_basket.read_quantity(said.get("quantity", ""))
            kept_basket.set_line(session, said.get("sku", ""), quantity)
        case "remove":
            kept_basket.set_line(session, said.get("sku", ""), 0)
        case "coupon" if said.get("code", "").strip():
            kept_basket.set_coupon(session, said["code"].strip().upper()[:40], wanted=True)
        case "forget":
            kept_basket.set_coupon(session, said.get("code", ""), wanted=False)


def _show(request: ShopRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    basket = kept_basket.kept(request.session)
    priced: PricedBasket | None = None
    while basket.lines and priced is None:
        try:
            priced = request.shop.quote(basket)
        except Refused as refused:
            names = {line.sku: _unpriced(request, line)["name"] for line in basket.lines}
            problem, status = refusal(refused, names=names), status_of(refused)
            without = without_refused_code(basket, refused, request.session)
            if without is None:
                break
            basket = without
    context: dict[str, Any] = {
        "lines": priced.lines if priced else [_unpriced(request, line) for line in basket.lines],
        "priced": priced,
        "coupons": sorted(basket.coupons),
        "problem": problem,
        "largest": kept_basket.LARGEST,
        "latest": address_of_latest(request),
    }
    template = "parts/basket" if is_fragment(request) else "basket"
    return show(request, template, context, status=status)


def _unpriced(request: ShopRequest, line: BasketLine) -> dict[str, Any]:
    try:
        name = request.shop.product(line.sku).name
    except Refused:
        name = line.sku
    return {"sku": line.sku, "name": name, "quantity": line.quantity, "unit_price": None}
