"""What an answer makes of a command in doubt: its state, what is kept of it, and when it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from core.application.comparing import NO_MATCH
from core.application.look_up_payment import inquire_payment, look_up_payment
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.context import TenantRef
from core.domain.errors import NotFound as Missing
from core.hooks.registry import Registry
from core.models import Operation, Order, Payment
from core.models.ids import new_id
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import (
    Call,
    DeclineCode,
    Declined,
    Done,
    Fact,
    FactKind,
    Finding,
    InProgress,
    InquireRequest,
    Money,
    NeedsCustomer,
    NotFound,
    Redirect,
    Resend,
    Retry,
    Unknown,
)
from tests.application.shelf import paying, placed

NOTHING = Unknown(cause="?")
PAGE = Redirect(url="https://gateway.example/page")
CAPTURED = Fact(kind=FactKind.CAPTURED, object_id="c", amount=Money(900, "EUR"), account="till-1")
TOO_MUCH = Fact(kind=FactKind.CAPTURED, object_id="c", amount=Money(901, "EUR"), account="till-1")


@dataclass(slots=True)
class Scripted(MemoryGateway):
    """Answers inquiries as it is told to."""

    found: Finding = NOTHING

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        return self.found


@pytest.fixture
def gateway() -> Scripted:
    return Scripted(fault="drop_before")


@pytest.fixture
def plugins(gateway: Scripted) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


def in_doubt(plugins: Registry, now: datetime) -> Operation:
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order), plugins=plugins, now=now)
    return Operation.objects.get()


def due_in(operation: Operation) -> float | None:
    """Return in how many seconds it is due, by the database's clock."""
    row = Operation.objects.filter(pk=operation.pk).values_list("due_at", Now()).get()
    return None if row[0] is None else (row[0] - row[1]).total_seconds()


@pytest.mark.parametrize(
    ("found", "status", "outcome", "looks", "due"),
    [
        (Unknown(cause="down"), "UNKNOWN", {"cause": "down"}, 1, 5),
        (InProgress(check_after=timedelta(hours=2)), "IN_PROGRESS", None, 1, 7200),
        (NeedsCustomer(action=PAGE), "NEEDS_CUSTOMER", None, 1, 5),
        (Done(facts=(CAPTURED,)), "DONE", None, 0, None),
        (Done(facts=(TOO_MUCH,)), "UNKNOWN", {"cause": NO_MATCH}, 1, 5),
        (
            Declined(code=DeclineCode.CARD_DECLINED, text="No.", retry=Retry.SAME),
            "DECLINED",
            {"code": "CARD_DECLINED", "text": "No.", "retry": "SAME"},
            0,
            None,
        ),
    ],
)
def test_a_finding_moves_the_command_and_says_what_it_found(
    shelf: TenantRef,
    gateway: Scripted,
    plugins: Registry,
    now: datetime,
    found: Finding,
    status: str,
    outcome: dict[str, Any] | None,
    looks: int,
    due: float | None,
) -> None:
    operation = in_doubt(plugins, now)
    gateway.found = found

    look_up_payment(operation.payment_id, plugins=plugins, now=now)

    operation.refresh_from_db()
    before = {"cause": "time-out"}
    assert (operation.status, operation.looks) == (status, looks)
    assert operation.outcome in ([outcome] if outcome else [None, before])
    left = due_in(operation)
    assert (left is None) is (due is None)
    assert due is None or left is None or due - 4 < left <= due + 1


def test_the_customers_page_is_kept_and_its_end_is_looked_at(
    shelf: TenantRef, gateway: Scripted, plugins: Registry, now: datetime
) -> None:
    operation = in_doubt(plugins, now)
    gateway.found = NeedsCustomer(action=PAGE, expires_at=now + timedelta(seconds=3))

    look_up_payment(operation.payment_id, plugins=plugins, now=now)

    operation.refresh_from_db()
    left = due_in(operation)
    assert operation.action is not None
    assert operation.action["url"] == PAGE.url
    assert left is not None
    assert left < 3.5
    assert Order.objects.get().payment_status == "PENDING"


@pytest.mark.parametrize("found", [NotFound(), Resend()])
def test_what_did_not_happen_is_sent_again_at_once_under_the_same_key(
    shelf: TenantRef,
    gateway: Scripted,
    plugins: Registry,
    now: datetime,
    found: Finding,
) -> None:
    operation = in_doubt(plugins, now)
    gateway.found = found

    look_up_payment(operation.payment_id, plugins=plugins, now=now)

    assert gateway.ledger.posts == [f"start:{operation.pk.hex}"] * 2
    assert Order.objects.get().status == "PAID"
    assert Operation.objects.get().attempt == 2


def test_after_the_life_of_its_key_nothing_is_sent(
    shelf: TenantRef, gateway: Scripted, plugins: Registry, now: datetime
) -> None:
    operation = in_doubt(plugins, now)
    gateway.found = NotFound()

    look_up_payment(operation.payment_id, plugins=plugins, now=now + timedelta(hours=24))

    operation.refresh_from_db()
    assert len(gateway.ledger.posts) == 1
    assert (operation.status, operation.due_at) == ("ABANDONED", None)
    assert operation.outcome == {"cause": "its key has expired"}


