"""Compare what a gateway says with what was asked: news of something else never moves money."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from core.application.facts import folded
from core.domain import journal
from core.domain.errors import ConcurrentChange
from core.domain.payments import IncidentCode
from core.models import Event, Order, Payment
from core.models.journal import Chain
from core.models.order import advance
from core.models.sheet import RuleViolated, Sheet
from hookspecs import Declined, Done, Finding, Outcome, Unknown

MISTAKEN: Final = "REFERENCE_MISMATCH"
NO_MATCH: Final = "what came back doesn't match what was asked: a person has to look"
_ATTEMPTS: Final = 5
_Answer = TypeVar("_Answer")
_DOUBTFUL: Final = frozenset({IncidentCode.FOREIGN, IncidentCode.OVER_CAPTURED})


def compared(answer: _Answer, payment: Payment, *, now: datetime) -> _Answer | Unknown:
    """Return an answer, or Unknown and an incident if it is about something else."""
    reference = getattr(answer, "reference", None)
    empty = isinstance(answer, Declined) and not answer.facts
    if empty or not is_another(reference, payment):
        return answer
    note_mistaken(payment.id, str(reference), now=now)
    return Unknown(cause=NO_MATCH)


def is_another(reference: str | None, payment: Payment) -> bool:
    """Say whether a provider's reference is another one than the payment has."""
    return None not in (reference, payment.reference) and reference != payment.reference


def is_doubtful(answer: Outcome | Finding, payment: Payment) -> bool:
    """Say whether a yes comes with another amount, currency or account than was asked for."""
    if not isinstance(answer, Done):
        return False
    return any(one.code in _DOUBTFUL for one in folded(payment, answer.facts).incidents)


def note_mistaken(payment_id: UUID, reference: str, *, now: datetime) -> None:
    """Write into the order's journal, once, that news of another payment came for this one.

    Raises:
        ConcurrentChange: too many others moved the order at the same time.
    """
    data = {"payment": str(payment_id), "code": MISTAKEN, "object": reference}
    for _ in range(_ATTEMPTS):
        order = Order.objects.get(payments=payment_id)
        known = Event.objects.filter(order_id=order.id, kind=journal.INCIDENT)
        if any(event.data == data for event in known):
            return
        try:
            _sheet(order, data, now=now).write()
        except RuleViolated as missed:
            if missed.rule != "order_moved":
                raise
            continue
        return
    raise ConcurrentChange("This order is being changed by others; try again.")


def _sheet(order: Order, data: dict[str, str], *, now: datetime) -> Sheet:
    chain = Chain(
        order_id=order.id, tenant_id=order.tenant_id, seq=order.log_seq, head=order.log_head
    )
    chain.add(journal.INCIDENT, at=now, data=data)
    sheet = Sheet()
    sheet.change(
        advance(1),
        {
            "id": order.id,
            "status": order.status,
            "payment_status": order.payment_status,
            "stock": order.stock,
            "log_seq": chain.seq,
            "log_head": chain.head,
        },
    )
    sheet.insert(Event, *chain.rows)
    return sheet
