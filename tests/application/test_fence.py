"""The fence: however stale a worker's registry is, no charge begins with a plugin switched off."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db.models.functions import Now

from core.application.look_up_payment import look_up_payment
from core.application.payment_step import PaymentStep
from core.application.place_order import Placed
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.resume_payment import ResumePayment, resume_payment
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.application.switch_plugin import SwitchPlugin, switch_plugin
from core.context import TenantRef
from core.domain.errors import UnknownStrategy
from core.hooks.registry import Registry
from core.models import Operation, Order, Payment, Tenant
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from tests.application.shelf import paying, placed


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


@pytest.fixture
def sending() -> MemoryGateway:
    return MemoryGateway(way="redirect", code="pages")


@pytest.fixture
def stale(gateway: MemoryGateway, sending: MemoryGateway) -> Registry:
    """What a worker believes that has heard of no switch yet."""
    return registry_of(
        FakePlugin(name="payment-memory", strategies=(gateway,)),
        FakePlugin(name="payment-pages", strategies=(sending,)),
    )


@pytest.fixture
def order(shelf: TenantRef, stale: Registry, now: datetime) -> Placed:
    return placed(("tea", 2), plugins=stale, now=now)


def switch(stale: Registry, now: datetime, **how: Any) -> None:
    command = {"plugin": "payment-memory", "on": False, "who": "ada"} | how
    switch_plugin(SwitchPlugin(**command), plugins=stale, now=now)


def not_sent(order: Placed, gateway: MemoryGateway, stale: Registry, now: datetime) -> PaymentStep:
    """Begin a charge that the gateway refuses to take in at the moment."""
    gateway.fault = "refuse"
    step = start_payment(paying(order), plugins=stale, now=now)
    gateway.fault = ""
    assert step.operation_status == "PLANNED"
    Operation.objects.update(due_at=Now())
    return step


def test_a_stale_worker_starts_no_payment(
    order: Placed, stale: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    switch(stale, now)

    with pytest.raises(UnknownStrategy, match="Memory is no longer offered"):
        start_payment(paying(order), plugins=stale, now=now)

    assert gateway.ledger.charges == {}
    assert not Payment.objects.exists()
    assert not Operation.objects.exists()
    other = start_payment(paying(order, code="pages"), plugins=stale, now=now)
    assert other.operation_status == "NEEDS_CUSTOMER"


def test_a_tenants_own_switch_decides_for_its_charges(
    order: Placed, stale: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    Tenant.objects.create(id=2, slug="acme")
    switch(stale, now, tenant="acme")
    switch(stale, now, tenant="default")
    with pytest.raises(UnknownStrategy):
        start_payment(paying(order), plugins=stale, now=now)
    switch(stale, now, tenant="default", on=None)

    step = start_payment(paying(order), plugins=stale, now=now)

    assert step.order_status == "PAID"


def test_what_was_planned_and_never_sent_is_given_up(
    order: Placed, stale: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    not_sent(order, gateway, stale, now)
    switch(stale, now)

    sweep_payments(plugins=stale, now=now)

    operation = Operation.objects.get()
    assert gateway.ledger.charges == {}
    assert operation.status == "ABANDONED"
    assert operation.outcome == {"cause": "its plugin was switched off before it was sent"}
    other = start_payment(paying(order, code="pages"), plugins=stale, now=now)
    assert other.operation_status == "NEEDS_CUSTOMER"


def test_what_was_planned_is_sent_where_nobody_switched_it_off(
    order: Placed, stale: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    not_sent(order, gateway, stale, now)

    sweep_payments(plugins=stale, now=now)

    assert list(gateway.ledger.charges.values()) == [900]


def test_what_provably_never_arrived_is_not_sent_again(
    order: Placed, stale: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    gateway.fault = "drop_before"
    step = start_payment(paying(order), plugins=stale, now=now)
    gateway.fault = ""
    assert step.operation_status == "UNKNOWN"
    switch(stale, now)

    look_up_payment(step.payment_id, plugins=stale, now=now)

    assert gateway.ledger.charges == {}
    assert Operation.objects.get().status == "ABANDONED"


def test_what_has_begun_is_served_to_its_end(
    order: Placed, stale: Registry, sending: MemoryGateway, now: datetime
) -> None:
    step = start_payment(paying(order, code="pages"), plugins=stale, now=now)
    switch(stale, now, plugin="payment-pages")
    sending.approve(step.payment_id.hex)

    resume_payment(
        ResumePayment(order_id=order.order_id, payment_id=step.payment_id), plugins=stale, now=now
    )
    paid = Order.objects.get().status
    back = RefundPayment(payment_id=step.payment_id, principal="staff", key="r", reason="returned")
    refunded = refund_payment(back, plugins=stale, now=now)

    assert (paid, refunded.payment_status) == ("PAID", "REFUNDED")
