"""What fails together: how a breaker, a quarantine and people name a plugin's offers of one kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from core.hooks.offers import Offer
from core.hooks.states import Ailment

__all__ = ["TELL", "account_of", "can_rest", "is_ill", "is_quarantined", "kind_of"]

TELL: Final = "tell"
"""Everything that a plugin is told."""

_KINDS: Final[Mapping[str, str]] = {
    "payment_strategies": "payment",
    "pricing_rules": "pricing",
    "notification_channels": "notification",
    "cache_warmers": "warmer",
}


def kind_of(offer: Offer) -> str:
    """Return the kind of an offer, by the hook that brought it."""
    return _KINDS[offer.hook]


def account_of(offer: Offer) -> str:
    """Return whose money an offer is about, or nothing."""
    return getattr(offer.info, "account", None) or ""


def can_rest(offer: Offer) -> bool:
    """Say whether an offer may be left out when it fails too often: a mandatory rule never is."""
    return offer.hook != "pricing_rules" or bool(offer.info.optional)


def is_ill(offer: Offer, one: Ailment) -> bool:
    """Say whether it is this offer that an ailment is about."""
    return can_rest(offer) and (one.kind, one.account) == (kind_of(offer), account_of(offer))


def is_quarantined(offer: Offer, ailing: Iterable[Ailment]) -> bool:
    """Say whether an offer is left out until a person has looked at it."""
    return any(is_ill(offer, one) for one in ailing)