def test_send_it_again_said_of_a_key_that_just_ended_is_asked_once_more(
    shelf: TenantRef, gateway: Scripted, plugins: Registry, now: datetime
) -> None:
    """A look that began while the key was honoured and ended after it: the next one proves it."""
    operation = in_doubt(plugins, now)
    gateway.found = Resend()
    later = now + timedelta(hours=24)

    look_up_payment(operation.payment_id, plugins=plugins, now=later)
    operation.refresh_from_db()
    waits, due = operation.status, due_in(operation)
    gateway.found = NotFound()
    look_up_payment(operation.payment_id, plugins=plugins, now=later)

    operation.refresh_from_db()
    assert (waits, due is not None) == ("UNKNOWN", True)
    assert (operation.status, len(gateway.ledger.posts)) == ("ABANDONED", 1)


def test_send_it_again_said_for_ever_of_a_key_that_ended_is_a_persons(
    shelf: TenantRef, gateway: Scripted, plugins: Registry, now: datetime, settings: Any
) -> None:
    settings.ORDERLOOM_LOOK_UPS = [5.0, 30.0]
    operation = in_doubt(plugins, now)
    gateway.found = Resend()

    for hours in (24, 25):
        look_up_payment(operation.payment_id, plugins=plugins, now=now + timedelta(hours=hours))

    operation.refresh_from_db()
    assert (operation.status, operation.due_at) == ("UNKNOWN", None)
    assert operation.outcome == {"cause": "a person has to decide: its key has expired"}
    assert len(gateway.ledger.posts) == 1


def test_the_look_ups_end_and_a_person_is_asked(
    shelf: TenantRef, gateway: Scripted, plugins: Registry, now: datetime, settings: Any
) -> None:
    settings.ORDERLOOM_LOOK_UPS = [5.0, 30.0]
    operation = in_doubt(plugins, now)
    waits = []

    for minutes in (0, 1, 2):
        look_up_payment(operation.payment_id, plugins=plugins, now=now + timedelta(minutes=minutes))
        waits.append(due_in(operation))

    assert waits[0] is not None
    assert waits[1:] == [None, None]
    assert Operation.objects.get().looks == 3


def test_what_is_with_the_gateway_right_now_is_not_asked_about(
    shelf: TenantRef, gateway: Scripted, plugins: Registry, now: datetime
) -> None:
    operation = in_doubt(plugins, now)
    gateway.found = Done(facts=(CAPTURED,))
    Operation.objects.update(status="SENT", lease_until=Now() + timedelta(hours=1))

    why = inquire_payment(operation.payment_id, plugins=plugins, now=now)

    assert why == "a command is with the gateway right now"
    assert Order.objects.get().status == "CONFIRMED"


def test_whose_worker_is_gone_is_in_doubt_and_asked_about(
    shelf: TenantRef, gateway: Scripted, plugins: Registry, now: datetime
) -> None:
    operation = in_doubt(plugins, now)
    gateway.found = Done(facts=(CAPTURED,))
    fence = operation.fence
    Operation.objects.update(status="SENT", lease_until=Now() - timedelta(seconds=1))

    assert inquire_payment(operation.payment_id, plugins=plugins, now=now) == ""

    operation.refresh_from_db()
    assert (operation.status, operation.lease_until) == ("DONE", None)
    assert operation.fence > fence
    assert Order.objects.get().status == "PAID"


def test_why_nothing_is_known_is_said(
    shelf: TenantRef, gateway: Scripted, plugins: Registry, now: datetime
) -> None:
    operation = in_doubt(plugins, now)
    gateway.found = Unknown(cause="down")

    assert inquire_payment(operation.payment_id, plugins=plugins, now=now) == "down"
    with pytest.raises(Missing):
        look_up_payment(new_id(), plugins=plugins, now=now)


def test_nobody_asks_about_a_payment_without_a_command(
    shelf: TenantRef, gateway: Scripted, plugins: Registry, now: datetime
) -> None:
    payment_id = in_doubt(plugins, now).payment_id
    Operation.objects.all().delete()
    gateway.found = Done(facts=(CAPTURED,))

    assert inquire_payment(payment_id, plugins=plugins, now=now) == ""
    assert Payment.objects.get().status != "CAPTURED"


def test_the_sweeper_takes_what_is_due_and_nothing_else(
    shelf: TenantRef, gateway: Scripted, plugins: Registry, now: datetime
) -> None:
    operation = in_doubt(plugins, now)
    other = in_doubt_too(plugins, now)
    gateway.found = Done(facts=(CAPTURED,))

    assert sweep_payments(plugins=plugins, now=now) == 0
    Operation.objects.update(due_at=F("due_at") - timedelta(hours=1))
    assert sweep_payments(plugins=plugins, now=now, order_id=operation.order_id) == 1
    assert sweep_payments(plugins=plugins, now=now, limit=1) == 1
    assert sweep_payments(plugins=plugins, now=now) == 0

    other.refresh_from_db()
    assert other.status == "DONE"


def in_doubt_too(plugins: Registry, now: datetime) -> Operation:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order), plugins=plugins, now=now)
    Operation.objects.filter(pk=step.operation_id).update(
        status="UNKNOWN", due_at=Now() + timedelta(seconds=5)
    )
    return Operation.objects.get(pk=step.operation_id)
