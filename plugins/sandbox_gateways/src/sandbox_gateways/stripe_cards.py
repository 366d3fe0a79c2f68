# ruff: noqa: S106 - tokens here name test cards
"""Test cards: what a Stripe-shaped account answers to which card number or token."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """How a card behaves: declines with a code, or asks for 3-D Secure first."""

    token: str
    number: str
    code: str = ""
    decline_code: str = ""
    text: str = ""
    challenge: bool = False


CARDS = (
    Card(token="pm_card_visa", number="4242424242424242"),
    Card(token="pm_card_mastercard", number="5555555555554444"),
    Card(
        token="pm_card_chargeDeclined",
        number="4000000000000002",
        code="card_declined",
        decline_code="generic_decline",
        text="Your card was declined.",
    ),
    Card(
        token="pm_card_chargeDeclinedInsufficientFunds",
        number="4000000000009995",
        code="card_declined",
        decline_code="insufficient_funds",
        text="Your card has insufficient funds.",
    ),
    Card(
        token="pm_card_chargeDeclinedExpiredCard",
        number="4000000000000069",
        code="expired_card",
        decline_code="expired_card",
        text="Your card has expired.",
    ),
    Card(
        token="pm_card_chargeDeclinedIncorrectCvc",
        number="4000000000000127",
        code="incorrect_cvc",
        decline_code="incorrect_cvc",
        text="Your card's security code is incorrect.",
    ),
    Card(
        token="pm_card_chargeDeclinedFraudulent",
        number="4100000000000019",
        code="card_declined",
        decline_code="fraudulent",
        text="Your card was declined.",
    ),
    Card(
        token="pm_card_chargeDeclinedProcessingError",
        number="4000000000000119",
        code="processing_error",
        decline_code="processing_error",
        text="An error occurred while processing your card. Try again in a little bit.",
    ),
    Card(
        token="pm_card_authenticationRequired",
        number="4000002760003184",
        challenge=True,
    ),
    Card(
        token="pm_card_authenticationRequiredOnSetup",
        number="4000002500003155",
        challenge=True,
    ),
    Card(
        token="pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        number="4000008260003178",
        code="card_declined",
        decline_code="insufficient_funds",
        text="Your card has insufficient funds.",
        challenge=True,
    ),
)

_BY_TOKEN = {card.token: card for card in CARDS}
_BY_NUMBER = {card.number: card for card in CARDS}


def by_token(token: str) -> Card | None:
    """Return the card of a token such as ``pm_card_visa``."""
    return _BY_TOKEN.get(token)


def by_number(number: str) -> Card | None:
    """Return the card of a number; blanks and dashes don't matter."""
    return _BY_NUMBER.get(number.replace(" ", "").replace("-", ""))
