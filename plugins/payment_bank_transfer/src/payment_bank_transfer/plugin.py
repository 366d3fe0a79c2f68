"""What this plugin answers to the core: one way to pay."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import PaymentStrategy, hookimpl
from payment_bank_transfer.settings import Settings
from payment_bank_transfer.strategy import BankTransfer


@hookimpl
def payment_strategies(settings: Settings) -> Iterable[PaymentStrategy]:
    """Offer bank transfers."""
    return (BankTransfer(settings),)
