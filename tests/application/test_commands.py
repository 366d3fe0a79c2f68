"""Commands as rows and as requests, who commits one, and what becomes of whoever came second."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from core.application.apply_facts import ApplyFacts, apply_facts
from core.application.cancel_order import CancelOrder, cancel_order
from core.application.capture_payment import CapturePayment, capture_payment
from core.application.commanding import operation_row
from core.application.commit_operation import commit_operation, payment_to_command
from core.application.comparing import note_mistaken
from core.application.look_up_payment import look_up_payment
from core.application.payment_step import PaymentStep
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.resume_payment import ResumePayment, resume_payment
from core.application.start_payment import start_payment
from core.application.verify_log import verify_log
from core.application.void_payment import VoidPayment, void_payment
from core.context import TenantRef
from core.domain.errors import (
    IdempotencyConflict,
    NotFound,
    NotSupported,
    PaymentUndecided,
    PluginUnavailable,
)
from core.hooks.registry import Registry
from core.models import Event, Operation, Order, Payment
from core.models.ids import new_id
from core.models.sheet import RuleViolated
from hookspecs import (
    CaptureRequest,
    Fact,
    FactKind,
    Feature,
    InProgress,
    Input,
    Money,
    NotSent,
    RefundRequest,
    ResumeRequest,
    StartRequest,
    Unknown,
    Verb,
    VoidRequest,
)
from tests.application.meanwhile import Meanwhile
from tests.application.shelf import paying, placed
from tests.application.wire import Bare, Wire, offering, seconds_until

EVERYTHING = frozenset(Feature) - {Feature.SPLIT, Feature.HARMLESS_START, Feature.MANUAL}
UNDER_WAY = "Another command of this payment is under way."


@pytest.fixture
def gateway() -> Wire:
    return Wire(features=EVERYTHING)


@pytest.fixture
def sending() -> Wire:
    """Return a gateway that sends its customers to a page of its own."""
    return Wire(way="redirect", code="pages", about={"keys_kept": timedelta(hours=2)})


@pytest.fixture
def plugins(gateway: Wire, sending: Wire) -> Registry:
    return offering(gateway, sending)


def started(plugins: Registry, now: datetime, **more: Any) -> PaymentStep:
    """Order tea for 9.00, and begin to pay for it."""
    return start_payment(
        paying(placed(("tea", 2), plugins=plugins, now=now), **more), plugins=plugins, now=now
    )


def waiting(plugins: Registry, now: datetime, **more: Any) -> PaymentStep:
    """Order tea for 9.00; its customer is on the gateway's page."""
    return started(plugins, now, code="pages", **more)


def refunding(payment_id: uuid.UUID, **more: Any) -> RefundPayment:
    said = {"principal": "staff", "key": uuid.uuid4().hex} | more
    return RefundPayment(payment_id=payment_id, **said)


def capturing(payment_id: uuid.UUID, **more: Any) -> CapturePayment:
    said = {"principal": "staff", "key": uuid.uuid4().hex} | more
    return CapturePayment(payment_id=payment_id, **said)


def voiding(payment_id: uuid.UUID, key: str = "v") -> VoidPayment:
    return VoidPayment(payment_id=payment_id, principal="staff", key=key)


def back(step: PaymentStep) -> ResumePayment:
    """Bring the customer back."""
    return ResumePayment(
        order_id=step.order_id, payment_id=step.payment_id, returned={"token": "x"}
    )


def told(order_id: uuid.UUID) -> list[str]:
    """Return the states of commands that the journal tells of."""
    events = Event.objects.filter(order_id=order_id, kind="payment_moved").order_by("seq")
    return [event.data["status"] for event in events]


def refused_journal(order_id: uuid.UUID) -> None:
    """Let a journal hold an event more than its order knows of."""
    last = Event.objects.filter(order_id=order_id).order_by("-seq")[0]
    last.pk, last.seq = new_id(), (last.seq or 0) + 1
    last.save(force_insert=True)


# What a gateway is asked


