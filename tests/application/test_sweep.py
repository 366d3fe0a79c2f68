"""The sweeper lets nothing that fails keep the rest waiting."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from core.application.expire_orders import expire_orders
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.context import TenantRef
from core.hooks.registry import Registry
from core.models import Operation, Order, Stock
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from tests.application.shelf import paying, placed


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


@pytest.fixture
def plugins(gateway: MemoryGateway) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


def test_a_command_that_cannot_be_read_keeps_no_other_waiting(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    first, second = (placed(("tea", 1), plugins=plugins, now=now) for _ in range(2))
    for order in (first, second):
        gateway.fault = "refuse"
        start_payment(paying(order), plugins=plugins, now=now)
    overdue = timezone.now() - timedelta(days=2)
    Operation.objects.update(due_at=overdue + timedelta(days=1))
    Operation.objects.filter(order_id=first.order_id).update(params={}, due_at=overdue)

    looked_at = sweep_payments(plugins=plugins, now=now)

    assert looked_at == 2
    assert Order.objects.get(pk=second.order_id).status == "PAID"
    spoilt = Operation.objects.get(order_id=first.order_id)
    assert spoilt.due_at is not None
    assert spoilt.due_at > timezone.now()


def test_an_order_that_is_undecided_keeps_no_other_from_expiring(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    undecided, due = (placed(("tea", 1), plugins=plugins, now=now) for _ in range(2))
    gateway.fault = "drop_before"
    start_payment(paying(undecided), plugins=plugins, now=now)

    expired = expire_orders(plugins=plugins, now=now + timedelta(hours=1), limit=1)

    assert expired == 1
    assert Order.objects.get(pk=undecided.order_id).status == "CONFIRMED"
    assert Order.objects.get(pk=due.order_id).status == "EXPIRED"


def test_an_order_whose_stock_is_miscounted_keeps_no_other_from_expiring(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    placed(("tea", 1), plugins=plugins, now=now)
    due = placed(("pot", 1), plugins=plugins, now=now)
    Stock.objects.filter(product__sku="tea").update(reserved=0)

    expired = expire_orders(plugins=plugins, now=now + timedelta(hours=1))

    assert expired == 1
    assert Order.objects.get(pk=due.order_id).status == "EXPIRED"
