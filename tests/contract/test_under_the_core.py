"""Bank transfers and gift cards under the core: what they tell becomes paid orders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.drain_inbox import drain_inbox
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.start_payment import start_payment
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.domain.errors import NotSupported
from core.hooks.registry import Registry
from core.models import InboxEntry, Order, Payment
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Money, Show
from payment_bank_transfer.settings import Settings as TransferSettings
from payment_bank_transfer.strategy import BankTransfer
from payment_gift_card.ledger import issue
from payment_gift_card.models import GiftCard
from payment_gift_card.settings import Settings as CardSettings
from payment_gift_card.strategy import GiftCardStrategy
from tests.application.shelf import paying, placed, put

BANK = "payment-bank-transfer"


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def _shelf(transactional_db: None, now: datetime) -> Iterator[TenantRef]:
    with acting_for(DEFAULT_TENANT) as ref:
        put("tea", 450, 10, now=now)
        yield ref


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


@pytest.fixture
def plugins(gateway: MemoryGateway) -> Registry:
    settings = TransferSettings(iban="DE02120300000000202051", account_holder="Our Shop")
    return registry_of(
        FakePlugin(name=BANK, strategies=(BankTransfer(settings),)),
        FakePlugin(name="payment-gift-card", strategies=(GiftCardStrategy(CardSettings()),)),
        FakePlugin(name="pay-memory", strategies=(gateway,)),
    )


def handed_in(*lines: str, plugins: Registry, now: datetime, source: str = "file") -> str:
    body = "\n".join(("booked_on,amount,currency,reference,transaction_id", *lines)).encode()
    receive_webhook(
        plugin=BANK,
        endpoint_id=webhook_endpoint(plugin=BANK, now=now),
        body=body,
        headers={"content-type": "text/csv", "x-orderloom-source": source},
        now=now,
    )
    drain_inbox(plugins=plugins, now=now)
    return InboxEntry.objects.latest("received_at", "id").status


def test_a_statement_pays_the_order_once_however_often_it_is_handed_in(
    plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code="bank-transfer"), plugins=plugins, now=now)
    assert isinstance(step.action, Show)
    line = f"2026-01-06,9.00,EUR,{step.action.details['Reference']},4711"

    states = [handed_in(line, plugins=plugins, now=now) for _ in range(2)]

    assert states == ["APPLIED", "APPLIED"]
    assert Order.objects.get().status == "PAID"
    assert Payment.objects.get().status == "CAPTURED"


def test_two_bookings_pay_an_order_together(plugins: Registry, now: datetime) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code="bank-transfer"), plugins=plugins, now=now)
    assert isinstance(step.action, Show)
    reference = step.action.details["Reference"]
    seen = []

    for number, amount in enumerate(("4.00", "5.00")):
        line = f"2026-01-06,{amount},EUR,{reference},{number}"
        handed_in(line, plugins=plugins, now=now)
        seen.append((Order.objects.get().status, Payment.objects.get().status))

    assert seen == [("CONFIRMED", "PARTIALLY_CAPTURED"), ("PAID", "CAPTURED")]


def test_money_for_an_order_that_changed_its_way_to_pay_and_back_pays_it(
    plugins: Registry, now: datetime, gateway: MemoryGateway
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "decline"
    for code in ("bank-transfer", "memory", "bank-transfer"):
        step = start_payment(paying(order, code=code), plugins=plugins, now=now)
    assert isinstance(step.action, Show)
    line = f"2026-01-06,9.00,EUR,{step.action.details['Reference']},4711"

    state = handed_in(line, plugins=plugins, now=now)

    assert state == "APPLIED"
    assert Order.objects.get().status == "PAID"


def test_a_statement_that_came_otherwise_pays_nothing(plugins: Registry, now: datetime) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code="bank-transfer"), plugins=plugins, now=now)
    assert isinstance(step.action, Show)
    line = f"2026-01-06,9.00,EUR,{step.action.details['Reference']},4711"

    state = handed_in(line, plugins=plugins, now=now, source="http")

    assert state == "UNTRUSTED"
    assert Order.objects.get().status == "CONFIRMED"


def test_a_transfer_is_given_back_by_hand(plugins: Registry, now: datetime) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code="bank-transfer"), plugins=plugins, now=now)
    assert isinstance(step.action, Show)
    line = f"2026-01-06,9.00,EUR,{step.action.details['Reference']},4711"
    handed_in(line, plugins=plugins, now=now)

    with pytest.raises(NotSupported):
        refund_payment(
            RefundPayment(payment_id=step.payment_id, principal="staff", key="r", reason="no"),
            plugins=plugins,
            now=now,
        )

    assert Payment.objects.get().status == "CAPTURED"


def test_a_card_pays_an_order_and_gets_it_back(plugins: Registry, now: datetime) -> None:
    code = issue(Money(1000, "EUR"), tenant="default", now=timezone.now())
    order = placed(("tea", 2), plugins=plugins, now=now)

    step = start_payment(
        paying(order, code="gift-card", inputs={"code": code}), plugins=plugins, now=now
    )
    left = GiftCard.objects.get().balance_minor
    refund_payment(
        RefundPayment(payment_id=step.payment_id, principal="staff", key="r", reason="no"),
        plugins=plugins,
        now=now,
    )

    assert step.order_status == "PAID"
    assert left == 100
    assert GiftCard.objects.get().balance_minor == 1000


def test_a_card_pays_a_part_and_another_way_the_rest(plugins: Registry, now: datetime) -> None:
    code = issue(Money(300, "EUR"), tenant="default", now=timezone.now())
    order = placed(("tea", 2), plugins=plugins, now=now)

    start_payment(paying(order, code="gift-card", inputs={"code": code}), plugins=plugins, now=now)
    rest = start_payment(paying(order, code="memory"), plugins=plugins, now=now)

    assert rest.order_status == "PAID"
    assert Payment.objects.get(pk=rest.payment_id).amount_minor == 600
    assert GiftCard.objects.get().balance_minor == 0


def test_a_wrong_code_is_a_decline_and_may_be_typed_again(plugins: Registry, now: datetime) -> None:
    code = issue(Money(1000, "EUR"), tenant="default", now=timezone.now())
    order = placed(("tea", 2), plugins=plugins, now=now)

    wrong, right = (
        start_payment(
            paying(order, code="gift-card", inputs={"code": typed}), plugins=plugins, now=now
        )
        for typed in ("0000-0000-0000-0000", code)
    )

    assert (wrong.payment_status, right.order_status) == ("DECLINED", "PAID")


def test_cancelling_gives_a_card_its_money_back(plugins: Registry, now: datetime) -> None:
    code = issue(Money(300, "EUR"), tenant="default", now=timezone.now())
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order, code="gift-card", inputs={"code": code}), plugins=plugins, now=now)

    cancel_order(CancelOrder(order_id=order.order_id, reason="no"), plugins=plugins, now=now)

    assert Order.objects.get().status == "CANCELLED"
    assert GiftCard.objects.get().balance_minor == 300
