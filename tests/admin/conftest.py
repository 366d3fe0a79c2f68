"""A shop with one paid order, and an operator who is logged in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.utils import timezone

from core.application.create_category import CreateCategory, create_category
from core.application.create_coupon import CreateCoupon, create_coupon
from core.application.create_family import create_family
from core.application.receive_stock import ReceiveStock, receive_stock
from core.application.set_prices import SetPrices, set_prices
from core.context import DEFAULT_TENANT, acting_for
from core.domain.prices import ListedPrice
from core.models import (
    ApiKey,
    Customer,
    Delivery,
    Event,
    InboxEntry,
    Order,
    Payment,
    Plugin,
    Tenant,
    WebhookEndpoint,
)
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from tests.http.conftest import Api, api, basket, shelf, tenant
from tests.http.memory import MIDDLEWARE, InHand
from tests.http.test_payments import paid

__all__ = ["api", "shelf", "tenant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What the console is shown: a row of everything."""

    order: Order
    payment: Payment
    gateway: MemoryGateway


@pytest.fixture
def shop(shelf: None, api: Api) -> Iterator[Shop]:
    """Sell two teas for a memory of money, and lay down one row of each other kind."""
    gateway = MemoryGateway(way="redirect")
    InHand.registry = registry_of(FakePlugin(name="pay-memory", strategies=(gateway,)))
    with override_settings(MIDDLEWARE=MIDDLEWARE):
        placed: dict[str, Any] = api.post("/orders", basket(("tea", 2)), Idempotency_Key="o").json()
        payment_id = paid(api, gateway, placed)
        lay_rows()
        yield Shop(
            order=Order.objects.get(pk=placed["order_id"]),
            payment=Payment.objects.get(pk=payment_id),
            gateway=gateway,
        )


def lay_rows() -> None:
    now, own = timezone.now(), {"tenant_id": DEFAULT_TENANT.id}
    endpoint = WebhookEndpoint.objects.get(plugin="pay-memory")
    InboxEntry.objects.create(
        endpoint=endpoint,
        plugin="pay-memory",
        body=b"a-secret-body",
        headers={"X-Signature": "a-secret-header"},
        received_at=now,
        due_at=now,
        **own,
    )
    event = Event.objects.first()
    assert event is not None
    Delivery.objects.create(
        event=event, receiver="tell:log", plugin="log", due_at=now, cause="it was full", **own
    )
    ApiKey.objects.create(label="till", digest="d1ge57" * 10, created_at=now, **own)
    Customer.objects.create(ref="kim", name="Kim", created_at=now, **own)
    Plugin.objects.create(
        name="pay-gone", distribution="orderloom-pay-gone", version="1.2", seen_at=now
    )
    create_coupon(CreateCoupon(code="SPRING"), now=timezone.now())
    create_family(name="Cup", options=("Size",))
    create_category(CreateCategory(name="Tea"))
    prices = (ListedPrice(currency="EUR", minor=400, from_quantity=5),)
    set_prices(SetPrices(sku="tea", prices=prices), now=now)
    receive_stock(ReceiveStock(sku="rare", quantity=1, reason="found", key="f"), now=now)


@pytest.fixture
def console(transactional_db: None) -> Client:
    """Log an operator in."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def other_shop(transactional_db: None) -> str:
    """Put a customer into another tenant's shop; return their name."""
    other = Tenant.objects.create(id=2, slug="other")
    placed_at = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=1)
    with acting_for(DEFAULT_TENANT):
        Customer.objects.create(tenant=other, ref="them", name="Strange", created_at=placed_at)
    return "Strange"
