"""Give back what a payment captured and still holds: all of it, or a part."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q, Sum

from core.application.capture_payment import minor_of
from core.application.commit_operation import (
    BEATEN,
    answered_before,
    commit_operation,
    payment_to_command,
)
from core.application.facts import fold_payment
from core.application.next_commands import refund_row
from core.application.payment_step import PaymentStep, payment_step
from core.application.send_operation import send_operation
from core.domain.errors import ConcurrentChange, KeyMissing, NotSupported
from core.domain.lifecycle import OperationStatus
from core.domain.remaining import parts_to_refund
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.infrastructure.crashpoints import crashpoint
from core.models import Operation, Payment
from hookspecs import Money, Verb

_ATTEMPTS: Final = 5
_PART_OF: Final = "part_of"
_ASKED: Final = "asked_minor"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPayment:
    """Refund ``amount`` of a payment, or all that is left, once per ``key`` of a ``principal``."""

    payment_id: UUID
    principal: str
    key: str
    reason: str = ""
    amount: Money | None = None

    def digest(self) -> str:
        """Return a digest of what was asked for."""
        said = f"REFUND|{self.payment_id}|{self.amount}|{self.reason}"
        return hashlib.sha256(said.encode()).hexdigest()


def refund_payment(command: RefundPayment, *, plugins: Registry, now: datetime) -> PaymentStep:
    """Commit a refund command for each capture that has to bear it, and send them one by one.

    Refunds, those in doubt included, never exceed captures: a payment has one live command, and
    one is committed only if the order stands as it was read before the facts. Asked again under
    its key, a refund of several captures that was cut short goes on.

    Raises:
        KeyMissing, IdempotencyConflict: no key, or one used for something else.
        NotFound: there is no such payment.
        NothingToRefund, AmountTooHigh: nothing captured is left, or less than was asked for.
        InvalidInput: an amount below 1, or in another currency.
        NotSupported, FeatureMissing: the strategy can't refund, or not in parts.
        PaymentUndecided: another command of this payment is under way.
        PluginUnavailable: the plugin's code isn't loaded; it names the package.
    """
    if not command.key:
        raise KeyMissing("A refund needs an Idempotency-Key.")
    idem = (command.principal, command.key, command.digest())
    beaten = 0
    while beaten < _ATTEMPTS:
        answered_before(*idem)
        first = Operation.objects.filter(idem_principal=idem[0], idem_key=idem[1]).first()
        left = None if first is None else _left(first)
        if first is not None and not left:
            return payment_step(command.payment_id)
        try:
            operation = _commit(command, first, left, plugins=plugins, now=now)
        except BEATEN:
            if first is not None or answered_before(*idem) is None:
                raise
            operation = None  # the same click was faster: its answer is this one's as well
        if operation is None:
            beaten += 1
            continue
        crashpoint("refund.intended")
        step = send_operation(operation, plugins=plugins, now=now)
        crashpoint("refund.done")
        if step.operation_status != OperationStatus.DONE or not _left(first or operation):
            return step
    raise ConcurrentChange("This payment is being changed by others; try again.")


def refunding_strategy(payment: Payment, plugins: Registry) -> OfferedStrategy:
    """Return the strategy that can refund a payment.

    Raises:
        NotSupported: none could: it was collected elsewhere, or the strategy has no refunds.
        PluginUnavailable: the plugin's code isn't loaded.
    """
    if not payment.plugin:
        raise NotSupported(
            f"{payment.label} was collected elsewhere, so give it back there.", verb="REFUND"
        )
    strategy = plugins.strategy(
        plugin=payment.plugin, code=payment.strategy_code, account=payment.account
    )
    if "refund" not in strategy.can:
        raise NotSupported(f"{payment.label} can't be refunded.", verb="REFUND")
    return strategy


def _left(first: Operation) -> int:
    """Return what of a refund no command was committed for yet; 0 as well where one of them failed."""
    parts = Operation.objects.filter(Q(pk=first.pk) | Q(**{f"params__{_PART_OF}": first.pk.hex}))
    if parts.exclude(status=OperationStatus.DONE).exists():
        return 0
    committed = parts.aggregate(minor=Sum("amount_minor"))["minor"]
    return int(first.params[_ASKED]) - int(committed)


def _commit(
    command: RefundPayment,
    first: Operation | None,
    left: int | None,
    *,
    plugins: Registry,
    now: datetime,
) -> Operation | None:
    """Write the next refund command before the wire; None: somebody was faster, read again."""
    payment, strategy = payment_to_command(
        command.payment_id, Verb.REFUND, plugins=plugins, now=now
    )
    after = fold_payment(payment)
    asked = minor_of(command.amount, payment) if first is None else left
    parts = parts_to_refund(after, minor=asked, features=strategy.info.features)
    idem = (command.principal, command.key, command.digest()) if first is None else None
    row = refund_row(
        payment,
        after,
        parts[0],
        reason=command.reason,
        now=now,
        keys_kept=strategy.info.keys_kept,
        sent=True,
        idem=idem,
    )
    row["params"] |= (
        {_ASKED: sum(part.minor for part in parts)} if first is None else {_PART_OF: first.pk.hex}
    )
    return commit_operation(payment, row, now=now)
