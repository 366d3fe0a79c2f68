"""What the shop says when it says no: a sentence for each code, in the visitor's language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hookspecs import Refused

__all__ = ["refusal", "refusal_title"]

NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})

_GONE: Final = gettext_lazy("This product isn't sold any more.")
_LATER: Final = gettext_lazy("That can't be done at the moment. Please try again in a while.")
_MOVED_ON: Final = gettext_lazy("The order has moved on meanwhile, so this can't be done any more.")
_NOT_YOURS: Final = gettext_lazy("You can't do this yourself. Please write to us.")
_OTHER_WAY: Final = gettext_lazy("This way to pay can't do that. Please choose another one.")
_PRICELESS: Final = gettext_lazy(
    "We can't work out a price at the moment. Please try again in a while."
)
_UNREADABLE: Final = gettext_lazy("Something in the form can't be read. Please look through it.")

_SENTENCES: Final = {
    "AMOUNT_NOT_ACCEPTED": gettext_lazy(
        "This way to pay doesn't take this amount. Please choose another one."
    ),
    "AMOUNT_TOO_HIGH": gettext_lazy("That is more than is left to pay."),
    "CONCURRENT_CHANGE": gettext_lazy("Somebody else was quicker. Please try again."),
    "COUPON_EXPIRED": gettext_lazy("This code is no longer valid."),
    "COUPON_NEEDS_CONTACT": gettext_lazy("For this code we need your e-mail address."),
    "COUPON_NOT_YET_VALID": gettext_lazy("This code isn't valid yet."),
    "COUPON_REFUSED": gettext_lazy("This code can't be used."),
    "COUPON_UNKNOWN": gettext_lazy("We don't know this code."),
    "COUPON_USED_BEFORE": gettext_lazy("You have used this code already."),
    "COUPON_USED_UP": gettext_lazy("This code is used up."),
    "EMPTY_ORDER": gettext_lazy("There is nothing to order yet."),
    "IDEMPOTENCY_KEY_REUSED": gettext_lazy(
        "This page has already placed an order, and was changed since. Look into your mail first; "
        "to order once more, begin the checkout again."
    ),
    "INVALID_INPUT": _UNREADABLE,
    "INVALID_QUANTITY": gettext_lazy("A quantity is a whole number of at least 1."),
    "NAME_TAKEN": gettext_lazy("This name is in use already."),
    "NOTHING_TO_CAPTURE": _MOVED_ON,
    "NOTHING_TO_PAY": gettext_lazy("There is nothing left to pay for this order."),
    "NOTHING_TO_REFUND": _MOVED_ON,
    "NOTHING_TO_VOID": _MOVED_ON,
    "NOT_ALLOWED": _NOT_YOURS,
    "NOT_FOUND": gettext_lazy("There is no such page here, or its link is no longer valid."),
    "NO_PRICE_IN_CURRENCY": gettext_lazy("This product has no price in this currency."),
    "OUT_OF_STOCK": gettext_lazy("There isn't enough of it left."),
    "FEATURE_NOT_SUPPORTED": _OTHER_WAY,
    "NOT_SUPPORTED": _OTHER_WAY,
    "PAYMENT_UNDECIDED": gettext_lazy(
        "We are still confirming your last payment with your bank, so no second one begins. "
        "You will not be charged twice."
    ),
    "PLUGIN_UNAVAILABLE": gettext_lazy(
        "This way to pay is out of order at the moment. Please choose another one."
    ),
    "PRICING_UNAVAILABLE": _PRICELESS,
    "PRODUCT_NOT_FOR_SALE": _GONE,
    "REQUEST_RUNNING": gettext_lazy(
        "Your first click is still being worked on. Please try again in a moment."
    ),
    "RULE_FAILED": _PRICELESS,
    "SHIPPING_METHOD_MISSING": gettext_lazy("Please choose how it should be sent."),
    "SHIPPING_METHOD_UNAVAILABLE": gettext_lazy(
        "It can't be sent this way. Please choose another one."
    ),
    "TERMS_NOT_ALLOWED": _NOT_YOURS,
    "TOO_MANY_LINES": gettext_lazy("That is too much for one order. Please order in parts."),
    "TOTAL_CHANGED": gettext_lazy("The total has changed. Nothing has been ordered yet."),
    "TOTAL_NOT_POSITIVE": gettext_lazy("An order has to cost something."),
    "UNKNOWN_CUSTOMER": gettext_lazy("We don't know this customer."),
    "UNKNOWN_PAYMENT_STRATEGY": gettext_lazy(
        "This way to pay isn't offered any more. Please choose another one."
    ),
    "UNKNOWN_PRODUCT": _GONE,
    "WRONG_STATE": _MOVED_ON,
}


def refusal(refused: Refused, *, names: Mapping[str, str] = NO_NAMES) -> str:
    """Return the sentence of a refusal, never its code; of what broke with us, only to try later.

    Args:
        refused: what the shop said.
        names: what products are called, by sku, for a sentence about some of them.

    """
    short = refused.details.get("skus")
    if refused.code == "OUT_OF_STOCK" and isinstance(short, list | tuple) and short:
        called = ", ".join(names.get(str(sku), str(sku)) for sku in short)
        return _("There isn't enough left of: %(names)s.") % {"names": called}
    return str(_SENTENCES.get(refused.code, _LATER))


def refusal_title(refused: Refused) -> str:
    """Return what stands above a page that is nothing but a refusal."""
    gone = refused.code in {"NOT_FOUND", "UNKNOWN_PRODUCT"}
    return _("Not found") if gone else _("That didn't work")
