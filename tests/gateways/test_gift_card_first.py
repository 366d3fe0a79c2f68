"""A gift card first, another way for the rest: judged by the card's balance and the other's ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.expire_orders import expire_orders
from core.application.payment_step import PaymentStep
from core.application.reconcile import reconcile
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.context import TenantRef
from core.domain import errors
from core.hooks.registry import Registry
from core.models import Order
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Money
from payment_gift_card.ledger import issue
from payment_gift_card.models import GiftCard
from payment_gift_card.settings import Settings
from payment_gift_card.strategy import GiftCardStrategy
from tests.application.shelf import paying, placed


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def other() -> MemoryGateway:
    return MemoryGateway(code="other")


@pytest.fixture
def plugins(other: MemoryGateway) -> Registry:
    return registry_of(
        FakePlugin(name="payment-gift-card", strategies=(GiftCardStrategy(Settings()),)),
        FakePlugin(name="payment-other", strategies=(other,)),
    )


@pytest.fixture
def code(shelf: TenantRef, now: datetime) -> str:
    """A card worth 4.00; an order of tea costs 9.00."""
    return issue(Money(400, "EUR"), tenant="default", now=now)


def balance() -> int:
    return int(GiftCard.objects.get().balance_minor)


def by_card(code: str, plugins: Registry, now: datetime) -> PaymentStep:
    order = placed(("tea", 2), plugins=plugins, now=now)
    (strategy,) = (one for one in plugins.strategies if one != "other")
    command = paying(order, code=strategy, inputs={"code": code})
    return start_payment(command, plugins=plugins, now=now)


def the_rest(step: PaymentStep, plugins: Registry, now: datetime) -> PaymentStep:
    return start_payment(paying(step, code="other"), plugins=plugins, now=now)  # type: ignore[arg-type]


def test_the_card_is_held_and_taken_once_the_rest_is_paid(
    code: str, plugins: Registry, other: MemoryGateway, now: datetime
) -> None:
    first = by_card(code, plugins, now)
    second = the_rest(first, plugins, now)

    assert (first.payment_status, second.order_payment_status) == ("AUTHORIZED", "PAID")
    assert list(other.ledger.charges.values()) == [500]
    assert balance() == 0


def test_the_card_gets_its_money_back_if_the_rest_never_comes(
    code: str, plugins: Registry, other: MemoryGateway, now: datetime
) -> None:
    first = by_card(code, plugins, now)
    other.fault = "decline"
    the_rest(first, plugins, now)

    expire_orders(plugins=plugins, now=now + timedelta(hours=1))
    sweep_payments(plugins=plugins, now=now)

    assert Order.objects.get().status == "EXPIRED"
    assert balance() == 400


def test_cancelling_puts_everything_back(
    code: str, plugins: Registry, other: MemoryGateway, now: datetime
) -> None:
    step = the_rest(by_card(code, plugins, now), plugins, now)

    cancel_order(CancelOrder(order_id=step.order_id), plugins=plugins, now=now)

    assert Order.objects.get().payment_status == "REFUNDED"
    assert (list(other.ledger.refunds.values()), balance()) == ([500], 400)


def test_a_part_goes_back_onto_the_card_and_never_more(
    code: str, plugins: Registry, now: datetime
) -> None:
    first = by_card(code, plugins, now)
    the_rest(first, plugins, now)

    def back(key: str, minor: int) -> PaymentStep:
        command = RefundPayment(
            payment_id=first.payment_id, principal="staff", key=key, amount=Money(minor, "EUR")
        )
        return refund_payment(command, plugins=plugins, now=now)

    back("1", 150)
    with pytest.raises(errors.AmountTooHigh):
        back("2", 251)

    assert balance() == 150


def test_its_ledger_and_ours_agree(code: str, plugins: Registry, now: datetime) -> None:
    the_rest(by_card(code, plugins, now), plugins, now)
    day = timedelta(days=1)

    done = reconcile(
        "payment-gift-card", since=now - day, until=now + day, plugins=plugins, now=now
    )

    assert (done.notices, done.differences) == (1, ())
