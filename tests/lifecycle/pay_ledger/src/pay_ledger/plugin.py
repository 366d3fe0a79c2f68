"""What is offered: three ways to pay."""

from __future__ import annotations

from collections.abc import Iterable

from hookspecs import PaymentStrategy, hookimpl
from pay_ledger.settings import Settings
from pay_ledger.strategy import Ledger, LedgerLater, LedgerLost


@hookimpl
def payment_strategies(settings: Settings) -> Iterable[PaymentStrategy]:
    """Offer them."""
    return [Ledger(settings), LedgerLater(settings), LedgerLost(settings)]
