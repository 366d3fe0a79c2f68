"""The suite over both gateways of the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from hookspecs import Money, Secret
from payment_paypal_like.gateway import Gateway as PaypalGateway
from payment_paypal_like.settings import Settings as PaypalSettings
from payment_paypal_like.strategy import PaypalStrategy
from payment_stripe_like.gateway import Gateway as StripeGateway
from payment_stripe_like.settings import Settings as StripeSettings
from payment_stripe_like.strategy import StripeStrategy
from tests.contract.sandboxed import Sandboxed

pytestmark = [pytest.mark.once, pytest.mark.slow]


class StripeLike(Sandboxed):
    """Card payments; amounts are integers."""

    plugin = "payment-stripe-like"
    provider = "stripe"

    def strategy_at(self, base: str) -> StripeStrategy:
        settings = StripeSettings(
            api_key=Secret("sk_sandbox"),
            base=base,
            webhook_secrets=(Secret("whsec_sandbox"),),
            visible_after=timedelta(0),
        )
        return StripeStrategy(settings, StripeGateway(settings))

    def money(self, amount: Any, currency: str) -> Money:
        return Money(int(amount), currency)


class TestStripePage(StripeLike):
    """On the provider's own page."""


class TestStripeCard(StripeLike):
    """At once, with a payment method that was made in the browser."""

    def inputs(self, amount: Money) -> Mapping[str, str]:
        return {"payment_method": "pm_card_visa"}


class TestPaypal(Sandboxed):
    """Approved on the provider's page, taken by us; amounts are text."""

    plugin = "payment-paypal-like"
    provider = "paypal"

    def strategy_at(self, base: str) -> PaypalStrategy:
        settings = PaypalSettings(
            client_id="sandbox", client_secret=Secret("sandbox"), base=base, webhook_id="WH-SANDBOX"
        )
        return PaypalStrategy(settings, PaypalGateway(settings))

    def money(self, amount: Any, currency: str) -> Money:
        return Money.parse(str(amount), currency)
