"""Coupons in the console."""

from __future__ import annotations

from django.contrib import admin

from core.admin.console import Asking, Console, action
from core.application.withdraw_coupon import withdraw_coupon
from core.models import Coupon


def _withdraw(row: Coupon, ask: Asking) -> None:
    withdraw_coupon(code=row.code, now=ask.now)


@admin.register(Coupon)
class CouponConsole(Console):
    """Codes, and how often each was used; `manage.py coupons` and the API make them."""

    ordering = ("code",)
    list_display = ("code", "uses", "most_uses", "valid_from", "valid_until", "withdrawn_at")
    search_fields = ("code__istartswith", "note")
    fields = (*list_display, "most_per_customer", "note", "created_at")
    actions = (action("Withdraw", "withdrawn", _withdraw),)
