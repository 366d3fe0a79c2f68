"""Facts come back as they were stated, and what they amount to is what is left to pay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.application.apply_facts import ApplyFacts, apply_facts
from core.application.facts import fold_payment, left_to_pay, stated_of
from core.application.payment_step import PaymentStep
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.hooks.registry import Registry
from core.models import Fact as FactRow
from core.models import Order, Payment
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Fact, FactKind, Money
from tests.application.shelf import paying, placed

SAID_AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
TOTAL = 900


@pytest.fixture
def plugins() -> Registry:
    gateway = MemoryGateway(way="redirect")
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


def opened(plugins: Registry, now: datetime) -> PaymentStep:
    order = placed(("tea", 2), plugins=plugins, now=now)
    return start_payment(paying(order), plugins=plugins, now=now)


def said(kind: FactKind, minor: int, object_id: str, parent_id: str | None = None) -> Fact:
    return Fact(kind=kind, object_id=object_id, amount=Money(minor, "EUR"), parent_id=parent_id)


def hear(step: PaymentStep, *facts: Fact, now: datetime, source: str = "WEBHOOK") -> None:
    apply_facts(ApplyFacts(payment_id=step.payment_id, facts=facts, source=source), now=now)


def test_a_fact_comes_back_as_it_was_stated(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    step = opened(plugins, now)
    fact = Fact(
        kind=FactKind.CAPTURED,
        object_id="ch-1",
        amount=Money(300, "EUR"),
        parent_id="au-1",
        operation_id="op-1",
        account="till-1",
        sequence=7,
        at=SAID_AT,
    )

    hear(step, fact, now=now, source="FILE")

    row = FactRow.objects.get()
    assert stated_of(Payment.objects.get()) == [fact]
    assert (row.source, row.recorded_at, row.stated_at) == ("FILE", now, SAID_AT)
    assert len(row.digest) == 64


def test_each_payment_is_folded_by_its_own_facts(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    first, second = opened(plugins, now), opened(plugins, now)
    hear(first, said(FactKind.AUTHORIZED, TOTAL, "au"), now=now)
    hear(second, said(FactKind.CAPTURED, 300, "ch"), now=now)

    folds = [fold_payment(Payment.objects.get(pk=step.payment_id)) for step in (first, second)]

    assert [(one.authorized, one.captured) for one in folds] == [(TOTAL, 0), (0, 300)]


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        ([], 900),
        ([said(FactKind.AUTHORIZED, 200, "au")], 700),
        ([said(FactKind.CAPTURE_PENDING, 200, "ch")], 700),
        ([said(FactKind.CAPTURED, 200, "ch")], 700),
        (
            [
                said(FactKind.AUTHORIZED, 400, "au"),
                said(FactKind.CAPTURED, 200, "ch", "au"),
                said(FactKind.CAPTURE_PENDING, 100, "more", "au"),
            ],
            500,
        ),
        ([said(FactKind.CAPTURED, 200, "ch"), said(FactKind.REFUNDED, 50, "re", "ch")], 750),
        ([said(FactKind.CAPTURED, 200, "ch"), said(FactKind.DISPUTE_LOST, 200, "di", "ch")], 900),
        ([said(FactKind.CAPTURED, 200, "ch"), said(FactKind.REFUND_PENDING, 50, "re", "ch")], 700),
    ],
)
def test_what_is_held_taken_or_being_taken_is_not_left_to_pay(
    shelf: TenantRef, plugins: Registry, now: datetime, facts: list[Fact], left: int
) -> None:
    step = opened(plugins, now)

    hear(step, *facts, now=now)

    assert left_to_pay(Order.objects.get()) == left


def test_another_orders_money_pays_nothing_of_this_one(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    own, other = opened(plugins, now), opened(plugins, now + timedelta(minutes=1))

    hear(other, said(FactKind.CAPTURED, 300, "ch"), now=now)

    left = {order.pk: left_to_pay(order) for order in Order.objects.all()}
    assert left == {own.order_id: 900, other.order_id: 600}
