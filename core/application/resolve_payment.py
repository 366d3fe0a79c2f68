"""Record what a person found out about a payment that the shop can't find out by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from core.application.apply_facts import ApplyFacts, OperationMoved, apply_facts
from core.application.payment_step import PaymentStep, payment_step
from core.domain.errors import InvalidInput, NotFound, PaymentUndecided
from core.domain.lifecycle import LIVE, OperationStatus
from core.models import Operation, Payment
from hookspecs import Fact, FactKind, Money, Verb

_DID_NOT_HAPPEN: Final = frozenset(
    {FactKind.AUTHORIZATION_FAILED, FactKind.CAPTURE_FAILED, FactKind.REFUND_FAILED}
)
_CLOSED: Final = frozenset({FactKind.APPROVAL_CLOSED, FactKind.AUTHORIZATION_CLOSED})
_PENDING: Final = frozenset(
    {FactKind.AUTHORIZATION_PENDING, FactKind.CAPTURE_PENDING, FactKind.REFUND_PENDING}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvePayment:
    """What a person knows of a payment, and why.

    ``kind`` None says that the command in doubt did nothing, or, with none in doubt, that
    somebody has seen what is open. ``object_id`` is the provider's name of what happened, so that
    its own news of it isn't counted twice; without one the fact stands for itself.
    """

    payment_id: UUID
    reason: str
    kind: FactKind | None = None
    amount: Money | None = None
    object_id: str = ""
    parent_id: str | None = None


def resolve_payment(command: ResolvePayment, *, now: datetime) -> PaymentStep:
    """Store a person's fact, settle the command in doubt by it, and write both down.

    Raises:
        NotFound: there is no such payment.
        InvalidInput: no reason, or an amount below 0, missing or in another currency.
        PaymentUndecided: a command is with its gateway this very moment.
    """
    if not command.reason.strip():
        raise InvalidInput("Say why: it goes into the order's journal.", field="reason")
    payment = Payment.objects.filter(pk=command.payment_id).first()
    if payment is None:
        raise NotFound("There is no such payment.")
    live = Operation.objects.filter(payment_id=payment.id, status__in=LIVE).first()
    if live is not None and live.status == OperationStatus.SENT:
        raise PaymentUndecided("A command is with the gateway right now; try again in a minute.")
    apply_facts(
        ApplyFacts(
            payment_id=payment.id,
            facts=_facts(command, payment, live),
            source="PERSON",
            moved=None if live is None else _moved(command, live),
            reason=command.reason.strip(),
        ),
        now=now,
    )
    return payment_step(payment.id)


def _facts(command: ResolvePayment, payment: Payment, live: Operation | None) -> tuple[Fact, ...]:
    if command.kind is None:
        return ()
    amount = command.amount
    if amount is None or amount.currency != payment.currency or amount.minor < 0:
        raise InvalidInput(f"This fact needs an amount in {payment.currency}.", field="amount")
    named = command.object_id or f"person-{(live.id if live else payment.id).hex}"
    return (
        Fact(
            kind=command.kind,
            object_id=named,
            amount=amount,
            parent_id=command.parent_id,
            operation_id=live.id.hex if live else None,
            account=payment.account,
        ),
    )


def _moved(command: ResolvePayment, live: Operation) -> OperationMoved | None:
    """Say what becomes of the command in doubt; what is merely pending leaves it open."""
    if command.kind in _PENDING:
        return None
    failed = command.kind is None or command.kind in _DID_NOT_HAPPEN
    closed = command.kind in _CLOSED and live.verb != Verb.VOID
    status = OperationStatus.ABANDONED if failed or closed else OperationStatus.DONE
    return OperationMoved(
        operation_id=live.id,
        fence=live.fence,
        status=status.value,
        outcome={"cause": "a person said so"},
        looks=live.looks,
    )
