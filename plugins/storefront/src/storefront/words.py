"""The words for states and steps, in the visitor's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from hookspecs import Money, OrderPage, PaymentView, Show

__all__ = [
    "Chapter",
    "Headline",
    "difference",
    "headline",
    "payment_status",
    "spoken",
    "step",
    "story",
]

_PAYMENTS: Final = {
    "OPEN": gettext_lazy("begun"),
    "APPROVED": gettext_lazy("being confirmed with the bank"),
    "REQUIRES_ACTION": gettext_lazy("waiting for you"),
    "DECLINED": gettext_lazy("declined"),
    "FAILED": gettext_lazy("failed"),
    "UNRESOLVED": gettext_lazy("being confirmed with the bank"),
    "PROCESSING": gettext_lazy("being confirmed with the bank"),
    "AUTHORIZED": gettext_lazy("authorised"),
    "CAPTURED": gettext_lazy("paid"),
    "PARTIALLY_CAPTURED": gettext_lazy("partly paid"),
    "PARTIALLY_REFUNDED": gettext_lazy("partly given back"),
    "REFUNDED": gettext_lazy("given back"),
    "DISPUTED": gettext_lazy("disputed"),
    "CANCELLED": gettext_lazy("cancelled"),
    "VOIDED": gettext_lazy("cancelled"),
    "CLOSED": gettext_lazy("closed"),
}

_STEPS: Final = {
    "order_placed": gettext_lazy("Order placed"),
    "order_paid": gettext_lazy("Paid in full"),
    "order_cancelled": gettext_lazy("Order cancelled"),
    "order_expired": gettext_lazy("Order expired"),
    "order_fulfilled": gettext_lazy("Handed over"),
    "payment_started": gettext_lazy("Payment begun"),
    "payment_authorized": gettext_lazy("Payment authorised"),
    "payment_captured": gettext_lazy("Payment received"),
    "payment_declined": gettext_lazy("Payment declined"),
    "payment_refunded": gettext_lazy("Money given back"),
    "payment_incident": gettext_lazy("We are looking into a payment"),
}
# What only the machinery needs to know.
_UNSAID: Final = frozenset({"payment_moved"})

_DECLINES: Final = {
    "CARD_DECLINED": gettext_lazy("the card was declined"),
    "INSUFFICIENT_FUNDS": gettext_lazy("not enough money"),
    "EXPIRED": gettext_lazy("expired"),
    "AUTHENTICATION_FAILED": gettext_lazy("the bank could not confirm that it was you"),
    "ABANDONED": gettext_lazy("not finished"),
    "LIMIT_EXCEEDED": gettext_lazy("above a limit"),
    "NOT_SUPPORTED": gettext_lazy("not possible this way"),
}

# Plain words of the plugins that come along, for the collectors of translations to find.
_OF_PLUGINS: Final = (
    gettext_noop("Card"),
    gettext_noop("Agreed discount"),
    gettext_noop("Volume discount"),
    gettext_noop("Order discount"),
    gettext_noop("Sales tax"),
    gettext_noop("no discount was agreed"),
    gettext_noop("no volume discount is set up"),
    gettext_noop("no discount on orders is set up"),
    gettext_noop("prices were agreed"),
    gettext_noop("Payment method"),
    gettext_noop("no code was given"),
    gettext_noop("not now"),
    gettext_noop("another way was chosen"),
    gettext_noop("nothing in the order is part of it"),
    gettext_noop("nothing to send"),
    gettext_noop("shipping was agreed"),
    gettext_noop("not for this place"),
    gettext_noop("shipping costs nothing yet"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """How an order stands, in a few words; `tone` chooses the colour and the sign."""

    tone: str
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One thing that happened to an order."""

    at: datetime
    title: str
    text: str


def spoken(text: str) -> str:
    """Translate a plain English text of a plugin or of the core, where we know it."""
    return _(text) if text else ""


def payment_status(status: str) -> str:
    """Return the word for how a payment stands."""
    known = _PAYMENTS.get(status)
    return str(known) if known else status.replace("_", " ").lower()


def step(kind: str) -> str:
    """Return the words for a step on the timeline of an order."""
    known = _STEPS.get(kind.lower())
    return str(known) if known else kind.replace("_", " ").capitalize()


def story(page: OrderPage) -> list[Chapter]:
    """Tell what happened to an order, in words for its customer."""
    labels = {payment.code: spoken(payment.label) for payment in page.payments}
    return [
        Chapter(at=entry.at, title=step(entry.kind), text=_aside(entry.text, labels))
        for entry in page.timeline
        if entry.kind not in _UNSAID
    ]


def _aside(text: str, labels: Mapping[str, str]) -> str:
    said = (labels.get(part) or _code(part) for part in text.split(" · "))
    return " · ".join(filter(None, said))


def _code(part: str) -> str:
    if part in _DECLINES:
        return str(_DECLINES[part])
    return "" if part.isupper() else spoken(part)


def difference(confirmed: Money | None, total: Money) -> Money | None:
    """Return by how much the total moved since it was shown, or None where it didn't."""
    if confirmed is None or confirmed.currency != total.currency or confirmed == total:
        return None
    return total - confirmed


def headline(page: OrderPage) -> Headline:
    """Say how an order stands."""
    match page.status:
        case "CANCELLED":
            return Headline(tone="calm", title=_("This order is cancelled"), text=_given_back(page))
        case "EXPIRED" if not page.undecided:
            text = _("It wasn't paid in time, so its goods are back on the shelf.")
            return Headline(tone="calm", title=_("This order has expired"), text=text)
        case "PAID":
            text = _("It's paid. We are getting your things ready.")
            return Headline(tone="good", title=_("Thank you!"), text=text)
        case "FULFILLED":
            return Headline(tone="good", title=_("Your order is on its way"))
    return _unpaid(page)


def _given_back(page: OrderPage) -> str:
    match page.payment_status:
        case "REFUNDED":
            return _("What you paid was given back.")
        case "NONE" | "PENDING":
            return _("Nothing was charged.")
        case "UNRESOLVED":
            return _("We are confirming with your bank; whatever was charged will be given back.")
    return _("What you paid is being given back.")


def _unpaid(page: OrderPage) -> Headline:
    latest = page.payments[-1] if page.payments else None
    if page.undecided:
        return Headline(
            tone="wait",
            title=_("We are confirming with your bank"),
            text=_("You will not be charged twice. This page tells you as soon as we know."),
        )
    if page.payment_status == "AUTHORIZED":
        text = _("Your bank has promised the money; it is taken when your things are ready.")
        return Headline(tone="good", title=_("Your payment is authorised"), text=text)
    if latest is not None and latest.status in {"DECLINED", "FAILED"}:
        return Headline(tone="bad", title=_("The payment didn't work"), text=_why(latest))
    if latest is not None and isinstance(latest.action, Show):
        text = _("Your things are reserved. Please pay as described below.")
        return Headline(tone="act", title=_("We are waiting for your payment"), text=text)
    if latest is not None and latest.action is not None:
        text = _("Your things are reserved; the payment isn't finished yet.")
        return Headline(tone="act", title=_("One step is left"), text=text)
    text = _("Your things are reserved for you. Choose how to pay.")
    return Headline(tone="act", title=_("Your order is placed, not yet paid"), text=text)


def _why(payment: PaymentView) -> str:
    again = _("You can try again, or choose another way to pay.")
    return f"{spoken(payment.text)} {again}" if payment.text else again
