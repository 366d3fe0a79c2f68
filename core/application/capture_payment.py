"""Take what a payment holds: all of it, or a part, once or several times."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from core.application.commit_operation import commit_operation, once, payment_to_command
from core.application.facts import fold_payment
from core.application.next_commands import capture_row
from core.application.payment_step import PaymentStep
from core.application.send_operation import send_operation
from core.domain.errors import ConcurrentChange, InvalidInput, KeyMissing, WrongState
from core.domain.lifecycle import OrderStatus
from core.domain.remaining import part_to_capture
from core.hooks.registry import Registry
from core.models import Operation, Payment
from hookspecs import Money, Verb

_ATTEMPTS: Final = 5
_OVER: Final = (OrderStatus.CANCELLED, OrderStatus.EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePayment:
    """Take ``amount`` of what is authorised, or all, once per ``key`` of a ``principal``.

    ``final`` releases what is left; it takes a strategy with several captures to go without.
    """

    payment_id: UUID
    principal: str
    key: str
    amount: Money | None = None
    final: bool = True

    def digest(self) -> str:
        """Return a digest of what was asked for."""
        said = f"CAPTURE|{self.payment_id}|{self.amount}|{self.final}"
        return hashlib.sha256(said.encode()).hexdigest()


def capture_payment(command: CapturePayment, *, plugins: Registry, now: datetime) -> PaymentStep:
    """Commit a capture command, then send it.

    Raises:
        KeyMissing, IdempotencyConflict: no key, or one used for something else.
        NotFound: there is no such payment.
        WrongState: the order is over; what is held for it goes back.
        NothingToCapture, AmountTooHigh: nothing is authorised, or less than was asked for.
        InvalidInput: an amount below 1, or in another currency.
        NotSupported, FeatureMissing: the strategy can't capture, or not in parts.
        PaymentUndecided: another command of this payment, or charge of its order, is under way.
        PluginUnavailable: the plugin's code isn't loaded; it names the package.
    """
    if not command.key:
        raise KeyMissing("A capture needs an Idempotency-Key.")
    idem = (command.principal, command.key, command.digest())
    return once(idem, lambda: _capture(command, idem, plugins=plugins, now=now))


def _capture(
    command: CapturePayment, idem: tuple[str, str, str], *, plugins: Registry, now: datetime
) -> PaymentStep:
    for _ in range(_ATTEMPTS):
        operation = _commit(command, idem, plugins=plugins, now=now)
        if operation is not None:
            return send_operation(operation, plugins=plugins, now=now)
    raise ConcurrentChange("This payment is being changed by others; try again.")


def minor_of(amount: Money | None, payment: Payment) -> int | None:
    """Return an amount that was asked for in minor units of the payment's currency.

    Raises:
        InvalidInput: it is in another currency.
    """
    if amount is None:
        return None
    if amount.currency != payment.currency:
        raise InvalidInput(
            f"This payment is in {payment.currency}, not in {amount.currency}.", field="amount"
        )
    return amount.minor


def _commit(
    command: CapturePayment, idem: tuple[str, str, str], *, plugins: Registry, now: datetime
) -> Operation | None:
    payment, strategy = payment_to_command(
        command.payment_id, Verb.CAPTURE, plugins=plugins, now=now
    )
    if payment.order.status in _OVER:
        raise WrongState(
            f"This order is {payment.order.status.lower()}: nothing is taken for it any more.",
            status=payment.order.status,
        )
    after = fold_payment(payment)
    part = part_to_capture(
        after,
        minor=minor_of(command.amount, payment),
        final=command.final,
        features=strategy.info.features,
    )
    row = capture_row(
        payment,
        after,
        part,
        final=command.final,
        now=now,
        keys_kept=strategy.info.keys_kept,
        sent=True,
        idem=idem,
    )
    return commit_operation(payment, row, now=now)
