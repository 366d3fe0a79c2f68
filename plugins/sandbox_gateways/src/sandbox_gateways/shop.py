"""What a shop has to be told so that its payment plugins talk to this sandbox, and where to call."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox_gateways.deliveries import Deliveries
from sandbox_gateways.paypal_signatures import WEBHOOK_ID
from sandbox_gateways.stripe_api import WEBHOOK_SECRET

_PROVIDERS = {"payment-stripe-like": "stripe", "payment-paypal-like": "paypal"}
_SAMPLE_CARD = "SAMP-1E00-G1FT-CARD"


def introduce(base: str) -> dict[str, object]:
    """Return the variables that point a shop's plugins here, and which plugins expect webhooks.

    ``inputs`` is what a willing customer types, by plugin. Any key is accepted,
    so these are no secrets.
    """
    return {
        "environment": {
            "ORDERLOOM_PAYMENT_STRIPE_LIKE__BASE": base,
            "ORDERLOOM_PAYMENT_STRIPE_LIKE__API_KEY": "sk_test_sandbox",
            "ORDERLOOM_PAYMENT_STRIPE_LIKE__ACCOUNT": "sandbox",
            "ORDERLOOM_PAYMENT_STRIPE_LIKE__WEBHOOK_SECRETS": WEBHOOK_SECRET,
            "ORDERLOOM_PAYMENT_PAYPAL_LIKE__BASE": base,
            "ORDERLOOM_PAYMENT_PAYPAL_LIKE__CLIENT_ID": "sandbox",
            "ORDERLOOM_PAYMENT_PAYPAL_LIKE__CLIENT_SECRET": "sandbox",
            "ORDERLOOM_PAYMENT_PAYPAL_LIKE__WEBHOOK_ID": WEBHOOK_ID,
            "ORDERLOOM_PAYMENT_BANK_TRANSFER__IBAN": "DE02120300000000202051",
            "ORDERLOOM_PAYMENT_BANK_TRANSFER__ACCOUNT_HOLDER": "Sandbox",
            "ORDERLOOM_PAYMENT_GIFT_CARD__SAMPLE_CODE": _SAMPLE_CARD,
        },
        "inputs": {"payment-gift-card": {"code": _SAMPLE_CARD}},
        "plugins": sorted(_PROVIDERS),
    }


def call_at(webhooks: Mapping[str, str], deliveries: Deliveries) -> dict[str, object]:
    """Send the webhooks of each plugin named to its address from now on, and to no other.

    Raises:
        KeyError: a plugin that we play no provider for.
    """
    for plugin, url in webhooks.items():
        deliveries.forget(_PROVIDERS[plugin])
        deliveries.register(_PROVIDERS[plugin], url)
    return {name: deliveries.addresses(name) for name in _PROVIDERS.values()}
