"""Commit a command before the wire, if its order still stands as it was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from core.application.commanding import operation_clock
from core.application.follow_up import order_moves_on
from core.application.payment_step import PaymentStep, payment_step
from core.application.sweep_payments import sweep_payments
from core.domain.errors import (
    AmountTooHigh,
    ConcurrentChange,
    IdempotencyConflict,
    NotFound,
    NothingToCapture,
    NothingToRefund,
    NothingToVoid,
    NotSupported,
    PaymentUndecided,
)
from core.domain.lifecycle import LIVE
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.models import Event, Operation, Payment
from core.models.sheet import RuleViolated, Sheet
from hookspecs import Verb

_READ_AGAIN: Final = frozenset({"order_moved", "operation_key_unique"})
BEATEN: Final = (
    AmountTooHigh,
    ConcurrentChange,
    NothingToCapture,
    NothingToRefund,
    NothingToVoid,
    PaymentUndecided,
)
"""What is refused, or seems so, once somebody else was faster."""
_OTHERS: Final = frozenset({"operation_one_live_per_payment", "operation_one_charge_per_order"})


def answered_before(principal: str, key: str, digest: str) -> PaymentStep | None:
    """Return how the payment stands whose command was given under this key before.

    Raises:
        IdempotencyConflict: the key was used for something else.
    """
    operation = Operation.objects.filter(idem_principal=principal, idem_key=key).first()
    if operation is None:
        return None
    if operation.idem_digest != digest:
        raise IdempotencyConflict("This Idempotency-Key was used for something else.")
    return payment_step(operation.payment_id)


def once(idem: tuple[str, str, str], act: Callable[[], PaymentStep]) -> PaymentStep:
    """Return what was answered under this key before, or else what comes of acting.

    ``idem`` is principal, key and digest. Where the same click was faster while this one acted, its
    answer is this one's as well.

    Raises:
        IdempotencyConflict: the key was used for something else.
        Refusal: what acting raises.
    """
    if (before := answered_before(*idem)) is not None:
        return before
    try:
        return act()
    except BEATEN:
        if (before := answered_before(*idem)) is not None:
            return before
        raise


def payment_to_command(
    payment_id: UUID, verb: Verb, *, plugins: Registry, now: datetime
) -> tuple[Payment, OfferedStrategy]:
    """Return a payment as it stands before a new command, its order read before anything else.

    What is overdue is finished first; what follows is decided by facts read after the order, so
    that ``commit_operation`` notices whatever comes in between.

    Raises:
        NotFound: there is no such payment.
        NotSupported: the strategy, or a payment collected elsewhere, has no such command.
        PluginUnavailable: the plugin's code isn't loaded.
    """
    payment = _read(payment_id)
    name = verb.value.lower()
    if not payment.plugin:
        raise NotSupported(f"{payment.label} was collected elsewhere.", verb=verb.value)
    strategy = plugins.strategy(
        plugin=payment.plugin, code=payment.strategy_code, account=payment.account
    )
    if name not in strategy.can:
        raise NotSupported(f"{payment.label} can't {name}.", verb=verb.value)
    if Operation.objects.filter(payment_id=payment_id, status__in=LIVE).exists():
        sweep_payments(plugins=plugins, now=now, order_id=payment.order_id)
        payment = _read(payment_id)
    return payment, strategy


def commit_operation(
    payment: Payment, operation: Mapping[str, Any], *, now: datetime
) -> Operation | None:
    """Write a command, born SENT, and move its order on; None: the order moved, read again.

    Raises:
        PaymentUndecided: another command of the payment, or charge of the order, is under way.
    """
    if Operation.objects.filter(payment_id=payment.id, status__in=LIVE).exists():
        raise PaymentUndecided("Another command of this payment is under way.")
    sheet = Sheet()
    event = order_moves_on(sheet, payment, operation, now=now)
    sheet.insert(Operation, operation, clock=operation_clock(sent=Verb(operation["verb"])))
    sheet.insert(Event, event)
    try:
        sheet.write()
    except RuleViolated as missed:
        if missed.rule in _OTHERS:
            raise PaymentUndecided("Another command of this payment is under way.") from missed
        if missed.rule in _READ_AGAIN:
            return None
        raise
    return Operation.objects.get(pk=operation["id"])


def _read(payment_id: UUID) -> Payment:
    payment = (
        Payment.objects.select_related("order")
        .defer("order__receipt")
        .filter(pk=payment_id)
        .first()
    )
    if payment is None:
        raise NotFound("There is no such payment.")
    return payment
