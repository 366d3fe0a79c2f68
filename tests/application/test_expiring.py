"""Orders that nobody paid expire, whatever keeps others from it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.application.expire_orders import expire_orders
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.hooks.registry import Registry
from core.models import Order, Stock
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from tests.application.shelf import paying, placed


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


@pytest.fixture
def plugins(gateway: MemoryGateway) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


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
