"""Taking, giving back and cancelling what is held, at one instant: judged by the gateway's ledger."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connections
from django.utils import timezone

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.capture_payment import CapturePayment, capture_payment
from core.application.payment_step import PaymentStep
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.application.void_payment import VoidPayment, void_payment
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.domain.errors import Refusal
from core.hooks.registry import Registry
from core.models import Operation, Order, Stock
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Feature, Money
from tests.application.conftest import shop
from tests.application.shelf import paying, placed, put
from tests.session import tier

__all__ = ["shop"]

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

ROUNDS = 20 if tier() == "quick" else 200
FEATURES = frozenset({Feature.PARTIAL_CAPTURE, Feature.MULTIPLE_CAPTURES, Feature.PARTIAL_REFUND})


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway(features=FEATURES)


@pytest.fixture
def plugins(gateway: MemoryGateway) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


def held(plugins: Registry, now: datetime) -> PaymentStep:
    order = placed(("mug", 1), plugins=plugins, now=now)
    return start_payment(paying(order, capture_now=False), plugins=plugins, now=now)


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Run these in threads with connections of their own; return what each was refused with."""
    gate, said = threading.Barrier(len(acts)), list[str]()

    def run(act: Callable[[], object]) -> None:
        try:
            with acting_for(DEFAULT_TENANT):
                gate.wait()
                act()
                said.append("")
        except Refusal as refusal:
            said.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == len(acts)
    return said


def settle(plugins: Registry) -> None:
    for _ in range(3):
        Operation.objects.filter(status__in=("PLANNED", "UNKNOWN")).update(due_at=timezone.now())
        sweep_payments(plugins=plugins, now=timezone.now())


def test_what_is_cancelled_is_never_kept(
    shop: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    put("mug", 1000, 1000, now=now)
    ends: Counter[tuple[str, str]] = Counter()
    for _ in range(ROUNDS):
        step = held(plugins, now)
        capture = CapturePayment(
            payment_id=step.payment_id, principal="staff", key=uuid.uuid4().hex
        )
        void = VoidPayment(payment_id=step.payment_id, principal="staff", key=uuid.uuid4().hex)

        at_once(
            lambda capture=capture: capture_payment(capture, plugins=plugins, now=now),
            lambda step=step: cancel_order(
                CancelOrder(order_id=step.order_id), plugins=plugins, now=now
            ),
            lambda void=void: void_payment(void, plugins=plugins, now=now),
        )
        settle(plugins)

        order = Order.objects.get(pk=step.order_id)
        ends[order.status, order.payment_status] += 1
    taken, back = gateway.ledger.captures, gateway.ledger.refunds
    paid = sum(count for (status, _), count in ends.items() if status == "PAID")
    assert sum(taken.values()) - sum(back.values()) == 1000 * paid
    assert set(ends) <= {
        ("PAID", "PAID"),
        ("CANCELLED", "NONE"),
        ("CANCELLED", "REFUNDED"),
        ("CONFIRMED", "NONE"),
    }
    stock = Stock.objects.get()
    live = sum(count for (status, _), count in ends.items() if status != "CANCELLED")
    assert stock.reserved == live


def test_parts_taken_at_once_never_exceed_what_is_held(
    shop: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    put("mug", 1000, 1000, now=now)
    step = held(plugins, now)

    def take(key: str) -> object:
        command = CapturePayment(
            payment_id=step.payment_id,
            principal="staff",
            key=key,
            amount=Money(300, "EUR"),
            final=False,
        )
        return capture_payment(command, plugins=plugins, now=now)

    for turn in range(6):
        said = at_once(*(lambda n=n, turn=turn: take(f"{turn}-{n}") for n in range(6)))
        assert set(said) <= {"", "PAYMENT_UNDECIDED", "CONCURRENT_CHANGE", "AMOUNT_TOO_HIGH"}

    assert sum(gateway.ledger.captures.values()) == 900


def test_one_key_at_once_is_one_refund(
    shop: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    put("mug", 1000, 1000, now=now)
    order = placed(("mug", 1), plugins=plugins, now=now)
    step = start_payment(paying(order), plugins=plugins, now=now)
    command = RefundPayment(
        payment_id=step.payment_id, principal="staff", key="once", amount=Money(300, "EUR")
    )

    said = at_once(*(lambda: refund_payment(command, plugins=plugins, now=now) for _ in range(8)))

    assert "" in said
    assert set(said) <= {"", "PAYMENT_UNDECIDED", "CONCURRENT_CHANGE"}
    assert list(gateway.ledger.refunds.values()) == [300]
