"""Settle the charge that an order is waiting for, so that another may begin or the order end."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from core.application.abandon_operation import abandon_operation
from core.application.claim_operation import never_sent
from core.application.look_up_payment import look_up_payment
from core.application.sweep_payments import sweep_payments
from core.application.void_payment import void_waiting
from core.domain.errors import PaymentUndecided
from core.domain.lifecycle import LIVE, OperationStatus
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.models import Operation, Order, Payment
from hookspecs import Feature, Verb

_STILL_PAYABLE: Final = ("OPEN", "APPROVED", "REQUIRES_ACTION", "DECLINED")
_GIVEN_UP: Final = "given up before anything moved"
_TEXT: Final = "A payment of this order is being confirmed; you will not be charged twice."


def settle_pending(
    order: Order, code: str | None, *, plugins: Registry, now: datetime
) -> UUID | None:
    """Return the payment to go on with if it is the one wanted, else end it; None: nothing pends.

    ``code`` is the strategy the customer chooses now, None where the order itself is to end.

    Raises:
        PaymentUndecided: a charge may have happened, or couldn't be ended.
        PluginUnavailable: the plugin that could end it isn't loaded; it names the package.
    """
    if _pending(order) is None:
        return None
    sweep_payments(plugins=plugins, now=now, order_id=order.id)
    operation = _pending(order)
    if operation is None:
        return None
    unsent = operation.attempt == 0 or never_sent(operation)
    if operation.status == OperationStatus.PLANNED and operation.verb == Verb.START and unsent:
        abandon_operation(operation, cause=_GIVEN_UP, now=now)  # provably without effect
        return None
    payment = Payment.objects.get(pk=operation.payment_id)
    if operation.status != OperationStatus.NEEDS_CUSTOMER:
        if code is None:
            _asked(payment, plugins)
        raise PaymentUndecided(_TEXT)
    if payment.strategy_code == code:
        return payment.id
    _end(operation, payment, plugins=plugins, now=now)
    if _pending(order) is not None:
        raise PaymentUndecided(_TEXT)
    return None


def _pending(order: Order) -> Operation | None:
    """Return the command that may still take money, or failed to make sure that none will."""
    charges = Operation.objects.filter(order_id=order.id).exclude(verb=Verb.REFUND)
    not_ended = Q(
        verb=Verb.VOID, status=OperationStatus.DECLINED, payment__status__in=_STILL_PAYABLE
    )
    return charges.filter(Q(status__in=LIVE) | not_ended).first()


def _end(operation: Operation, payment: Payment, *, plugins: Registry, now: datetime) -> None:
    """Look first; then void, or let go of what moves money only by our own capture."""
    strategy = _asked(payment, plugins)
    look_up_payment(payment.id, plugins=plugins, now=now)
    operation.refresh_from_db()
    if operation.status != OperationStatus.NEEDS_CUSTOMER:
        return
    if "void" in strategy.can:
        void_waiting(payment.id, plugins=plugins, now=now)
    elif _harmless(strategy):
        abandon_operation(operation, cause=_GIVEN_UP, now=now)


def _asked(payment: Payment, plugins: Registry) -> OfferedStrategy:
    return plugins.strategy(
        plugin=payment.plugin, code=payment.strategy_code, account=payment.account
    )


def _harmless(strategy: OfferedStrategy) -> bool:
    return bool({Feature.HARMLESS_START, Feature.MANUAL} & strategy.info.features)
