"""Void a payment that nobody has paid yet, so that nobody will."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.application.follow_up import follow_up
from core.application.payment_step import PaymentStep, payment_step
from core.domain.errors import NotFound, NotSupported
from core.domain.lifecycle import LIVE, OperationStatus
from core.hooks.registry import Registry
from core.models import Operation, Payment
from hookspecs import Verb


def void_payment(payment_id: UUID, *, plugins: Registry, now: datetime) -> PaymentStep:
    """Give a payment back untaken, while it waits for its customer.

    Raises:
        NotFound: there is no such payment.
        NotSupported: the strategy can't void.
        PluginUnavailable: the plugin's code isn't loaded.
    """
    payment = Payment.objects.select_related("order").filter(pk=payment_id).first()
    if payment is None:
        raise NotFound("There is no such payment.")
    waiting = Operation.objects.filter(payment_id=payment_id, status__in=LIVE).first()
    if waiting is None or waiting.status != OperationStatus.NEEDS_CUSTOMER:
        return payment_step(payment_id)
    strategy = plugins.strategy(
        plugin=payment.plugin, code=payment.strategy_code, account=payment.account
    )
    if "void" not in strategy.can:
        raise NotSupported(f"{payment.label} can't be voided.", verb="VOID")
    return follow_up(
        verb=Verb.VOID,
        after=waiting,
        payment=payment,
        params={},
        strategy=strategy,
        plugins=plugins,
        now=now,
    )
