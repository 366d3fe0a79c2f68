"""Verify the journals of orders: no gap, every link holds, and the order knows the last one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Final
from uuid import UUID

from core.domain.journal import link
from core.models import Event, Order

_BATCH: Final = 500
_KEPT: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenJournal:
    """An order whose journal doesn't hold: from which entry on, and why.

    ``code`` is GAP (entries are missing or doubled), LINK (one doesn't name the one before), HASH
    (what is said isn't what was hashed) or HEAD (the order knows another last entry).
    """

    order: str
    seq: int
    code: str


@dataclass(slots=True, kw_only=True)
class LogVerified:
    """How many orders and entries were looked at, how many journals are broken, and the first."""

    orders: int = 0
    entries: int = 0
    broken: int = 0
    found: list[BrokenJournal] = field(default_factory=list)


def verify_log(*, progress: Callable[[str, int, int], None]) -> LogVerified:
    """Look at every journal of the tenant, in the memory of a batch; nothing is changed.

    An order that moves while it is looked at is looked at once more.
    """
    done, last = LogVerified(), UUID(int=0)
    orders = Order.objects.only("id", "number", "log_seq", "log_head").order_by("pk")
    while batch := list(orders.filter(pk__gt=last)[:_BATCH]):
        events = Event.objects.filter(order__in=[order.pk for order in batch])
        journals = {
            order_id: list(entries)
            for order_id, entries in groupby(
                events.order_by("order_id", "seq"), attrgetter("order_id")
            )
        }
        for order in batch:
            entries = journals.get(order.pk, [])
            done.orders += 1
            done.entries += len(entries)
            if _fault(order, entries) and (fault := _looked_at_again(order.pk)):
                done.broken += 1
                done.found = [*done.found, fault][:_KEPT]
        last = batch[-1].pk
        progress("orders", done.orders, 0)
    progress("orders", done.orders, done.orders)
    return done


def _looked_at_again(order_id: UUID) -> BrokenJournal | None:
    """Read the journal before its order: an order is never behind what was read before it."""
    fault = None
    for _ in range(3):
        entries = list(Event.objects.filter(order_id=order_id).order_by("seq"))
        order = Order.objects.get(pk=order_id)
        fault = _fault(order, entries)
        if fault is None or order.log_seq == len(entries):
            return fault
    return fault


def _fault(order: Order, entries: Sequence[Event]) -> BrokenJournal | None:
    def broken(code: str, seq: int) -> BrokenJournal:
        return BrokenJournal(order=order.number, seq=seq, code=code)

    head = ""
    for seq, entry in enumerate(entries, 1):
        if entry.seq != seq:
            return broken("GAP", seq)
        if entry.previous_hash != head:
            return broken("LINK", seq)
        head = link(
            previous=head,
            order_id=str(order.pk),
            seq=seq,
            kind=entry.kind,
            at=entry.at,
            data=entry.data,
        )
        if entry.hash != head:
            return broken("HASH", seq)
    if len(entries) < order.log_seq:
        return broken("GAP", len(entries) + 1)
    if len(entries) > order.log_seq or head != order.log_head:
        return broken("HEAD", order.log_seq)
    return None
