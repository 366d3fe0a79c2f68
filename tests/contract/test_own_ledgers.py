"""The suite over what needs no provider: gift cards, and transfers that a bank tells of by file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from core.testing.payment_adapter import Moved
from core.testing.payment_contract import PaymentContract
from hookspecs import ClientConfirm, Money, Redirect, Show, Webhook
from payment_bank_transfer.settings import Settings as TransferSettings
from payment_bank_transfer.strategy import BankTransfer
from payment_gift_card.ledger import issue
from payment_gift_card.models import Refund, Taking
from payment_gift_card.settings import Settings as CardSettings
from payment_gift_card.strategy import GiftCardStrategy


@pytest.mark.django_db(transaction=True)
class TestGiftCard(PaymentContract):
    """A ledger of the plugin's own."""

    plugin = "payment-gift-card"

    @pytest.fixture
    def strategy(self) -> GiftCardStrategy:
        return GiftCardStrategy(CardSettings())

    def inputs(self, amount: Money) -> Mapping[str, str]:
        return {"code": issue(amount * 10, tenant="default", now=timezone.now())}

    def ledger(self) -> Sequence[Moved]:
        return [
            *(
                Moved(
                    kind="CHARGE",
                    payment_id=one.payment_id,
                    amount=Money(one.captured_minor, one.card.currency),
                )
                for one in Taking.objects.filter(status="CAPTURED").select_related("card")
            ),
            *(
                Moved(
                    kind="REFUND",
                    payment_id=one.taking.payment_id,
                    amount=Money(one.amount_minor, one.taking.card.currency),
                )
                for one in Refund.objects.select_related("taking__card")
            ),
        ]


class TestBankTransfer(PaymentContract):
    """Customers transfer by hand; a statement tells."""

    plugin = "payment-bank-transfer"
    signed_webhooks = False

    @pytest.fixture
    def strategy(self) -> BankTransfer:
        self.bookings: dict[str, tuple[str, Money]] = {}
        settings = TransferSettings(iban="DE02120300000000202051", account_holder="Our Shop")
        return BankTransfer(settings)

    def ledger(self) -> Sequence[Moved]:
        return [
            Moved(kind="CHARGE", payment_id=payment_id, amount=amount)
            for payment_id, (_, amount) in self.bookings.items()
        ]

    def approve(self, payment_id: str, action: Redirect | ClientConfirm | Show) -> None:
        assert isinstance(action, Show)
        text, _, currency = action.details["Amount"].partition(" ")
        amount = Money.parse(text, currency)
        self.bookings[payment_id] = (action.details["Reference"], amount)

    def webhooks(self, payment_id: str) -> Sequence[Webhook]:
        reference, amount = self.bookings[payment_id]
        line = f"2026-01-05,{amount.decimal},{amount.currency},{reference},{payment_id}"
        body = f"booked_on,amount,currency,reference,transaction_id\n{line}\n".encode()
        headers = {"content-type": "text/csv", "x-orderloom-source": "file"}
        return [Webhook(body=body, headers=headers, received_at=datetime.now(UTC))]
