"""Bank transfers: instructions for the customer, and what the bank says has come in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hookspecs import (
    Call,
    DeclineCode,
    Declined,
    Feature,
    Finding,
    InquireRequest,
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
from payment_bank_transfer.reference import printed, reference_of
from payment_bank_transfer.settings import Settings
from payment_bank_transfer.statement import UnreadableError, notices_of

_SOURCE = "x-orderloom-source"
"""Set by the core where something was handed in; what comes over HTTP can't have it."""


class BankTransfer:
    """Asks the customer to transfer the money; the bank's statement tells when it is there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._info = PaymentInfo(
            code="bank-transfer",
            label=settings.label,
            features=frozenset({Feature.MANUAL}),
            currencies=frozenset(settings.currencies) or None,
            account=settings.account,
        )

    @property
    def info(self) -> PaymentInfo:
        """What this way to pay is."""
        return self._info

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        """Tell the customer where to transfer the money to."""
        if call.seconds_left() <= 0:
            return NotSent(cause="the deadline has passed")
        return self._instructions(request)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        """Tell it again: nobody but the bank knows more."""
        if call.seconds_left() <= 0:
            return Unknown(cause="the deadline has passed")
        return self._instructions(request)

    def read_webhook(
        self, webhook: Webhook, call: Call, /
    ) -> Sequence[Notice] | Untrusted | Unknown:
        """Read a statement that somebody handed in as a file; nothing else is believed."""
        if call.seconds_left() <= 0:
            return Unknown(cause="the deadline has passed")
        if webhook.headers.get(_SOURCE) != "file":
            return Untrusted(cause="a statement is believed only when it is handed in as a file")
        if webhook.headers.get("content-type", "").partition(";")[0].strip() != "text/csv":
            return Untrusted(cause="a statement is a CSV file")
        try:
            return notices_of(webhook.body, account=self._settings.account)
        except UnreadableError as error:
            return Untrusted(cause=f"no statement that can be read: {error}")

    def _instructions(self, request: PaymentRequest) -> NeedsCustomer | Declined:
        try:
            reference = reference_of(request.order.number)
        except ValueError as error:
            return Declined(code=DeclineCode.INVALID_REQUEST, text=str(error))
        due_at = request.order.placed_at + timedelta(days=self._settings.days)
        details = {
            "Account holder": self._settings.account_holder,
            "IBAN": printed(self._settings.account),
            "BIC": self._settings.bic,
            "Amount": str(request.amount),
            "Reference": printed(reference),
        }
        return NeedsCustomer(
            action=Show(
                text=f"Please transfer {request.amount} by {due_at:%Y-%m-%d}.",
                details={name: text for name, text in details.items() if text},
            ),
            reference=reference,
            expires_at=due_at,
        )
