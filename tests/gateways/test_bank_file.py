"""Money by bank transfer: instructions, a bank's file handed in, and what comes too late."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core.application.expire_orders import expire_orders
from core.application.money_at_risk import Risk, money_at_risk
from core.application.payment_step import PaymentStep
from core.application.resolve_payment import ResolvePayment, resolve_payment
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.context import TenantRef
from core.hooks.registry import Registry
from core.management.commands import inbox
from core.models import Fact, InboxEntry, Operation, Order, Payment
from core.testing.registries import FakePlugin, registry_of
from hookspecs import FactKind, Money, Show
from payment_bank_transfer.settings import Settings
from payment_bank_transfer.strategy import BankTransfer
from tests.application.shelf import paying, placed

IBAN = "DE02120300000000202051"
HEAD = "booked_on,amount,currency,reference,transaction_id\n"


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def plugins() -> Registry:
    bank = BankTransfer(Settings(iban=IBAN, account_holder="Our Shop"))
    return registry_of(FakePlugin(name="payment-bank-transfer", strategies=(bank,)))


@pytest.fixture
def told(shelf: TenantRef, plugins: Registry, now: datetime) -> PaymentStep:
    """Order tea for 9.00, and be told where to transfer it."""
    order = placed(("tea", 2), plugins=plugins, now=now)
    return start_payment(paying(order, code="bank-transfer"), plugins=plugins, now=now)


def hand_in(plugins: Registry, folder: Path, *lines: str) -> str:
    """Hand in a bank's file; return what became of it."""

    class InHand(inbox.Command):
        def plugins(self, options: dict[str, Any]) -> Registry:
            return plugins

    path = folder / "statement.csv"
    path.write_text(HEAD + "".join(f"{line}\n" for line in lines))
    with suppress(SystemExit):
        call_command(InHand(), "add", "payment-bank-transfer", str(path), stdout=io.StringIO())
    return InboxEntry.objects.latest("received_at").status


def line(step: PaymentStep, amount: str, transaction: str) -> str:
    reference = Payment.objects.get(pk=step.payment_id).reference
    return f"2026-11-20,{amount},EUR,{reference},{transaction}"


def test_a_file_of_the_bank_pays_the_order_once(
    told: PaymentStep, plugins: Registry, tmp_path: Path
) -> None:
    assert isinstance(told.action, Show)

    statuses = [hand_in(plugins, tmp_path, line(told, "9.00", "t1")) for _ in range(2)]

    assert statuses == ["APPLIED", "APPLIED"]
    assert Order.objects.get().status == "PAID"
    assert Fact.objects.count() == 1
    assert not Operation.objects.exclude(status="DONE").exists()


def test_two_transfers_add_up(told: PaymentStep, plugins: Registry, tmp_path: Path) -> None:
    hand_in(plugins, tmp_path, line(told, "4.00", "t1"))
    before = Order.objects.get().payment_status
    hand_in(plugins, tmp_path, line(told, "5.00", "t2"))

    assert before == "PARTIALLY_PAID"
    assert Order.objects.get().status == "PAID"


def test_what_names_nobody_is_kept(told: PaymentStep, plugins: Registry, tmp_path: Path) -> None:
    lines = (line(told, "9.00", "t1"), "2026-11-20,9.00,EUR,RF18539007547034,t2")

    status = hand_in(plugins, tmp_path, *lines)

    assert status == "STORED"
    assert Order.objects.get().status == "PAID"


def test_money_that_comes_too_late_and_can_not_go_back_waits_for_a_person(
    told: PaymentStep, plugins: Registry, tmp_path: Path, now: datetime
) -> None:
    after = now + timedelta(days=30)
    Order.objects.update(expires_at=now)
    for _ in range(2):
        expire_orders(plugins=plugins, now=after)
    assert Order.objects.get().status == "EXPIRED"
    placed(("tea", 9), plugins=plugins, now=now)

    hand_in(plugins, tmp_path, line(told, "9.00", "t1"))
    for _ in range(3):
        sweep_payments(plugins=plugins, now=now)

    assert [one.risk for one in money_at_risk(now=now)] == [Risk.NO_LIVE_ORDER]
    assert Operation.objects.filter(verb="REFUND").count() <= 1


def test_an_operator_matches_the_money_by_hand(told: PaymentStep, now: datetime) -> None:
    command = ResolvePayment(
        payment_id=told.payment_id,
        kind=FactKind.CAPTURED,
        amount=Money(900, "EUR"),
        object_id="t9",
        reason="seen in online banking",
    )

    step = resolve_payment(command, now=now)

    assert (step.order_status, step.operation_status) == ("PAID", "DONE")
