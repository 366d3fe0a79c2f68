"""What waits for a person: money in doubt, held for nobody, or told of and not understood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from core.application.facts import fold_payment
from core.conf import conf
from core.domain import journal
from core.domain.lifecycle import LIVE, InboxStatus, OperationStatus, OrderStatus, PaymentStatus
from core.domain.settling import kept_minor
from core.models import Event, InboxEntry, Operation, Order, Payment
from hookspecs import Money

_OVER: Final = (OrderStatus.CANCELLED, OrderStatus.EXPIRED)
_HOLDS: Final = (
    "AUTHORIZED",
    "PARTIALLY_CAPTURED",
    "CAPTURED",
    "PARTIALLY_REFUNDED",
    "DISPUTED",
)


class Risk(StrEnum):
    """Why a person has to look."""

    UNDECIDED = "UNDECIDED"
    """A command whose outcome nobody could find out, past the last look-up."""
    NO_LIVE_ORDER = "NO_LIVE_ORDER"
    """Money held for an order that is over, and that didn't go back by itself."""
    PARTLY_PAID = "PARTLY_PAID"
    """Money for an order whose rest hasn't come in time."""
    INCIDENT = "INCIDENT"
    """Facts that don't add up, or money that isn't this payment's."""
    UNMATCHED = "UNMATCHED"
    """A webhook or file that names no payment of ours, or that its gateway doesn't confirm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk:
    """One thing for a person to look at; ``payment_id`` or ``entry_id`` says where."""

    risk: Risk
    since: datetime
    text: str
    order_number: str = ""
    payment_id: UUID | None = None
    entry_id: UUID | None = None
    amount: Money | None = None


def money_at_risk(*, now: datetime) -> tuple[AtRisk, ...]:
    """Return what waits for a person, the oldest first; it empties by what they do."""
    found = [*_undecided(now), *_without_order(), *_partly_paid(now), *_incidents(), *_unmatched()]
    return tuple(sorted(found, key=lambda one: one.since))


def _undecided(now: datetime) -> Iterator[AtRisk]:
    """Those past the last look-up, and whatever has been in doubt for as long as that."""
    oldest = now - timedelta(seconds=conf().look_ups[-1])
    given_up = Q(due_at__isnull=True) | Q(created_at__lt=oldest)
    doubtful = Operation.objects.filter(given_up, status=OperationStatus.UNKNOWN)
    for operation in doubtful.select_related("payment__order").defer("payment__order__receipt"):
        cause = (operation.outcome or {}).get("cause", "")
        yield _of(
            operation.payment,
            Risk.UNDECIDED,
            f"{operation.verb.lower()} in doubt: {cause or 'no answer'}",
            minor=operation.amount_minor,
            since=operation.created_at,
        )


def _without_order() -> Iterator[AtRisk]:
    held = Payment.objects.filter(order__status__in=_OVER, status__in=_HOLDS)
    for payment in _with_orders(held.exclude(operations__status__in=LIVE)):
        after = fold_payment(payment)
        minor = after.refundable + after.authorized
        if minor > 0:
            text = f"held for an order that is {payment.order.status.lower()}"
            yield _of(payment, Risk.NO_LIVE_ORDER, text, minor=minor)


def _partly_paid(now: datetime) -> Iterator[AtRisk]:
    late = Order.objects.filter(
        status=OrderStatus.CONFIRMED,
        payment_status=PaymentStatus.PARTIALLY_PAID,
        expires_at__lte=now,
    )
    for payment in _with_orders(Payment.objects.filter(order__in=late.values("pk"))):
        if (minor := kept_minor(fold_payment(payment))) > 0:
            yield _of(payment, Risk.PARTLY_PAID, "the rest of the price is overdue", minor=minor)


def _incidents() -> Iterator[AtRisk]:
    """Incidents are folded afresh, so that they clear by themselves, or once somebody saw them."""
    told: dict[str, list[Event]] = {}
    kinds = (journal.INCIDENT, journal.PAYMENT_RESOLVED)
    orders = Event.objects.filter(kind=journal.INCIDENT).values("order_id")
    for event in Event.objects.filter(kind__in=kinds, order_id__in=orders).order_by("seq"):
        about = str(event.data.get("payment"))
        seen = event.kind == journal.PAYMENT_RESOLVED
        told[about] = [] if seen else [*told.get(about, ()), event]
    unseen = [key for key, events in told.items() if events]
    for payment in _with_orders(Payment.objects.filter(pk__in=unseen)):
        events = told[str(payment.id)]
        texts = [f"{one.code}: {one.text}" for one in fold_payment(payment).incidents]
        if any(event.data.get("code") == journal.TAKEN_THOUGH_DECLINED for event in events):
            texts.append("the gateway took money and said that it had declined")
        for text in texts:
            yield _of(payment, Risk.INCIDENT, text, since=events[-1].at)


def _unmatched() -> Iterator[AtRisk]:
    for entry in InboxEntry.objects.filter(status=InboxStatus.UNMATCHED).defer("body"):
        yield AtRisk(
            risk=Risk.UNMATCHED,
            since=entry.received_at,
            text=f"{entry.plugin}: {entry.cause}",
            entry_id=entry.id,
        )


def _with_orders(payments: QuerySet[Payment]) -> list[Payment]:
    return list(payments.select_related("order").defer("order__receipt"))


def _of(
    payment: Payment,
    risk: Risk,
    text: str,
    *,
    minor: int | None = None,
    since: datetime | None = None,
) -> AtRisk:
    return AtRisk(
        risk=risk,
        since=since or payment.created_at,
        text=text,
        order_number=payment.order.number,
        payment_id=payment.id,
        amount=None if minor is None else Money(minor, payment.currency),
    )
