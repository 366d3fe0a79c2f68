"""Letting a payment go untaken: what is written and sent, what is refused, who wins a race."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from core.application.capture_payment import CapturePayment, capture_payment
from core.application.look_up_payment import look_up_payment
from core.application.payment_step import PaymentStep
from core.application.resume_payment import ResumePayment, resume_payment
from core.application.start_payment import start_payment
from core.application.void_payment import VoidPayment, void_payment, void_waiting
from core.context import TenantRef
from core.domain import errors
from core.hooks.registry import Registry
from core.models import Event, Operation, Order
from core.models.ids import new_id
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Feature, Money, PaymentInfo
from tests.application.meanwhile import Meanwhile, orders_move_on
from tests.application.shelf import paying, placed
from tests.application.wire import Bare

KEPT = timedelta(hours=3)


class Forgetful(MemoryGateway):
    """Honours keys for three hours."""

    @property
    def info(self) -> PaymentInfo:
        """Say so."""
        return replace(super().info, keys_kept=KEPT)


@pytest.fixture
def gateway() -> Forgetful:
    features = frozenset({Feature.PARTIAL_CAPTURE, Feature.MULTIPLE_CAPTURES})
    return Forgetful(features=features)


@pytest.fixture
def sending() -> Forgetful:
    """Return a gateway that sends its customers to a page of its own."""
    return Forgetful(way="redirect", code="pages")


@pytest.fixture
def plugins(gateway: MemoryGateway, sending: MemoryGateway) -> Registry:
    return registry_of(
        FakePlugin(name="payment-memory", strategies=(gateway,)),
        FakePlugin(name="payment-pages", strategies=(sending,)),
    )


def authorized(plugins: Registry, now: datetime) -> PaymentStep:
    order = placed(("tea", 2), plugins=plugins, now=now)
    return start_payment(paying(order, capture_now=False), plugins=plugins, now=now)


def waiting(plugins: Registry, now: datetime) -> PaymentStep:
    """Order tea and be sent to the page where its price is approved."""
    order = placed(("tea", 2), plugins=plugins, now=now)
    return start_payment(paying(order, code="pages"), plugins=plugins, now=now)


def voiding(step: PaymentStep, key: str = "v") -> VoidPayment:
    return VoidPayment(payment_id=step.payment_id, principal="staff", key=key)


def row(step: PaymentStep, verb: str) -> dict[str, Any]:
    return Operation.objects.filter(payment_id=step.payment_id, verb=verb).values().get()


def test_the_command_names_what_is_held_and_whoever_asked_for_it(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    held = authorized(plugins, now)
    later = now + timedelta(minutes=5)

    void_payment(voiding(held), plugins=plugins, now=later)

    command = row(held, "VOID")
    assert command["params"] == {
        "reference": f"ref-{held.payment_id.hex}",
        "authorization_id": f"au-{held.payment_id.hex}",
    }
    assert (command["amount_minor"], command["takes_money"]) == (900, False)
    assert (command["status"], command["attempt"], command["fence"]) == ("DONE", 1, 1)
    assert command["retry_safe_until"] == later + KEPT
    assert command["created_at"] == later
    assert (command["idem_principal"], command["idem_key"]) == ("staff", "v")
    assert command["idem_digest"] == voiding(held).digest()


def test_only_what_was_not_taken_is_let_go(
    shelf: TenantRef, plugins: Registry, gateway: Forgetful, now: datetime
) -> None:
    held = authorized(plugins, now)
    part = CapturePayment(
        payment_id=held.payment_id,
        principal="staff",
        key="c",
        amount=Money(400, "EUR"),
        final=False,
    )
    capture_payment(part, plugins=plugins, now=now)

    void_payment(voiding(held), plugins=plugins, now=now)

    assert row(held, "VOID")["amount_minor"] == 500
    assert list(gateway.ledger.captures.values()) == [400]


def test_the_journal_tells_of_the_command_and_of_its_end(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    held = authorized(plugins, now)
    before = Event.objects.filter(order_id=held.order_id).count()

    void_payment(voiding(held), plugins=plugins, now=now)

    told = list(Event.objects.filter(order_id=held.order_id).order_by("seq"))[before:]
    assert [(event.kind, event.data["status"]) for event in told] == [
        ("payment_moved", "VOID SENT"),
        ("payment_moved", "CLOSED"),
    ]
    assert told[0].data["payment"] == str(held.payment_id)


def test_nothing_is_let_go_without_a_key(
    shelf: TenantRef, plugins: Registry, gateway: Forgetful, now: datetime
) -> None:
    held = authorized(plugins, now)

    with pytest.raises(errors.KeyMissing) as refused:
        void_payment(voiding(held, key=""), plugins=plugins, now=now)

    assert str(refused.value) == "A void needs an Idempotency-Key."
    assert gateway.ledger.voided == set()


def test_a_key_belongs_to_one_payment(
    shelf: TenantRef, plugins: Registry, gateway: Forgetful, now: datetime
) -> None:
    held, other = authorized(plugins, now), authorized(plugins, now)
    void_payment(voiding(held), plugins=plugins, now=now)

    with pytest.raises(errors.IdempotencyConflict) as refused:
        void_payment(voiding(other), plugins=plugins, now=now)

    assert str(refused.value) == "This Idempotency-Key was used for something else."
    assert gateway.ledger.voided == {held.payment_id.hex}


def test_the_same_key_of_somebody_else_is_another_one(
    shelf: TenantRef, plugins: Registry, gateway: Forgetful, now: datetime
) -> None:
    held, other = authorized(plugins, now), authorized(plugins, now)
    void_payment(voiding(held), plugins=plugins, now=now)

    void_payment(replace(voiding(other), principal="erp"), plugins=plugins, now=now)

    assert gateway.ledger.voided == {held.payment_id.hex, other.payment_id.hex}


def test_what_was_taken_is_not_let_go(
    shelf: TenantRef, plugins: Registry, gateway: Forgetful, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    paid = start_payment(paying(order), plugins=plugins, now=now)

    with pytest.raises(errors.NothingToVoid) as refused:
        void_payment(voiding(paid), plugins=plugins, now=now)

    assert str(refused.value) == "Nothing is held that could be given back untaken."
    assert gateway.ledger.voided == set()


def test_a_payment_nobody_knows_is_refused(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    command = VoidPayment(payment_id=new_id(), principal="staff", key="v")

    with pytest.raises(errors.NotFound):
        void_payment(command, plugins=plugins, now=now)


def test_a_strategy_that_cannot_void_is_named(
    shelf: TenantRef, plugins: Registry, gateway: Forgetful, now: datetime
) -> None:
    held = authorized(plugins, now)
    bare = registry_of(FakePlugin(name="payment-memory", strategies=(Bare(gateway),)))

    with pytest.raises(errors.NotSupported) as refused:
        void_payment(voiding(held), plugins=bare, now=now)

    assert str(refused.value) == "Memory can't void."
    assert refused.value.details == {"verb": "VOID"}


def test_an_overdue_capture_is_finished_before_the_rest_is_let_go(
    shelf: TenantRef, plugins: Registry, gateway: Forgetful, now: datetime
) -> None:
    held = authorized(plugins, now)
    gateway.fault = "drop_after"
    part = CapturePayment(
        payment_id=held.payment_id,
        principal="staff",
        key="c",
        amount=Money(400, "EUR"),
        final=False,
    )
    capture_payment(part, plugins=plugins, now=now)
    Operation.objects.filter(verb="CAPTURE").update(due_at=Now() - timedelta(hours=1))

    step = void_payment(voiding(held), plugins=plugins, now=now)

    assert (row(held, "CAPTURE")["status"], row(held, "VOID")["status"]) == ("DONE", "DONE")
    assert row(held, "VOID")["amount_minor"] == 500
    assert step.order_payment_status == "PARTIALLY_PAID"


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
def test_what_may_have_been_taken_is_not_let_go(
    shelf: TenantRef, plugins: Registry, gateway: Forgetful, now: datetime, fault: Any
) -> None:
    held = authorized(plugins, now)
    gateway.fault = fault
    whole = CapturePayment(payment_id=held.payment_id, principal="staff", key="c")
    capture_payment(whole, plugins=plugins, now=now)

    with pytest.raises(errors.PaymentUndecided) as refused:
        void_payment(voiding(held), plugins=plugins, now=now)
    step = void_waiting(held.payment_id, plugins=plugins, now=now)

    assert str(refused.value) == "Another command of this payment is under way."
    assert (step.operation_status, row(held, "CAPTURE")["status"]) == ("UNKNOWN", "UNKNOWN")
    assert gateway.ledger.voided == set()


def test_what_waits_for_its_customer_is_closed_once_per_key(
    shelf: TenantRef, plugins: Registry, sending: Forgetful, now: datetime
) -> None:
    asked = waiting(plugins, now)
    later = now + timedelta(minutes=5)

    step = void_payment(voiding(asked), plugins=plugins, now=later)
    again = void_payment(voiding(asked), plugins=plugins, now=later)

    start, command = row(asked, "START"), row(asked, "VOID")
    assert step == again
    assert (step.payment_status, step.order_payment_status) == ("CLOSED", "NONE")
    assert (start["status"], start["action"], start["due_at"]) == ("DONE", None, None)
    assert (command["status"], command["attempt"], command["fence"]) == ("DONE", 1, 1)
    assert (command["idem_principal"], command["idem_key"]) == ("staff", "v")
    assert command["idem_digest"] == voiding(asked).digest()
    assert (command["amount_minor"], command["created_at"]) == (900, later)
    assert command["retry_safe_until"] == later + KEPT
    assert command["params"] == {"reference": f"ref-{asked.payment_id.hex}"}
    assert sending.ledger.posts.count(f"void:{command['id'].hex}") == 1


def test_a_key_that_closed_one_page_closes_no_other(
    shelf: TenantRef, plugins: Registry, sending: Forgetful, now: datetime
) -> None:
    asked, other = waiting(plugins, now), waiting(plugins, now)
    void_payment(voiding(asked), plugins=plugins, now=now)

    with pytest.raises(errors.IdempotencyConflict):
        void_payment(voiding(other), plugins=plugins, now=now)

    assert sending.ledger.voided == {asked.payment_id.hex}


def test_a_page_that_was_opened_again_is_closed(
    shelf: TenantRef, plugins: Registry, sending: Forgetful, now: datetime
) -> None:
    asked = waiting(plugins, now)
    back = ResumePayment(order_id=asked.order_id, payment_id=asked.payment_id)
    assert resume_payment(back, plugins=plugins, now=now).operation_status == "NEEDS_CUSTOMER"

    step = void_payment(voiding(asked), plugins=plugins, now=now)

    assert step.payment_status == "CLOSED"
    assert row(asked, "RESUME")["status"] == "DONE"
    assert sending.ledger.voided == {asked.payment_id.hex}


def test_the_page_of_another_order_stays_open(
    shelf: TenantRef, plugins: Registry, sending: Forgetful, now: datetime
) -> None:
    asked, held = waiting(plugins, now), authorized(plugins, now)

    void_payment(voiding(held), plugins=plugins, now=now)

    assert row(asked, "START")["status"] == "NEEDS_CUSTOMER"
    assert row(held, "VOID")["params"]["authorization_id"] == f"au-{held.payment_id.hex}"
    assert sending.ledger.voided == set()


def test_an_order_that_moved_meanwhile_is_read_again(
    shelf: TenantRef, plugins: Registry, gateway: Forgetful, now: datetime
) -> None:
    held = authorized(plugins, now)
    busy: Any = Meanwhile(plugins, orders_move_on, at=1)

    step = void_payment(voiding(held), plugins=busy, now=now)

    assert step.payment_status == "CLOSED"
    assert len(gateway.ledger.posts) == 2


def test_an_order_that_never_rests_is_left_alone(
    shelf: TenantRef, plugins: Registry, gateway: Forgetful, now: datetime
) -> None:
    held = authorized(plugins, now)
    busy: Any = Meanwhile(plugins, orders_move_on)

    with pytest.raises(errors.ConcurrentChange) as refused:
        void_payment(voiding(held), plugins=busy, now=now)

    assert str(refused.value) == "This payment is being changed by others; try again."
    assert not Operation.objects.filter(verb="VOID").exists()
    assert gateway.ledger.voided == set()


def test_a_customer_who_paid_just_before_has_paid(
    shelf: TenantRef, plugins: Registry, sending: Forgetful, now: datetime
) -> None:
    asked = waiting(plugins, now)

    def paid() -> None:
        sending.ledger.charges[asked.payment_id.hex] = 900
        look_up_payment(asked.payment_id, plugins=plugins, now=now)

    busy: Any = Meanwhile(plugins, paid, at=2)

    step = void_payment(voiding(asked), plugins=busy, now=now)

    assert step.payment_id == asked.payment_id
    assert (step.order_status, step.payment_status) == ("PAID", "CAPTURED")
    assert sending.ledger.voided == set()
    assert Order.objects.get().status == "PAID"


def test_a_page_is_closed_for_the_shop_without_a_key(
    shelf: TenantRef, plugins: Registry, sending: Forgetful, now: datetime
) -> None:
    asked = waiting(plugins, now)

    step = void_waiting(asked.payment_id, plugins=plugins, now=now)

    assert step.payment_status == "CLOSED"
    assert row(asked, "VOID")["idem_key"] is None
    assert sending.ledger.voided == {asked.payment_id.hex}


def test_what_waits_for_nobody_is_left_as_it_is(
    shelf: TenantRef, plugins: Registry, gateway: Forgetful, now: datetime
) -> None:
    held = authorized(plugins, now)

    step = void_waiting(held.payment_id, plugins=plugins, now=now)

    assert step == held
    assert gateway.ledger.voided == set()


def test_a_page_that_is_overdue_is_looked_at_before_it_is_closed(
    shelf: TenantRef, plugins: Registry, sending: Forgetful, now: datetime
) -> None:
    asked = waiting(plugins, now)
    sending.ledger.charges[asked.payment_id.hex] = 900
    Operation.objects.update(due_at=Now() - timedelta(hours=1))

    step = void_waiting(asked.payment_id, plugins=plugins, now=now)

    assert (step.payment_status, step.order_status) == ("CAPTURED", "PAID")
    assert sending.ledger.voided == set()