def test_a_start_tells_everything_the_customer_said(
    shelf: TenantRef, gateway: Wire, now: datetime
) -> None:
    inputs = (Input(name="iban", label="IBAN", secret=True), Input(name="holder", label="Holder"))
    gateway.about = {"inputs": inputs}
    plugins = offering(gateway)
    said = {"iban": "DE00", "holder": "Ada"}

    step = started(plugins, now, inputs=said, capture_now=False)

    operation = Operation.objects.get()
    assert isinstance(request := gateway.requests[0], StartRequest)
    assert (request.operation_id, request.payment_id) == (
        operation.pk.hex,
        step.payment_id.hex,
    )
    assert (request.amount, request.reference) == (Money(900, "EUR"), None)
    assert request.return_url == f"https://shop.example/return/{step.payment_id}"
    assert request.cancel_url == f"https://shop.example/cancel/{step.payment_id}"
    assert request.webhook_url == operation.params["webhook_url"]
    assert "/webhooks/payment-memory/" in request.webhook_url
    assert (request.capture_now, request.inputs) == (False, said)
    assert (request.order.number, request.order.total) == (
        Order.objects.get().number,
        Money(900, "EUR"),
    )


def test_what_is_secret_is_stored_unreadable_and_everything_else_as_it_is(
    shelf: TenantRef, gateway: Wire, now: datetime
) -> None:
    inputs = (Input(name="iban", label="IBAN", secret=True), Input(name="holder", label="Holder"))
    gateway.about = {"inputs": inputs}

    started(offering(gateway), now, inputs={"iban": "DE00", "holder": "Ada"})

    params = Operation.objects.get().params
    assert params["inputs"] == {"holder": "Ada"}
    assert list(params["sealed"]) == ["iban"]
    assert "DE00" not in str(params)


@pytest.mark.parametrize("capture_now", [True, False])
def test_a_resume_tells_what_the_customer_brought_back(
    shelf: TenantRef, plugins: Registry, sending: Wire, now: datetime, capture_now: bool
) -> None:
    step = waiting(plugins, now, capture_now=capture_now)
    sending.approve(step.payment_id.hex)

    resumed = resume_payment(back(step), plugins=plugins, now=now)

    assert isinstance(request := sending.requests[1], ResumeRequest)
    assert resumed.operation_id is not None
    assert request.operation_id == resumed.operation_id.hex
    assert request.operation_id != sending.requests[0].operation_id
    assert (request.capture_now, request.returned) == (capture_now, {"token": "x"})
    assert (request.amount, request.reference) == (
        Money(900, "EUR"),
        f"ref-{step.payment_id.hex}",
    )


@pytest.mark.parametrize("final", [True, False])
def test_a_capture_names_its_authorisation_and_says_whether_the_rest_goes(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime, final: bool
) -> None:
    held = started(plugins, now, capture_now=False)
    command = capturing(held.payment_id, amount=Money(400, "EUR"), final=final)

    capture_payment(command, plugins=plugins, now=now)

    assert isinstance(request := gateway.requests[1], CaptureRequest)
    assert (request.authorization_id, request.final) == (f"au-{held.payment_id.hex}", final)
    assert (request.amount, request.reference) == (
        Money(400, "EUR"),
        f"ref-{held.payment_id.hex}",
    )


