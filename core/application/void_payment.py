"""Give a payment back untaken: one that waits for its customer, or one that is authorised."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from core.application.commit_operation import commit_operation, once, payment_to_command
from core.application.facts import fold_payment
from core.application.follow_up import follow_up
from core.application.next_commands import void_row
from core.application.payment_step import PaymentStep, payment_step
from core.application.send_operation import send_operation
from core.domain.errors import ConcurrentChange, KeyMissing, NothingToVoid
from core.domain.lifecycle import LIVE, OperationStatus
from core.domain.remaining import to_capture
from core.hooks.registry import Registry
from core.models import Operation, Payment
from hookspecs import Verb

_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidPayment:
    """Let a payment go untaken, once per ``key`` of a ``principal``."""

    payment_id: UUID
    principal: str
    key: str

    def digest(self) -> str:
        """Return a digest of what was asked for."""
        return hashlib.sha256(f"VOID|{self.payment_id}".encode()).hexdigest()


def void_payment(command: VoidPayment, *, plugins: Registry, now: datetime) -> PaymentStep:
    """Commit a void command for what is authorised, or waits for its customer, and send it.

    Raises:
        KeyMissing, IdempotencyConflict: no key, or one used for something else.
        NotFound: there is no such payment.
        NothingToVoid: nothing is authorised, and nobody is waited for.
        NotSupported, PluginUnavailable: the strategy can't void, or its code isn't loaded.
        PaymentUndecided: another command of this payment is under way.
    """
    if not command.key:
        raise KeyMissing("A void needs an Idempotency-Key.")
    idem = (command.principal, command.key, command.digest())
    return once(idem, lambda: _void(command, idem, plugins=plugins, now=now))


def _void(
    command: VoidPayment, idem: tuple[str, str, str], *, plugins: Registry, now: datetime
) -> PaymentStep:
    for _ in range(_ATTEMPTS):
        payment, strategy = payment_to_command(
            command.payment_id, Verb.VOID, plugins=plugins, now=now
        )
        if _waiting(payment) is not None:
            return void_waiting(payment.id, plugins=plugins, now=now, idem=idem)
        held = to_capture(fold_payment(payment))
        if not held:
            raise NothingToVoid("Nothing is held that could be given back untaken.")
        row = void_row(
            payment,
            held[0].object_id,
            minor=held[0].minor,
            now=now,
            keys_kept=strategy.info.keys_kept,
            sent=True,
            idem=idem,
        )
        if (operation := commit_operation(payment, row, now=now)) is not None:
            return send_operation(operation, plugins=plugins, now=now)
    raise ConcurrentChange("This payment is being changed by others; try again.")


def void_waiting(
    payment_id: UUID,
    *,
    plugins: Registry,
    now: datetime,
    idem: tuple[str, str, str] | None = None,
) -> PaymentStep:
    """Give a payment back untaken while it waits for its customer; else leave it as it is.

    Raises:
        NotFound: there is no such payment.
        NotSupported, PluginUnavailable: the strategy can't void, or its code isn't loaded.
    """
    payment, strategy = payment_to_command(payment_id, Verb.VOID, plugins=plugins, now=now)
    waiting = _waiting(payment)
    if waiting is None:
        return payment_step(payment_id)
    return follow_up(
        verb=Verb.VOID,
        after=waiting,
        payment=payment,
        params={},
        strategy=strategy,
        plugins=plugins,
        now=now,
        idem=idem,
    )


def _waiting(payment: Payment) -> Operation | None:
    live = Operation.objects.filter(payment_id=payment.id, status__in=LIVE).first()
    return live if live is not None and live.status == OperationStatus.NEEDS_CUSTOMER else None
