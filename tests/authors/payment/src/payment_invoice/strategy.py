"""The invoice: instructions for the customer, and what the bookkeeping says of the money."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from datetime import timedelta

from hookspecs import (
    Call,
    Fact,
    FactKind,
    Feature,
    Finding,
    InquireRequest,
    Money,
    NeedsCustomer,
    Notice,
    NotSent,
    Outcome,
    PaymentInfo,
    PaymentRequest,
    Show,
    StartRequest,
    Unknown,
    Untrusted,
    Webhook,
)
from payment_invoice.settings import Settings


class Strategy:
    """Asks the customer to transfer the money; the bookkeeping reports what arrived."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def info(self) -> PaymentInfo:
        """What it is: for one currency, up to a limit, into one account."""
        limit = self._settings.limit
        return PaymentInfo(
            code="invoice",
            label=f"Invoice, {self._settings.days} days",
            features=frozenset({Feature.MANUAL}),
            currencies=frozenset({limit.currency}),
            maximum=(limit,),
            account=self._settings.iban,
        )

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        """Tell the customer where to transfer the money to."""
        if call.seconds_left() <= 0:
            return NotSent(cause="the deadline has passed")
        return self._instructions(request)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        """Tell it again: nobody but the bookkeeping knows more."""
        if call.seconds_left() <= 0:
            return Unknown(cause="the deadline has passed")
        return self._instructions(request)

    def read_webhook(
        self, webhook: Webhook, call: Call, /
    ) -> Sequence[Notice] | Untrusted | Unknown:
        """Read a booking that the bookkeeping has signed."""
        key = self._settings.key.reveal().encode()
        signature = hmac.new(key, webhook.body, "sha256").hexdigest()
        given = webhook.headers.get("x-signature", "")
        if not hmac.compare_digest(signature.encode(), given.encode()):
            return Untrusted(cause="the signature is not the bookkeeping's")
        try:
            booking = json.loads(webhook.body)
            amount = Money.parse(booking["amount"], booking["currency"])
            return [self._notice(str(booking["id"]), str(booking["reference"]), amount)]
        except (ValueError, KeyError, TypeError) as error:
            return Untrusted(cause=f"not a booking: {type(error).__name__}")

    def _instructions(self, request: PaymentRequest) -> NeedsCustomer:
        reference = f"INV-{request.order.number}"
        due_at = request.order.placed_at + timedelta(days=self._settings.days)
        return NeedsCustomer(
            action=Show(
                text=f"Please transfer {request.amount} by {due_at:%Y-%m-%d}.",
                details={
                    "Account holder": self._settings.account_holder,
                    "IBAN": self._settings.iban,
                    "Reference": reference,
                },
            ),
            reference=reference,
            expires_at=due_at,
        )

    def _notice(self, booking: str, reference: str, amount: Money) -> Notice:
        fact = Fact(
            kind=FactKind.CAPTURED,
            object_id=booking,
            amount=amount,
            account=self._settings.iban,
        )
        return Notice(event_id=booking, reference=reference, facts=(fact,))