def test_a_refund_names_its_capture_and_says_why(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    paid = started(plugins, now)
    command = refunding(paid.payment_id, amount=Money(300, "EUR"), reason="broken")

    refund_payment(command, plugins=plugins, now=now)

    assert isinstance(request := gateway.requests[1], RefundRequest)
    assert (request.capture_id, request.reason) == (f"ch-{paid.payment_id.hex}", "broken")
    assert request.amount == Money(300, "EUR")


def test_a_refund_written_without_a_reason_is_sent_without_one(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    paid = started(plugins, now)
    gateway.answers = [Unknown(cause="?")]
    refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)
    operation = Operation.objects.get(verb="REFUND")
    del operation.params["reason"]
    operation.save()

    look_up_payment(paid.payment_id, plugins=plugins, now=now)

    assert isinstance(request := gateway.requests[2], RefundRequest)
    assert (request.operation_id, request.reason) == (operation.pk.hex, "")


def test_a_void_names_the_authorisation_it_lets_go(
    shelf: TenantRef, plugins: Registry, gateway: Wire, sending: Wire, now: datetime
) -> None:
    held = started(plugins, now, capture_now=False)
    unfinished = waiting(plugins, now)

    void_payment(voiding(held.payment_id), plugins=plugins, now=now)
    void_payment(voiding(unfinished.payment_id, "w"), plugins=plugins, now=now)

    assert isinstance(one := gateway.requests[1], VoidRequest)
    assert isinstance(other := sending.requests[1], VoidRequest)
    assert one.authorization_id == f"au-{held.payment_id.hex}"
    assert other.authorization_id is None


def test_a_look_up_says_what_is_in_doubt_and_since_when(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    paid = started(plugins, now)
    gateway.fault = "drop_after"
    refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)
    operation = Operation.objects.get(verb="REFUND")

    look_up_payment(paid.payment_id, plugins=plugins, now=now)

    asked = gateway.inquiries[0]
    assert (asked.operation_id, asked.verb) == (operation.pk.hex, Verb.REFUND)
    assert (asked.payment_id, asked.reference) == (
        paid.payment_id.hex,
        f"ref-{paid.payment_id.hex}",
    )
    assert asked.sent_at == operation.sent_at
    assert asked.amount == Money(900, "EUR")


def test_a_look_up_asks_by_the_name_that_the_gateway_gave_since(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    gateway.answers = [Unknown(cause="?")]
    step = started(plugins, now)
    Payment.objects.update(reference="pi-1")

    look_up_payment(step.payment_id, plugins=plugins, now=now)

    assert gateway.inquiries[0].reference == "pi-1"


def test_what_was_never_sent_is_asked_about_from_now_on(
    shelf: TenantRef, plugins: Registry, sending: Wire, now: datetime
) -> None:
    step = waiting(plugins, now)
    cancel_order(CancelOrder(order_id=step.order_id), plugins=plugins, now=now)
    late = Fact(kind=FactKind.CAPTURED, object_id="c", amount=Money(900, "EUR"), account="till-1")
    apply_facts(ApplyFacts(payment_id=step.payment_id, facts=(late,), source="WEBHOOK"), now=now)
    later = now + timedelta(minutes=1)

    look_up_payment(step.payment_id, plugins=plugins, now=later)

    asked = sending.inquiries[-1]
    assert (asked.verb, asked.sent_at) == (Verb.REFUND, later)


# Rows


@pytest.mark.parametrize(
    ("verb", "takes"),
    [
        (Verb.START, True),
        (Verb.RESUME, True),
        (Verb.CAPTURE, True),
        (Verb.VOID, False),
        (Verb.REFUND, False),
    ],
)
@pytest.mark.parametrize("sent", [True, False])
def test_a_command_is_born_with_everything_its_gateway_will_be_told(
    now: datetime, verb: Verb, takes: bool, sent: bool
) -> None:
    payment_id, order_id, params = new_id(), new_id(), {"reference": "pi-1"}

    row = operation_row(
        verb=verb,
        payment_id=payment_id,
        order_id=order_id,
        tenant_id=7,
        amount_minor=900,
        params=params,
        now=now,
        sent=sent,
    )

    assert isinstance(row.pop("id"), uuid.UUID)
    assert row == {
        "tenant_id": 7,
        "payment_id": payment_id,
        "order_id": order_id,
        "verb": verb.value,
        "status": "SENT" if sent else "PLANNED",
        "takes_money": takes,
        "amount_minor": 900,
        "params": params,
        "attempt": int(sent),
        "fence": int(sent),
        "looks": 0,
        "retry_safe_until": now + timedelta(hours=24),
        "action": None,
        "outcome": None,
        "idem_principal": None,
        "idem_key": None,
        "idem_digest": None,
        "created_at": now,
    }


def test_whoever_asked_is_kept_with_the_key(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    paid = started(plugins, now)
    command = refunding(paid.payment_id, key="r", principal="ada")

    refund_payment(command, plugins=plugins, now=now)

    operation = Operation.objects.get(verb="REFUND")
    assert (operation.idem_principal, operation.idem_key, operation.idem_digest) == (
        "ada",
        "r",
        command.digest(),
    )


Seen = dict[str, Any]


def watched(gateway: Wire, verb: str) -> Seen:
    """Look at a command while it is with its gateway."""
    seen: Seen = {}

    def look() -> None:
        operation = Operation.objects.filter(verb=verb).first()
        if operation is not None:
            times = {name: seconds_until(operation, name) for name in ("sent_at", "lease_until")}
            seen.update(times, operation=operation, due=seconds_until(operation), told=told_of())

    def told_of() -> list[str]:
        return told(Order.objects.get().pk)

    gateway.meanwhile = look
    return seen


@pytest.mark.parametrize(
    ("verb", "lease"), [("START", 20), ("RESUME", 20), ("VOID", 25), ("REFUND", 25)]
)
def test_a_command_is_committed_under_a_lease_before_the_wire(
    shelf: TenantRef, plugins: Registry, sending: Wire, now: datetime, verb: str, lease: int
) -> None:
    seen = watched(sending, verb)

    step = waiting(plugins, now)
    if verb == "VOID":
        void_payment(voiding(step.payment_id), plugins=plugins, now=now)
    elif verb != "START":
        sending.approve(step.payment_id.hex)
        resume_payment(back(step), plugins=plugins, now=now)
    if verb == "REFUND":
        refund_payment(refunding(step.payment_id), plugins=plugins, now=now)

    operation = seen["operation"]
    assert (operation.status, operation.attempt, operation.fence) == ("SENT", 1, 1)
    assert -2 < seen["sent_at"] <= 0
    assert lease - 2 < seen["lease_until"] <= lease
    assert lease - 2 < seen["due"] <= lease
    assert verb == "START" or seen["told"][-1] == f"{verb} SENT"


def test_a_command_that_is_planned_is_due_at_once_and_held_by_nobody(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    step = waiting(plugins, now)
    cancel_order(CancelOrder(order_id=step.order_id), plugins=plugins, now=now)
    late = Fact(kind=FactKind.CAPTURED, object_id="c", amount=Money(900, "EUR"), account="till-1")

    apply_facts(ApplyFacts(payment_id=step.payment_id, facts=(late,), source="WEBHOOK"), now=now)

    operation = Operation.objects.get(verb="REFUND")
    left = seconds_until(operation)
    assert (operation.status, operation.attempt, operation.fence) == ("PLANNED", 0, 0)
    assert (operation.sent_at, operation.lease_until) == (None, None)
    assert left is not None
    assert -2 < left <= 0


# What follows another command


def test_what_follows_ends_what_waited_in_one_piece(
    shelf: TenantRef, plugins: Registry, sending: Wire, now: datetime
) -> None:
    step = waiting(plugins, now)
    Operation.objects.update(looks=3)

    void_payment(voiding(step.payment_id), plugins=plugins, now=now)

    first, second = Operation.objects.order_by("created_at", "id")
    assert (first.status, first.action, first.outcome, first.due_at) == ("DONE", None, None, None)
    assert (first.looks, first.lease_until) == (3, None)
    assert (second.verb, second.status, second.amount_minor) == ("VOID", "DONE", 900)
    assert second.params == {"reference": f"ref-{step.payment_id.hex}"}
    assert second.retry_safe_until == now + timedelta(hours=2)
    moved = Event.objects.filter(kind="payment_moved", data__status="VOID SENT").get()
    assert moved.at == now
    assert moved.data == {
        "payment": str(step.payment_id),
        "strategy": "pages",
        "status": "VOID SENT",
    }


def test_a_void_of_what_waits_is_answered_once_per_key(
    shelf: TenantRef, plugins: Registry, sending: Wire, now: datetime
) -> None:
    step = waiting(plugins, now)

    first = void_payment(voiding(step.payment_id), plugins=plugins, now=now)
    again = void_payment(voiding(step.payment_id), plugins=plugins, now=now)

    assert first == again
    assert first.payment_status == "CLOSED"
    assert len(sending.requests) == 2
    other = waiting(plugins, now)
    with pytest.raises(IdempotencyConflict):
        void_payment(voiding(other.payment_id), plugins=plugins, now=now)


def takes_over(step: PaymentStep, now: datetime) -> None:
    """Another worker looked the waiting command up."""
    Operation.objects.filter(pk=step.operation_id).update(fence=F("fence") + 1)


def moves_the_order(step: PaymentStep, now: datetime) -> None:
    """News of something else came in for the order."""
    note_mistaken(step.payment_id, "pi-9", now=now)


def ends_it(step: PaymentStep, now: datetime) -> None:
    """The gateway said that the customer never approved."""
    Operation.objects.filter(pk=step.operation_id).update(status="DECLINED", action=None)


@pytest.mark.parametrize("happens", [takes_over, moves_the_order, ends_it])
def test_whoever_loses_the_race_to_follow_up_gets_the_state_as_it_is(
    shelf: TenantRef,
    plugins: Registry,
    sending: Wire,
    now: datetime,
    happens: Callable[[PaymentStep, datetime], None],
) -> None:
    step = waiting(plugins, now)
    sending.approve(step.payment_id.hex)
    racing: Any = Meanwhile(plugins, lambda: happens(step, now))

    lost = resume_payment(back(step), plugins=racing, now=now)

    assert lost.payment_id == step.payment_id
    assert lost.operation_id == step.operation_id
    assert (lost.order_status, sending.ledger.charges) == ("CONFIRMED", {})
    assert "RESUME SENT" not in told(step.order_id)
    assert Operation.objects.count() == len(sending.requests) == 1


def test_a_key_that_another_command_took_meanwhile_voids_nothing(
    shelf: TenantRef, plugins: Registry, sending: Wire, now: datetime
) -> None:
    step, other = waiting(plugins, now), started(plugins, now)

    def takes_the_key() -> None:
        Operation.objects.filter(pk=other.operation_id).update(idem_principal="staff", idem_key="v")

    racing: Any = Meanwhile(plugins, takes_the_key)
    lost = void_payment(voiding(step.payment_id), plugins=racing, now=now)

    assert (lost.payment_id, lost.operation_status) == (step.payment_id, "NEEDS_CUSTOMER")
    assert sending.ledger.voided == set()


def test_a_customer_who_comes_back_twice_at_once_is_charged_once(
    shelf: TenantRef, plugins: Registry, sending: Wire, now: datetime
) -> None:
    step = waiting(plugins, now)
    sending.approve(step.payment_id.hex)
    racing: Any = Meanwhile(plugins, lambda: resume_payment(back(step), plugins=plugins, now=now))

    lost = resume_payment(back(step), plugins=racing, now=now)

    assert (lost.order_status, lost.operation_status) == ("PAID", "DONE")
    assert list(sending.ledger.charges.values()) == [900]
    assert told(step.order_id).count("RESUME SENT") == 1


def test_a_journal_that_does_not_fit_its_order_is_no_lost_race(
    shelf: TenantRef, plugins: Registry, sending: Wire, now: datetime
) -> None:
    step = waiting(plugins, now)
    refused_journal(step.order_id)

    with pytest.raises(RuleViolated, match="event_sequence_unique"):
        resume_payment(back(step), plugins=plugins, now=now)

    assert Operation.objects.get().status == "NEEDS_CUSTOMER"
    assert len(sending.requests) == 1


def test_the_journal_of_commands_that_follow_each_other_holds(
    shelf: TenantRef, plugins: Registry, sending: Wire, now: datetime
) -> None:
    step = waiting(plugins, now)
    sending.approve(step.payment_id.hex)

    resume_payment(back(step), plugins=plugins, now=now)
    refund_payment(refunding(step.payment_id), plugins=plugins, now=now)

    verified = verify_log(progress=lambda *_: None)
    assert (verified.orders, verified.found) == (1, [])
    assert told(step.order_id) == ["REQUIRES_ACTION", "RESUME SENT", "REFUND SENT"]


# What staff command


def test_a_command_needs_a_payment(shelf: TenantRef, plugins: Registry, now: datetime) -> None:
    with pytest.raises(NotFound) as refused:
        refund_payment(refunding(new_id()), plugins=plugins, now=now)

    assert str(refused.value) == "There is no such payment."


@pytest.mark.parametrize(
    ("command", "verb"), [(refund_payment, "REFUND"), (capture_payment, "CAPTURE")]
)
def test_what_was_collected_elsewhere_is_commanded_elsewhere(
    shelf: TenantRef, plugins: Registry, now: datetime, command: Any, verb: str
) -> None:
    paid = started(plugins, now)
    Payment.objects.update(plugin="", label="Cash on delivery")
    asked = refunding if verb == "REFUND" else capturing

    with pytest.raises(NotSupported) as refused:
        command(asked(paid.payment_id), plugins=plugins, now=now)

    assert str(refused.value) == "Cash on delivery was collected elsewhere."
    assert refused.value.details == {"verb": verb}


@pytest.mark.parametrize(
    ("command", "asked", "verb"),
    [
        (refund_payment, refunding, "refund"),
        (capture_payment, capturing, "capture"),
        (void_payment, voiding, "void"),
    ],
)
def test_what_a_way_to_pay_cannot_do_is_refused_in_its_name(
    shelf: TenantRef,
    plugins: Registry,
    gateway: Wire,
    now: datetime,
    command: Any,
    asked: Any,
    verb: str,
) -> None:
    paid = started(plugins, now)

    with pytest.raises(NotSupported) as refused:
        command(asked(paid.payment_id), plugins=offering(Bare(gateway)), now=now)

    assert str(refused.value) == f"Memory can't {verb}."
    assert refused.value.details == {"verb": verb.upper()}
    assert Operation.objects.count() == 1


def test_another_till_is_asked_for_nothing_and_nothing_is_written(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    paid = started(plugins, now)
    elsewhere = offering(Wire(features=EVERYTHING, account="till-2"))

    with pytest.raises(PluginUnavailable, match="another account than till-1"):
        refund_payment(refunding(paid.payment_id), plugins=elsewhere, now=now)

    assert Operation.objects.count() == 1


def test_a_key_used_for_something_else_is_refused(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    paid = started(plugins, now)
    command = refunding(paid.payment_id, amount=Money(300, "EUR"))
    refund_payment(command, plugins=plugins, now=now)

    with pytest.raises(IdempotencyConflict) as refused:
        refund_payment(replace(command, amount=Money(400, "EUR")), plugins=plugins, now=now)

    assert str(refused.value) == "This Idempotency-Key was used for something else."
    assert list(gateway.ledger.refunds.values()) == [300]


def test_a_key_is_its_principals_own(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    held = started(plugins, now, capture_now=False)
    part = Money(300, "EUR")
    for key, principal in (("1", "ada"), ("1", "bob"), ("2", "ada"), ("1", "ada")):
        command = capturing(held.payment_id, amount=part, final=False, key=key, principal=principal)
        capture_payment(command, plugins=plugins, now=now)

    assert list(gateway.ledger.captures.values()) == [300, 300, 300]


def test_what_is_overdue_is_finished_first_and_other_orders_wait(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    paid, other = started(plugins, now), started(plugins, now)
    part = Money(300, "EUR")
    gateway.answers = [Unknown(cause="?")] * 2
    for one in (paid, other):
        refund_payment(refunding(one.payment_id, amount=part), plugins=plugins, now=now)
    Operation.objects.filter(verb="REFUND").update(due_at=Now())

    refund_payment(refunding(paid.payment_id, amount=part), plugins=plugins, now=now)

    states = Operation.objects.filter(verb="REFUND").order_by("created_at", "id")
    assert [one.status for one in states] == ["DONE", "UNKNOWN", "DONE"]


def test_nobody_is_asked_about_a_payment_with_nothing_under_way(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    part = start_payment(paying(order, amount=Money(400, "EUR")), plugins=plugins, now=now)
    gateway.answers = [Unknown(cause="?")]
    start_payment(paying(order), plugins=plugins, now=now)
    Operation.objects.filter(status="UNKNOWN").update(due_at=Now())

    payment, strategy = payment_to_command(part.payment_id, Verb.REFUND, plugins=plugins, now=now)

    assert (payment.pk, strategy.info.code) == (part.payment_id, "memory")
    assert gateway.inquiries == []


def test_one_command_of_a_payment_at_a_time(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    paid = started(plugins, now)
    gateway.answers = [InProgress(check_after=timedelta(hours=1))]
    refund_payment(refunding(paid.payment_id, amount=Money(1, "EUR")), plugins=plugins, now=now)
    seq = Order.objects.get().log_seq

    with pytest.raises(PaymentUndecided) as refused:
        refund_payment(refunding(paid.payment_id, amount=Money(1, "EUR")), plugins=plugins, now=now)

    assert str(refused.value) == UNDER_WAY
    assert (Operation.objects.count(), Order.objects.get().log_seq) == (2, seq)


def test_one_charge_of_an_order_at_a_time(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    part = paying(order, capture_now=False, amount=Money(400, "EUR"))
    held = start_payment(part, plugins=plugins, now=now)
    gateway.answers = [Unknown(cause="?")]
    start_payment(paying(order), plugins=plugins, now=now)

    with pytest.raises(PaymentUndecided) as refused:
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)

    assert str(refused.value) == UNDER_WAY
    assert gateway.ledger.captures == {}


def test_a_refused_command_may_be_given_by_another_key_once_it_is_over(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    paid = started(plugins, now)
    gateway.answers = [NotSent(cause="no route")]
    refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)
    Operation.objects.filter(verb="REFUND").update(status="ABANDONED")

    step = refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)

    assert step.order_payment_status == "REFUNDED"


def refund_row(payment: Payment, now: datetime, **more: Any) -> dict[str, Any]:
    return operation_row(
        verb=Verb.REFUND,
        payment_id=payment.pk,
        order_id=payment.order_id,
        tenant_id=payment.tenant_id,
        amount_minor=900,
        params={"reference": None, "capture_id": "c"},
        now=now,
        sent=True,
        **more,
    )


def test_a_committed_command_is_the_one_that_was_asked_for(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    paid = started(plugins, now)
    payment, _ = payment_to_command(paid.payment_id, Verb.REFUND, plugins=plugins, now=now)
    row = refund_row(payment, now)
    seq = payment.order.log_seq

    operation = commit_operation(payment, row, now=now)

    assert operation is not None
    assert (operation.pk, operation.status, operation.amount_minor) == (row["id"], "SENT", 900)
    assert Order.objects.get().log_seq == seq + 1
    assert told(paid.order_id) == ["REFUND SENT"]


@pytest.mark.parametrize("why", ["order", "key"])
def test_a_command_decided_upon_what_has_changed_since_is_read_again(
    shelf: TenantRef, plugins: Registry, now: datetime, why: str
) -> None:
    paid, other = started(plugins, now), started(plugins, now)
    payment, _ = payment_to_command(paid.payment_id, Verb.REFUND, plugins=plugins, now=now)
    row = refund_row(payment, now, idem=("staff", "r", "digest"))
    if why == "order":
        note_mistaken(payment.pk, "pi-9", now=now)
    else:
        Operation.objects.filter(pk=other.operation_id).update(idem_principal="staff", idem_key="r")

    assert commit_operation(payment, row, now=now) is None
    assert not Operation.objects.filter(verb="REFUND").exists()
    assert told(paid.order_id) == []


def test_a_command_decided_upon_while_another_went_off_is_refused_at_once(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    paid = started(plugins, now)
    payment, _ = payment_to_command(paid.payment_id, Verb.REFUND, plugins=plugins, now=now)
    gateway.answers = [Unknown(cause="?")]
    refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)

    with pytest.raises(PaymentUndecided) as refused:
        commit_operation(payment, refund_row(payment, now), now=now)

    assert str(refused.value) == UNDER_WAY


def test_a_journal_that_does_not_fit_its_order_stops_every_command(
    shelf: TenantRef, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    paid = started(plugins, now)
    refused_journal(paid.order_id)

    with pytest.raises(RuleViolated, match="event_sequence_unique"):
        refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)

    assert gateway.ledger.refunds == {}
    assert not Operation.objects.filter(verb="REFUND").exists()
