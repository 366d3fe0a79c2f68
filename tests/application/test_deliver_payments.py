"""Telling of money: what was captured, refunded and declined, to plugins, signals and customers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from core import signals
from core.application.cancel_order import CancelOrder, cancel_order
from core.application.fulfil_order import fulfil_order
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.hooks.registry import Registry
from core.models import Event, Payment
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Money, PaymentEvent
from tests.application.shelf import paying, placed
from tests.application.telling import Listener, Postbox, work_off


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


@pytest.fixture
def listener() -> Listener:
    return Listener(
        hooks=("order_paid", "payment_authorized", "payment_captured", "payment_refunded")
    )


@pytest.fixture
def post() -> Postbox:
    return Postbox()


@pytest.fixture
def plugins(gateway: MemoryGateway, listener: Listener, post: Postbox) -> Registry:
    pays = FakePlugin(name="payment-memory", strategies=(gateway,))
    return registry_of(pays, listener.plugin(), post.plugin())


@pytest.fixture
def processed() -> Iterator[list[tuple[type, str, str]]]:
    """Remember what `payment_processed` said."""
    seen: list[tuple[type, str, str]] = []

    def remember(*, sender: type, payment: Payment, outcome: str, **_: Any) -> None:
        seen.append((sender, str(payment.pk), outcome))

    signals.payment_processed.connect(remember)
    yield seen
    signals.payment_processed.disconnect(remember)


def test_a_payment_is_told_to_plugins_the_customer_and_the_signal(
    shelf: TenantRef,
    now: datetime,
    plugins: Registry,
    listener: Listener,
    post: Postbox,
    processed: list[tuple[type, str, str]],
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order), plugins=plugins, now=now)

    work_off(plugins)

    payment = Payment.objects.get()
    (captured,) = [event for event in listener.heard if isinstance(event, PaymentEvent)]
    assert captured.amount == Money(900, "EUR")
    assert (captured.payment_id, captured.strategy_code) == (str(payment.pk), "memory")
    assert captured.order.number == order.number
    assert len(listener.heard) == 2
    assert [message.event for message in post.messages] == ["order_placed", "order_paid"]
    assert processed == [(Payment, str(payment.pk), "CAPTURED")]


def test_an_authorisation_is_told_with_its_amount_and_pays_nothing(
    shelf: TenantRef, now: datetime, plugins: Registry, listener: Listener, post: Postbox
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order, capture_now=False), plugins=plugins, now=now)

    work_off(plugins)

    (held,) = listener.heard
    assert isinstance(held, PaymentEvent)
    assert (held.amount, held.strategy_code) == (Money(900, "EUR"), "memory")
    assert [message.event for message in post.messages] == ["order_placed"]


def test_a_refund_is_told_with_its_amount(
    shelf: TenantRef,
    now: datetime,
    plugins: Registry,
    listener: Listener,
    post: Postbox,
    processed: list[tuple[type, str, str]],
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order), plugins=plugins, now=now)
    cancel_order(CancelOrder(order_id=order.order_id, reason="sold out"), plugins=plugins, now=now)

    work_off(plugins)

    assert {message.event: message.subject for message in post.messages} == {
        "order_placed": f"Your order {order.number}",
        "order_paid": f"Your order {order.number} is paid",
        "order_cancelled": f"Your order {order.number} is cancelled",
        "payment_refunded": f"9.00 EUR back for your order {order.number}",
    }
    assert [outcome for _, _, outcome in processed] == ["CAPTURED", "REFUNDED"]


def test_a_decline_is_told_to_the_signal_alone(
    shelf: TenantRef,
    now: datetime,
    plugins: Registry,
    gateway: MemoryGateway,
    listener: Listener,
    processed: list[tuple[type, str, str]],
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "decline"
    start_payment(paying(order), plugins=plugins, now=now)

    work_off(plugins)

    assert [outcome for _, _, outcome in processed] == ["DECLINED"]
    assert listener.heard == []


def test_an_order_on_its_way_is_told_to_the_customer(
    shelf: TenantRef, now: datetime, plugins: Registry, post: Postbox
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order), plugins=plugins, now=now)
    fulfil_order(order_id=order.order_id, now=now)

    work_off(plugins)

    assert post.messages[-1].event == "order_fulfilled"


def test_events_that_nobody_can_hear_of_are_expanded_into_nothing(
    shelf: TenantRef, now: datetime
) -> None:
    Event(tenant_id=1, kind="payment_moved", at=now, data={}).save()

    work_off(registry_of())

    event = Event.objects.get(kind="payment_moved")
    assert event.fanned_out
    assert not event.deliveries.exists()
