"""Deliver what has happened: tells and signals by batch, messages one by one, at least once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.dispatch import Signal

from core import signals
from core.application.build_events import build_events
from core.application.claim_deliveries import acknowledge, claim_deliveries, give_back, put_off
from core.application.fan_out_events import fan_out_events
from core.application.render_message import RenderMessage, render_message
from core.application.warm_caches import warm_after
from core.conf import conf
from core.domain import journal
from core.domain.errors import PluginFailedError
from core.hooks.registry import Registry
from core.infrastructure.crashpoints import crashpoint
from core.models import Delivery, Event, Order, Payment
from hookspecs import Accepted, Call, Delivered, NotSent, Recipient, Undeliverable
from hookspecs import Event as Told

__all__ = ["DeliveryCount", "deliver_events"]

log = structlog.get_logger(__name__)

_TELLS: Final = 200
_MESSAGES: Final = 50
_PLUGIN_AWAY: Final = timedelta(seconds=60)
_UNREADABLE: Final = "nothing that anybody can be told, or not readable"
_OUTCOMES: Final = {
    journal.PAYMENT_CAPTURED: "CAPTURED",
    journal.PAYMENT_DECLINED: "DECLINED",
    journal.PAYMENT_REFUNDED: "REFUNDED",
}


@dataclass(slots=True, kw_only=True)
class DeliveryCount:
    """What one round did: events expanded, deliveries done, put off, waiting and dead."""

    events: int = 0
    done: int = 0
    put_off: int = 0
    waiting: int = 0
    dead: int = 0

    def __bool__(self) -> bool:
        return any((self.events, self.done, self.put_off, self.waiting, self.dead))

    def add(self, other: DeliveryCount) -> None:
        """Count another round in."""
        self.events += other.events
        self.done += other.done
        self.put_off += other.put_off
        self.waiting += other.waiting
        self.dead += other.dead


def deliver_events(*, plugins: Registry) -> DeliveryCount:
    """Do one round for the tenant at hand; call it until it counts nothing.

    An event that nobody could be told of yet stays; a receiver that fails keeps no other waiting.
    Nothing here runs inside a transaction.
    """
    count = DeliveryCount(events=fan_out_events(plugins=plugins))
    _deliver_batch(count, plugins)
    _deliver_messages(count, plugins)
    return count


class _Lease:
    """How much of a lease is left, counted from before it was taken, for one more call."""

    def __init__(self, kind: str) -> None:
        self._until = time.monotonic() + conf().delivery_lease
        self._kind = kind

    def is_enough(self) -> bool:
        return time.monotonic() + conf().deadline(self._kind) < self._until


# Tells, signals, caches


def _deliver_batch(count: DeliveryCount, plugins: Registry) -> None:
    lease = _Lease("TELL")
    claimed = claim_deliveries(messages=False, limit=_TELLS)
    rows, events = _read(claimed)
    done = []
    for one in claimed:
        if not lease.is_enough():
            give_back(one)
            continue
        try:
            told = _tell(one, rows[one.event_id], events.get(one.event_id), plugins)
        except PluginFailedError as error:
            _count_failure(count, one, str(error.details["cause"]))
        except Exception as error:
            log.exception("delivery.failed", delivery=str(one.pk), receiver=one.receiver)
            _count_failure(count, one, f"{type(error).__name__}: {error}")
        else:
            if told:
                done.append(one)
            else:
                count.waiting += 1
                give_back(one, f"{one.plugin} is not running", wait=_PLUGIN_AWAY)
    if done:
        count.done += acknowledge(done)


def _tell(one: Delivery, row: Event, event: Told | None, plugins: Registry) -> bool:
    """Tell one receiver; return False if it isn't there at the moment."""
    kind, _, name = one.receiver.partition(":")
    if kind == "signal":
        _send(getattr(signals, name), row)
        return True
    if event is None:
        raise LookupError(f"{row.kind}: {_UNREADABLE}")
    if kind == "warm":
        warm_after(event, namespace=name, plugins=plugins)
        return True
    offered = next((t for t in plugins.tells.get(row.kind, ()) if t.plugin == one.plugin), None)
    if offered is None:
        return False
    offered.tell(event)
    return True


def _send(signal: Signal, row: Event) -> None:
    """A receiver's exception is logged and repeats nothing."""
    if not signal.receivers:
        return
    if signal is signals.order_placed:
        assert row.order_id is not None
        order = Order.objects.get(pk=row.order_id)
        answers = signal.send_robust(sender=Order, order=order, event_id=str(row.pk))
    else:
        payment = Payment.objects.get(pk=UUID(row.data["payment"]))
        answers = signal.send_robust(
            sender=Payment, payment=payment, outcome=_OUTCOMES[row.kind], event_id=str(row.pk)
        )
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            log.error("signal.receiver.failed", receiver=repr(receiver), cause=repr(answer))


# Messages


def _deliver_messages(count: DeliveryCount, plugins: Registry) -> None:
    lease = _Lease("DELIVER")
    claimed = claim_deliveries(messages=True, limit=_MESSAGES)
    if claimed:
        crashpoint("delivery.claimed")
    rows, events = _read(claimed)
    for one in claimed:
        if not lease.is_enough():
            give_back(one)
        elif one.channel not in plugins.channels:
            count.waiting += 1
            give_back(one, f"{one.plugin} is not running", wait=_PLUGIN_AWAY)
        else:
            _deliver_message(count, one, rows[one.event_id], events.get(one.event_id), plugins)


def _deliver_message(
    count: DeliveryCount, one: Delivery, row: Event, event: Told | None, plugins: Registry
) -> None:
    if event is None:
        _count_failure(count, one, f"{row.kind}: {_UNREADABLE}")
        return
    try:
        message = render_message(
            RenderMessage(
                message_id=str(one.pk),
                kind=row.kind,
                template=one.template,
                event=event,
                to=Recipient(**(one.recipient or {})),
            )
        )
    except Exception as error:  # a template is somebody's text: it may fail in any way
        log.exception("message.rendering.failed", delivery=str(one.pk), template=one.template)
        _count_failure(count, one, f"{type(error).__name__}: {error}")
        return
    call = Call(deadline=time.monotonic() + conf().deadline("DELIVER"), attempt=one.attempt)
    answer = plugins.channels[one.channel].deliver(message, call)
    crashpoint("mail.accepted")
    _record(count, one, answer)


def _record(count: DeliveryCount, one: Delivery, answer: Delivered) -> None:
    match answer:
        case Accepted(reference=reference):
            count.done += acknowledge([one], reference=reference)
        case Undeliverable(cause=cause):
            put_off(one, cause, for_good=True)
            count.dead += 1
        case NotSent(cause=cause, retry_after=retry_after):
            _count_failure(count, one, cause, retry_after)
        case _:
            _count_failure(count, one, answer.cause)


def _count_failure(
    count: DeliveryCount, one: Delivery, cause: str, retry_after: timedelta | None = None
) -> None:
    if put_off(one, cause, retry_after=retry_after):
        count.put_off += 1
    else:
        count.dead += 1


def _read(claimed: Sequence[Delivery]) -> tuple[dict[UUID, Event], dict[UUID, Told]]:
    rows = Event.objects.in_bulk({one.event_id for one in claimed}) if claimed else {}
    return rows, build_events(rows.values())
