"""An incident is written into an order's journal once, whoever else writes there meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection

from core.application.comparing import MISTAKEN, compared, is_another, note_mistaken
from core.application.payment_step import PaymentStep
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.domain.errors import ConcurrentChange
from core.domain.journal import INCIDENT
from core.hooks.registry import Registry
from core.models import Event, Order, Payment
from core.models.ids import new_id
from core.models.sheet import RuleViolated
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Declined, Done, Fact, FactKind, Money
from tests.application.shelf import paying, placed

OTHERS = 20


@pytest.fixture
def plugins() -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(MemoryGateway(),)))


@pytest.fixture
def bought(shelf: TenantRef, plugins: Registry, now: datetime) -> PaymentStep:
    order = placed(("tea", 2), plugins=plugins, now=now)
    return start_payment(paying(order), plugins=plugins, now=now)


def incidents() -> list[str]:
    found = Event.objects.filter(kind=INCIDENT).order_by("seq")
    return [event.data["object"] for event in found]


@contextmanager
def somebody_else(work: Callable[[], None], *, times: int = OTHERS) -> Iterator[None]:
    """Let another do their work after each look at the journal, before we write into it."""
    left, busy = times, False

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal left, busy
        found = execute(sql, params, many, context)
        if not busy and left and sql.startswith("SELECT") and Event._meta.db_table in sql:
            left, busy = left - 1, True
            work()
            busy = False
        return found

    with connection.execute_wrapper(look):
        yield


@pytest.mark.parametrize("times", [1, 4])
def test_who_loses_the_race_for_the_journal_reads_again(
    bought: PaymentStep, now: datetime, times: int
) -> None:
    others = [f"other-{turn}" for turn in range(times)]
    left = iter(others)

    with somebody_else(lambda: note_mistaken(bought.payment_id, next(left), now=now), times=times):
        note_mistaken(bought.payment_id, "mine", now=now)

    assert incidents() == [*others, "mine"]
    chain = list(Event.objects.filter(order_id=bought.order_id).order_by("seq"))
    assert all(one.hash == other.previous_hash for one, other in pairwise(chain))
    order = Order.objects.get()
    assert (order.log_seq, order.log_head) == (chain[-1].seq, chain[-1].hash)
    assert (order.status, order.payment_status, order.stock) == ("PAID", "PAID", "KEPT")


def test_what_another_writes_meanwhile_is_not_written_twice(
    bought: PaymentStep, now: datetime
) -> None:
    with somebody_else(lambda: note_mistaken(bought.payment_id, "same", now=now), times=1):
        note_mistaken(bought.payment_id, "same", now=now)

    assert incidents() == ["same"]


def test_a_journal_that_never_stands_still_is_given_up(bought: PaymentStep, now: datetime) -> None:
    left = iter(f"other-{turn}" for turn in range(OTHERS))

    with (
        somebody_else(lambda: note_mistaken(bought.payment_id, next(left), now=now)),
        pytest.raises(ConcurrentChange) as refused,
    ):
        note_mistaken(bought.payment_id, "mine", now=now)

    assert str(refused.value) == "This order is being changed by others; try again."
    assert "mine" not in incidents()


def test_a_journal_that_is_broken_is_no_race(bought: PaymentStep, now: datetime) -> None:
    order = Order.objects.get()
    Event.objects.create(
        id=new_id(),
        tenant_id=order.tenant_id,
        order_id=order.pk,
        seq=order.log_seq + 1,
        kind="order_noted",
        at=now,
    )

    with pytest.raises(RuleViolated, match="event_sequence_unique"):
        note_mistaken(bought.payment_id, "mine", now=now)

    assert incidents() == []


def test_of_two_orders_each_bears_its_own_incident(
    bought: PaymentStep, plugins: Registry, now: datetime
) -> None:
    other = start_payment(
        paying(placed(("tea", 1), plugins=plugins, now=now)), plugins=plugins, now=now
    )

    for payment_id in (bought.payment_id, other.payment_id, bought.payment_id):
        note_mistaken(payment_id, "shared", now=now)

    found = {event.order_id: event.data for event in Event.objects.filter(kind=INCIDENT)}
    assert Event.objects.filter(kind=INCIDENT).count() == 2
    assert found == {
        step.order_id: {"payment": str(step.payment_id), "code": MISTAKEN, "object": "shared"}
        for step in (bought, other)
    }


@pytest.mark.parametrize(
    ("said", "has", "another"),
    [
        ("theirs", "ours", True),
        ("ours", "ours", False),
        (None, "ours", False),
        ("theirs", None, False),
        (None, None, False),
    ],
)
def test_only_two_references_that_differ_speak_of_two_payments(
    bought: PaymentStep, said: str | None, has: str | None, another: bool
) -> None:
    Payment.objects.update(reference=has)

    assert is_another(said, Payment.objects.get()) is another


def test_a_no_without_facts_may_bear_any_reference(bought: PaymentStep, now: datetime) -> None:
    payment = Payment.objects.get()
    taken = Fact(kind=FactKind.CAPTURED, object_id="c", amount=Money(900, "EUR"))
    no, lie = Declined(reference="theirs"), Declined(reference="another", facts=(taken,))

    assert compared(no, payment, now=now) is no
    assert compared(Done(reference=payment.reference), payment, now=now) == Done(
        reference=payment.reference
    )
    assert compared(lie, payment, now=now) is not lie
    assert incidents() == ["another"]
