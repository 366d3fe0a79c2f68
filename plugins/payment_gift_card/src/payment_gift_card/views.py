"""Two pages: a customer asks what is left on a card, the staff issue one."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from hookspecs import Money, Shop
from payment_gift_card import ledger
from payment_gift_card.forms import CodeForm, IssueForm


class ShopRequest(HttpRequest):
    """A request to which the core has given the shop."""

    shop: Shop


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def balance(request: ShopRequest) -> HttpResponse:
    """Say what is left on a card; a code that nobody knows and a blocked one look the same."""
    form = CodeForm(request.POST if request.method == "POST" else None)
    shown: dict[str, Any] = {"form": form}
    if form.is_valid():
        card = ledger.card_of(form.cleaned_data["code"], tenant=request.shop.tenant)
        if card is None:
            form.add_error("code", "There is no such gift card.")
        else:
            over = card.expires_at is not None and card.expires_at <= timezone.now()
            left = Money(card.balance_minor, card.currency)
            shown |= {"card": card, "left": left, "over": over, "form": CodeForm()}
    status = 200 if not form.is_bound or form.is_valid() else 422
    return render(request, "payment_gift_card/balance.html", shown, status=status)


@never_cache
@sensitive_post_parameters("code")
@staff_member_required
@permission_required("payment_gift_card.add_giftcard", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def issue_card(request: ShopRequest) -> HttpResponse:
    """Issue a card and show its code, this once."""
    form = IssueForm(request.POST if request.method == "POST" else None)
    shown: dict[str, Any] = {"form": form}
    if form.is_valid():
        given = form.cleaned_data
        try:
            code = ledger.issue(
                given["worth"],
                tenant=request.shop.tenant,
                now=timezone.now(),
                code=given["code"],
                expires_at=form.expires_at,
                note=given["note"],
            )
        except IntegrityError:
            form.add_error(None, "This card was issued already; its code was shown then.")
        else:
            shown |= {"code": code, "worth": given["worth"], "form": IssueForm()}
    status = 200 if not form.is_bound or form.is_valid() else 422
    return render(request, "payment_gift_card/issue.html", shown, status=status)
