"""What has changed since a total was shown, and prices that a basket's code or sending decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.utils.translation import gettext as _

from hookspecs import Basket, Money, PricedBasket, Refused, Shop
from storefront import basket as kept_basket
from storefront import words

__all__ = ["Change", "changes", "with_a_way_of_sending", "without_refused_code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something whose price is another one than was shown."""

    name: str
    was: Money
    now: Money


def changes(refused: Refused) -> list[Change]:
    """Return what a refused order says has changed, by name."""
    currency = refused.details.get("currency")
    said = refused.details.get("changes")
    if not isinstance(currency, str) or not isinstance(said, Sequence):
        return []
    return [
        Change(
            name=_named(one),
            was=Money(one["was_minor"], currency),
            now=Money(one["is_minor"], currency),
        )
        for one in said
        if _named(one)
    ]


def _named(change: Mapping[str, Any]) -> str:
    sums = {
        "shipping": _("Shipping"),
        "fees": _("Fees"),
        "tax": _("Tax"),
        "rounding": _("Rounding"),
    }
    if change["what"] == "sum":
        return sums.get(change["key"], "")
    name = str(change.get("name", ""))
    return words.spoken(name) if change["what"] == "rule" else name


def without_refused_code(basket: Basket, refused: Refused, session: SessionBase) -> Basket | None:
    """Return the basket without the code that was refused, or None where it wasn't about a code."""
    code = refused.details.get("coupon")
    if not refused.code.startswith("COUPON_") or not isinstance(code, str):
        return None
    spelled = {kept for kept in basket.coupons if kept.strip().upper() == code}
    for kept in spelled:
        kept_basket.set_coupon(session, kept, wanted=False)
    return replace(basket, coupons=basket.coupons - spelled) if spelled else None


def with_a_way_of_sending(shop: Shop, basket: Basket, priced: PricedBasket) -> PricedBasket | None:
    """Return the price with the cheapest way, if the chosen one doesn't fit; None if it does."""
    codes = [choice.code for choice in priced.shipping_choices]
    fits = basket.shipping_method in codes if codes else basket.shipping_method is None
    way = codes[0] if codes else None
    return None if fits else shop.quote(replace(basket, shipping_method=way))
