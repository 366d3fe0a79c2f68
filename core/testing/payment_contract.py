"""The payment contract suite: subclass `PaymentContract`, give it a strategy and a ledger, pass."""

from __future__ import annotations

from core.testing.payment_doubts import DoubtCases
from core.testing.payment_manners import MannerCases
from core.testing.payment_moves import MoveCases
from core.testing.payment_news import NewsCases

__all__ = ["PaymentContract"]


class PaymentContract(MannerCases, MoveCases, DoubtCases, NewsCases):
    """What every way to pay has to do, whoever wrote it, with a core that is hostile.

    A subclass has a fixture ``strategy`` and overrides ``ledger``, ``approve`` and, as far as its
    provider can do it, the other hooks of ``PaymentAdapter``. A case that doesn't concern it is
    skipped as "not applicable". ``-p core.testing.conformance --conformance FILE`` writes what
    came of it::

        class TestMine(PaymentContract):
            plugin = "payment-mine"

            @pytest.fixture
            def strategy(self, provider):
                self.provider = provider
                return MyStrategy(Settings(base=provider.base))

            def ledger(self):
                return [
                    Moved(kind="CHARGE", payment_id=one.metadata, amount=one.amount)
                    for one in self.provider.charges
                ]

            def approve(self, payment_id, action):
                self.provider.click(action.url)
    """
