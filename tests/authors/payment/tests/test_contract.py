"""The contract suite over the invoice; the bookkeeping is played by a dictionary."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from payment_invoice.settings import Settings
from payment_invoice.strategy import Strategy

from core.testing.payment_adapter import Moved
from core.testing.payment_contract import PaymentContract
from hookspecs import ClientConfirm, Money, Redirect, Secret, Show, Webhook

KEY = "a-key-of-the-bookkeeping"


class TestInvoice(PaymentContract):
    plugin = "payment-invoice"
    dated_webhooks = False  # the bookkeeping signs no time

    @pytest.fixture
    def strategy(self) -> Strategy:
        self.bookings: dict[str, tuple[str, Money]] = {}
        iban = "DE02120300000000202051"
        return Strategy(Settings(account_holder="Our Shop", iban=iban, key=Secret(KEY)))

    def ledger(self) -> Sequence[Moved]:
        return [
            Moved(kind="CHARGE", payment_id=payment_id, amount=amount)
            for payment_id, (_, amount) in self.bookings.items()
        ]

    def approve(self, payment_id: str, action: Redirect | ClientConfirm | Show) -> None:
        assert isinstance(action, Show)
        _, _, amount, currency, *_ = action.text.split()  # Please transfer 19.99 EUR by …
        self.bookings[payment_id] = (action.details["Reference"], Money.parse(amount, currency))

    def webhooks(self, payment_id: str) -> Sequence[Webhook]:
        reference, amount = self.bookings[payment_id]
        booking = {
            "id": payment_id,
            "reference": reference,
            "amount": str(amount.decimal),
            "currency": amount.currency,
        }
        body = json.dumps(booking).encode()
        signature = hmac.new(KEY.encode(), body, "sha256").hexdigest()
        headers = {"x-signature": signature}
        return [Webhook(body=body, headers=headers, received_at=datetime.now(UTC))]
