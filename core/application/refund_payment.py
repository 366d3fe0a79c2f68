"""Give everything back that a payment captured and still holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.application.commanding import operation_clock
from core.application.facts import folded, refund_rows, stated
from core.application.payment_step import PaymentStep, payment_step
from core.application.send_operation import send_operation
from core.domain.errors import (
    ConcurrentChange,
    IdempotencyConflict,
    KeyMissing,
    NotFound,
    NothingToRefund,
    NotSupported,
    PaymentUndecided,
)
from core.domain.lifecycle import LIVE
from core.domain.payments import Folded
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.infrastructure.crashpoints import crashpoint
from core.models import Fact, Operation, Payment
from core.models.sheet import RuleViolated, Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPayment:
    """Refund a payment in full, once per ``key`` of a ``principal``."""

    payment_id: UUID
    principal: str
    key: str
    reason: str = ""

    def digest(self) -> str:
        """Return a digest of what was asked for."""
        return hashlib.sha256(f"{self.payment_id}|{self.reason}".encode()).hexdigest()


def refund_payment(command: RefundPayment, *, plugins: Registry, now: datetime) -> PaymentStep:
    """Commit a refund command for what is left of each capture, and send them one by one.

    Raises:
        KeyMissing, IdempotencyConflict: no key, or one used for something else.
        NotFound: there is no such payment.
        NothingToRefund: nothing captured is left.
        NotSupported: the strategy can't refund.
        PaymentUndecided: another command of this payment is under way.
        PluginUnavailable: the plugin's code isn't loaded; it names the package.
    """
    if not command.key:
        raise KeyMissing("A refund needs an Idempotency-Key.")
    if (before := _refunded_before(command)) is not None:
        return before
    payment = Payment.objects.filter(pk=command.payment_id).first()
    if payment is None:
        raise NotFound("There is no such payment.")
    strategy = refunding_strategy(payment, plugins)
    idem: tuple[str, str, str] | None = (command.principal, command.key, command.digest())
    while (after := fold_payment(payment)).refundable > 0:
        operation = _commit(command, payment, after, strategy=strategy, idem=idem, now=now)
        crashpoint("refund.intended")
        step = send_operation(operation, plugins=plugins, now=now)
        crashpoint("refund.done")
        idem = None
        if fold_payment(payment).refundable >= after.refundable:
            return step  # declined, unknown or still under way: the next capture waits
    if idem is not None:
        raise NothingToRefund("Nothing that was paid is left to give back.")
    return payment_step(payment.id)


def refunding_strategy(payment: Payment, plugins: Registry) -> OfferedStrategy:
    """Return the strategy that can refund a payment.

    Raises:
        NotSupported: none could: it was collected elsewhere, or the strategy has no refunds.
        PluginUnavailable: the plugin's code isn't loaded.
    """
    if not payment.plugin:
        raise NotSupported(
            "This money was collected elsewhere and is given back there.", verb="REFUND"
        )
    strategy = plugins.strategy(
        plugin=payment.plugin, code=payment.strategy_code, account=payment.account
    )
    if "refund" not in strategy.can:
        raise NotSupported(f"{payment.label} can't be refunded.", verb="REFUND")
    return strategy


def fold_payment(payment: Payment) -> Folded:
    """Return what the stored facts of a payment amount to."""
    return folded(payment, [stated(row) for row in Fact.objects.filter(payment_id=payment.id)])


def _commit(
    command: RefundPayment,
    payment: Payment,
    after: Folded,
    *,
    strategy: OfferedStrategy,
    idem: tuple[str, str, str] | None,
    now: datetime,
) -> Operation:
    """Write one refund command before the wire; one live command a payment guards the sum."""
    if Operation.objects.filter(payment_id=payment.id, status__in=LIVE).exists():
        raise PaymentUndecided("Another command of this payment is under way.")
    rows: list[dict[str, Any]] = refund_rows(
        payment,
        after,
        reason=command.reason,
        now=now,
        amount=after.refundable,
        keys_kept=strategy.info.keys_kept,
        sent=True,
        idem=idem,
    )
    sheet = Sheet()
    sheet.insert(Operation, rows[0], clock=operation_clock(sent=True))
    try:
        sheet.write()
    except RuleViolated as missed:
        raise ConcurrentChange("This payment is being changed by others; try again.") from missed
    return Operation.objects.get(pk=rows[0]["id"])


def _refunded_before(command: RefundPayment) -> PaymentStep | None:
    operation = Operation.objects.filter(
        idem_principal=command.principal, idem_key=command.key
    ).first()
    if operation is None:
        return None
    if operation.idem_digest != command.digest():
        raise IdempotencyConflict("This Idempotency-Key was used for something else.")
    return payment_step(operation.payment_id)
