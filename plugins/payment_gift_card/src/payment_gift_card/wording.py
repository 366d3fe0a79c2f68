"""What the ledger holds, in the words of the contract."""

from __future__ import annotations

from hookspecs import Fact, FactKind, Money, Notice
from payment_gift_card.models import Taking


def facts_of(taking: Taking) -> tuple[Fact, ...]:
    """Say what is true of a taking and of what was given back of it."""
    return (*_taken(taking), *_given_back(taking))


def notice_of(taking: Taking) -> Notice:
    """Return the news of one taking; what was given back since makes it other news."""
    count = len(taking.refunds.all())
    event_id = f"{taking.id}:{taking.status}:{count}"
    return Notice(event_id=event_id, payment_id=taking.payment_id, facts=facts_of(taking))


def _taken(taking: Taking) -> tuple[Fact, ...]:
    named, currency = str(taking.id), taking.card.currency
    whole = Money(taking.taken_minor, currency)
    taken = Money(taking.captured_minor, currency)
    started = taking.operation_id
    if taking.status == Taking.Status.CAPTURED and taking.capture_operation_id is None:
        return (
            Fact(
                kind=FactKind.CAPTURED,
                object_id=named,
                amount=taken,
                operation_id=started,
                at=taking.settled_at,
            ),
        )
    held = Fact(
        kind=FactKind.AUTHORIZED,
        object_id=named,
        amount=whole,
        operation_id=started,
        at=taking.taken_at,
    )
    closed = Fact(kind=FactKind.AUTHORIZATION_CLOSED, object_id=named, amount=whole)
    if taking.status == Taking.Status.HELD:
        return (held,)
    if taking.status == Taking.Status.RELEASED:
        return (held, closed)
    captured = Fact(
        kind=FactKind.CAPTURED,
        object_id=named,
        amount=taken,
        parent_id=named,
        operation_id=taking.capture_operation_id,
        at=taking.settled_at,
    )
    return (held, captured) if taken == whole else (held, captured, closed)


def _given_back(taking: Taking) -> tuple[Fact, ...]:
    return tuple(
        Fact(
            kind=FactKind.REFUNDED,
            object_id=str(refund.id),
            amount=Money(refund.amount_minor, taking.card.currency),
            parent_id=str(taking.id),
            operation_id=refund.operation_id,
            at=refund.given_at,
        )
        for refund in taking.refunds.all()
    )
