"""Several payments of one order: gift card first, then another way, never more than the price."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.expire_orders import expire_orders
from core.application.queries import order_page
from core.application.resume_payment import ResumePayment, resume_payment
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.domain import errors
from core.hooks.registry import Registry
from core.models import Operation, Order
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Feature, Money
from tests.application.shelf import paying, placed

LATER = timedelta(hours=1)


@pytest.fixture
def gift() -> MemoryGateway:
    """Return a gift card with 4.00 on it."""
    return MemoryGateway(code="gift", features=frozenset({Feature.SPLIT}), most=400)


@pytest.fixture
def card() -> MemoryGateway:
    return MemoryGateway(code="card")


@pytest.fixture
def pages() -> MemoryGateway:
    return MemoryGateway(code="pages", way="redirect")


@pytest.fixture
def plugins(gift: MemoryGateway, card: MemoryGateway, pages: MemoryGateway) -> Registry:
    return registry_of(
        FakePlugin(name="payment-gift", strategies=(gift,)),
        FakePlugin(name="payment-card", strategies=(card, pages)),
    )


def order_row(order_id: UUID) -> Order:
    return Order.objects.get(pk=order_id)


def test_a_gift_card_is_held_until_the_rest_is_paid(
    shelf: TenantRef, plugins: Registry, gift: MemoryGateway, card: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)

    first = start_payment(paying(order, code="gift"), plugins=plugins, now=now)
    held, taken = dict(gift.ledger.held), dict(gift.ledger.captures)
    second = start_payment(paying(order, code="card"), plugins=plugins, now=now)

    assert (list(held.values()), taken) == ([400], {})
    assert (first.payment_status, first.order_status) == ("AUTHORIZED", "CONFIRMED")
    assert list(card.ledger.charges.values()) == [500]
    assert list(gift.ledger.captures.values()) == [400]
    assert (second.order_status, second.order_payment_status) == ("PAID", "PAID")


def test_the_rest_may_be_approved_elsewhere(
    shelf: TenantRef, plugins: Registry, gift: MemoryGateway, pages: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order, code="gift"), plugins=plugins, now=now)
    step = start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    assert gift.ledger.captures == {}

    pages.approve(step.payment_id.hex)
    command = ResumePayment(order_id=order.order_id, payment_id=step.payment_id)
    resume_payment(command, plugins=plugins, now=now)

    assert order_row(order.order_id).status == "PAID"
    assert list(gift.ledger.captures.values()) == [400]


def test_a_gift_card_that_covers_it_pays_at_once(
    shelf: TenantRef, plugins: Registry, gift: MemoryGateway, now: datetime
) -> None:
    gift.most = 2000
    order = placed(("tea", 2), plugins=plugins, now=now)

    step = start_payment(paying(order, code="gift"), plugins=plugins, now=now)

    assert step.order_status == "PAID"
    assert list(gift.ledger.captures.values()) == [900]


def test_the_page_offers_ways_to_pay_what_is_missing(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order, code="gift"), plugins=plugins, now=now)
    before = order_page(order.order_id, plugins=plugins)
    start_payment(paying(order, code="card", capture_now=False), plugins=plugins, now=now)
    after = order_page(order.order_id, plugins=plugins)

    assert {choice.code for choice in before.choices} == {"gift", "card", "pages"}
    assert after.choices == ()


@pytest.mark.parametrize(
    ("amount", "refused"),
    [
        (Money(901, "EUR"), errors.AmountTooHigh),
        (Money(0, "EUR"), errors.InvalidInput),
        (Money(900, "USD"), errors.InvalidInput),
    ],
)
def test_never_more_than_is_missing(
    shelf: TenantRef,
    plugins: Registry,
    card: MemoryGateway,
    now: datetime,
    amount: Money,
    refused: type[errors.Refusal],
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)

    with pytest.raises(refused):
        start_payment(paying(order, code="card", amount=amount), plugins=plugins, now=now)

    assert card.ledger.posts == []


def test_two_parts_by_the_same_way_are_taken_together(
    shelf: TenantRef, plugins: Registry, card: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    part = paying(order, code="card", amount=Money(300, "EUR"))

    start_payment(part, plugins=plugins, now=now)
    assert (list(card.ledger.held.values()), card.ledger.charges) == ([300], {})
    more = paying(order, code="card", amount=Money(601, "EUR"))
    with pytest.raises(errors.AmountTooHigh):
        start_payment(more, plugins=plugins, now=now)
    step = start_payment(paying(order, code="card"), plugins=plugins, now=now)

    assert step.order_status == "PAID"
    assert list(card.ledger.charges.values()) == [600]
    assert list(card.ledger.captures.values()) == [300]


def test_a_gift_card_goes_back_untaken_if_the_rest_never_comes(
    shelf: TenantRef, plugins: Registry, gift: MemoryGateway, card: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    first = start_payment(paying(order, code="gift"), plugins=plugins, now=now)
    card.fault = "decline"
    start_payment(paying(order, code="card"), plugins=plugins, now=now)

    expire_orders(plugins=plugins, now=now + LATER)

    assert order_row(order.order_id).status == "EXPIRED"
    assert gift.ledger.captures == {}
    planned = Operation.objects.get(payment_id=first.payment_id, verb="VOID")
    assert planned.status in ("PLANNED", "DONE")


def test_cancelling_gives_back_every_part(
    shelf: TenantRef, plugins: Registry, gift: MemoryGateway, card: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order, code="gift"), plugins=plugins, now=now)
    start_payment(paying(order, code="card"), plugins=plugins, now=now)

    cancel_order(CancelOrder(order_id=order.order_id), plugins=plugins, now=now)

    assert order_row(order.order_id).payment_status == "REFUNDED"
    assert list(card.ledger.refunds.values()) == [500]
    assert list(gift.ledger.refunds.values()) == [400]


def test_what_can_only_be_taken_at_once_is_taken_at_once(
    shelf: TenantRef, gift: MemoryGateway, now: datetime
) -> None:
    plugins = registry_of(FakePlugin(name="payment-gift", strategies=(AtOnce(gift),)))
    order = placed(("tea", 2), plugins=plugins, now=now)

    step = start_payment(paying(order, code="gift"), plugins=plugins, now=now)

    assert (step.payment_status, step.order_payment_status) == (
        "PARTIALLY_CAPTURED",
        "PARTIALLY_PAID",
    )
    assert list(gift.ledger.charges.values()) == [400]


class AtOnce:
    """The gift card's gateway, which holds nothing."""

    def __init__(self, gateway: MemoryGateway) -> None:
        self.info, self.start, self.inquire = gateway.info, gateway.start, gateway.inquire
