"""What an answer makes of a command that was sent: its state, its words, and when it is due."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from core.application.capture_payment import CapturePayment, capture_payment
from core.application.claim_operation import claim_operation
from core.application.comparing import NO_MATCH
from core.application.look_up_payment import look_up_payment
from core.application.payment_step import PaymentStep
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.send_operation import send_operation, send_planned
from core.application.start_payment import start_payment
from core.application.void_payment import VoidPayment, void_payment
from core.context import TenantRef
from core.domain.errors import NotSupported, PluginUnavailable
from core.hooks.registry import Registry
from core.models import Fact, Operation, Order, Payment
from core.testing.gateways import MemoryGateway
from hookspecs import (
    DeclineCode,
    Declined,
    Done,
    FactKind,
    Feature,
    Finding,
    InProgress,
    Money,
    NeedsCustomer,
    NotFound,
    NotSent,
    Outcome,
    Redirect,
    Resend,
    Retry,
    Unknown,
    Verb,
)
from hookspecs import Fact as Stated
from tests.application.shelf import paying, placed
from tests.application.wire import Bare, Wire, offering, seconds_until

PAGE = Redirect(url="https://gateway.example/page")
WAITS = NeedsCustomer(action=PAGE)
CAPTURED = Stated(kind=FactKind.CAPTURED, object_id="c", amount=Money(900, "EUR"), account="till-1")
TOO_MUCH = replace(CAPTURED, amount=Money(901, "EUR"))
APPROVED = replace(CAPTURED, kind=FactKind.APPROVED, object_id="a", amount=Money(0, "EUR"))
HELD = replace(CAPTURED, kind=FactKind.AUTHORIZED, object_id="h")
EVERYTHING = frozenset(Feature) - {Feature.SPLIT, Feature.HARMLESS_START, Feature.MANUAL}
REFUSED = {"cause": "no route", "never_sent": True, "not_there": False}


@pytest.fixture
def gateway() -> Wire:
    return Wire(features=EVERYTHING)


@pytest.fixture
def plugins(gateway: Wire) -> Registry:
    return offering(gateway)


def started(plugins: Registry, now: datetime, **more: Any) -> PaymentStep:
    """Order tea for 9.00, and begin to pay for it."""
    return start_payment(
        paying(placed(("tea", 2), plugins=plugins, now=now), **more), plugins=plugins, now=now
    )


def refunding(payment_id: uuid.UUID) -> RefundPayment:
    return RefundPayment(payment_id=payment_id, principal="staff", key=uuid.uuid4().hex)


def capturing(payment_id: uuid.UUID) -> CapturePayment:
    return CapturePayment(payment_id=payment_id, principal="staff", key=uuid.uuid4().hex)


def is_about(left: float | None, due: float | None) -> bool:
    """Say whether something is due in so many seconds, of which a few have passed."""
    return left is due is None or (left is not None and due is not None and due - 3 < left <= due)


@pytest.mark.parametrize(
    ("answer", "status", "outcome", "due"),
    [
        (Done(), "DONE", None, None),
        (Done(facts=(APPROVED,)), "NEEDS_CUSTOMER", None, 0),
        (Done(facts=(APPROVED, CAPTURED)), "DONE", None, None),
        (Done(facts=(CAPTURED,)), "DONE", None, None),
        (Done(facts=(TOO_MUCH,)), "UNKNOWN", {"cause": NO_MATCH}, 5),
        (InProgress(check_after=timedelta(hours=2)), "IN_PROGRESS", None, 7200),
        (NotSent(cause="no route"), "PLANNED", REFUSED, 5),
        (
            NotSent(cause="no route", retry_after=timedelta(seconds=90)),
            "PLANNED",
            REFUSED,
            90,
        ),
        (NotSent(cause="no route", retry_after=timedelta(0)), "PLANNED", REFUSED, 0),
        (Unknown(cause="time-out"), "UNKNOWN", {"cause": "time-out"}, 5),
        (
            Declined(code=DeclineCode.EXPIRED, text="It has expired.", retry=Retry.NEVER),
            "DECLINED",
            {"code": "EXPIRED", "text": "It has expired.", "retry": "NEVER"},
            None,
        ),
    ],
)
def test_an_answer_moves_its_command_and_says_when_to_look_again(
    shelf: TenantRef,
    gateway: Wire,
    plugins: Registry,
    now: datetime,
    answer: Outcome,
    status: str,
    outcome: dict[str, Any] | None,
    due: float | None,
) -> None:
    gateway.answers = [answer]

    step = started(plugins, now)

    operation = Operation.objects.get()
    assert (step.operation_id, step.operation_status) == (operation.pk, status)
    assert (operation.status, operation.outcome) == (status, outcome)
    assert (operation.attempt, operation.fence, operation.lease_until) == (1, 1, None)
    assert is_about(seconds_until(operation), due)


@pytest.mark.parametrize(
    ("ends_in", "due"), [(None, 600), (-60, 5), (3, 5), (60, 60), (599, 599), (7200, 600)]
)
def test_a_customers_time_is_looked_at_when_it_is_over(
    shelf: TenantRef,
    gateway: Wire,
    plugins: Registry,
    now: datetime,
    ends_in: int | None,
    due: float,
) -> None:
    ends_at = None if ends_in is None else now + timedelta(seconds=ends_in)
    gateway.answers = [replace(WAITS, expires_at=ends_at)]

    step = started(plugins, now)

    operation = Operation.objects.get()
    assert step.action == PAGE
    assert operation.action == {
        "kind": "redirect",
        "url": PAGE.url,
        "fields": {},
        "expires_at": None if ends_at is None else ends_at.isoformat(),
    }
    assert is_about(seconds_until(operation), due)


def test_how_long_an_approval_lasts_is_known_of_the_gateway(
    shelf: TenantRef, gateway: Wire, now: datetime
) -> None:
    gateway.about = {"approval_lasts": timedelta(minutes=2)}
    gateway.answers = [WAITS]

    started(offering(gateway), now)

    operation = Operation.objects.get()
    assert operation.action is not None
    assert operation.action["expires_at"] == (now + timedelta(minutes=2)).isoformat()
    assert is_about(seconds_until(operation), 120)


@pytest.mark.parametrize(
    ("answer", "status", "due"),
    [
        (WAITS, "NEEDS_CUSTOMER", None),
        (InProgress(check_after=timedelta(hours=2)), "IN_PROGRESS", 7200),
    ],
)
def test_nobody_is_asked_again_whether_somebody_has_paid_by_hand(
    shelf: TenantRef,
    gateway: Wire,
    now: datetime,
    answer: Outcome,
    status: str,
    due: float | None,
) -> None:
    gateway.features = frozenset({Feature.MANUAL})
    gateway.answers = [answer]

    step = started(offering(gateway), now)

    operation = Operation.objects.get()
    assert (operation.status, step.payment_status != "OPEN") == (status, True)
    assert (operation.action is None) == (status != "NEEDS_CUSTOMER")
    assert is_about(seconds_until(operation), due)


@pytest.mark.parametrize(
    ("answer", "status", "due"),
    [
        (Done(), "IN_PROGRESS", 5),
        (Done(facts=(HELD,)), "IN_PROGRESS", 5),
        (Done(facts=(HELD, replace(CAPTURED, parent_id="h"))), "DONE", None),
        (
            Done(facts=(replace(CAPTURED, kind=FactKind.CAPTURE_PENDING, parent_id="h"),)),
            "DONE",
            None,
        ),
    ],
)
def test_a_capture_is_done_when_its_answer_shows_one(
    shelf: TenantRef,
    gateway: Wire,
    plugins: Registry,
    now: datetime,
    answer: Outcome,
    status: str,
    due: float | None,
) -> None:
    gateway.answers = [Done(facts=(HELD,)), answer]
    held = started(plugins, now, capture_now=False)

    step = capture_payment(capturing(held.payment_id), plugins=plugins, now=now)

    operation = Operation.objects.get(verb="CAPTURE")
    assert (step.operation_id, operation.status) == (operation.pk, status)
    assert is_about(seconds_until(operation), due)


@pytest.mark.parametrize(
    ("kind", "status"),
    [(FactKind.CAPTURED, "IN_PROGRESS"), (FactKind.REFUNDED, "DONE")],
)
def test_a_refund_is_done_when_its_answer_shows_one(
    shelf: TenantRef,
    gateway: Wire,
    plugins: Registry,
    now: datetime,
    kind: FactKind,
    status: str,
) -> None:
    taken = replace(CAPTURED, object_id="r", kind=kind, parent_id="c")
    shown = taken if kind is FactKind.REFUNDED else CAPTURED
    gateway.answers = [Done(facts=(CAPTURED,)), Done(facts=(shown,))]
    paid = started(plugins, now)

    step = refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)

    assert step.operation_status == status


def test_a_void_needs_nothing_to_show(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    gateway.answers = [Done(facts=(HELD,)), Done()]
    held = started(plugins, now, capture_now=False)
    command = VoidPayment(payment_id=held.payment_id, principal="staff", key="v")

    step = void_payment(command, plugins=plugins, now=now)

    assert step.operation_status == "DONE"


def test_what_an_answer_brought_is_kept_with_the_gateways_own_name(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    gateway.answers = [Done(facts=(CAPTURED,), reference="pi-1")]

    step = started(plugins, now)

    fact = Fact.objects.get()
    assert (fact.source, fact.object_id, fact.amount_minor) == ("REPLY", "c", 900)
    assert Payment.objects.get(pk=step.payment_id).reference == "pi-1"
    assert step.order_status == "PAID"


def test_more_money_than_asked_is_written_down_though_its_command_stays_in_doubt(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    gateway.answers = [Done(facts=(TOO_MUCH,), reference="pi-1")]

    step = started(plugins, now)

    assert Fact.objects.get().amount_minor == 901
    assert Payment.objects.get().reference == "pi-1"
    assert (step.order_status, step.order_payment_status) == ("CONFIRMED", "UNRESOLVED")


def test_news_of_another_payment_is_no_answer(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    gateway.answers = [Done(facts=(CAPTURED,), reference="pi-1"), Done(reference="pi-2")]
    paid = started(plugins, now)

    step = refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)

    operation = Operation.objects.get(pk=step.operation_id)
    assert (operation.status, operation.outcome) == ("UNKNOWN", {"cause": NO_MATCH})
    assert Payment.objects.get().reference == "pi-1"


@pytest.mark.parametrize(("verb", "seconds"), [("start", 15), ("refund", 20)])
def test_a_gateway_is_told_how_long_it_has(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime, verb: str, seconds: float
) -> None:
    paid = started(plugins, now)
    refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)

    told = gateway.seconds[0 if verb == "start" else 1]

    assert seconds - 2 < told <= seconds


@pytest.mark.parametrize(
    ("first", "found", "never_sent", "not_there"),
    [
        (NotSent(cause="no route"), None, True, False),
        (Unknown(cause="?"), NotFound(), False, True),
        (Unknown(cause="?"), Resend(), False, False),
    ],
)
def test_a_second_refusal_proves_nothing_of_the_first_attempt(
    shelf: TenantRef,
    gateway: Wire,
    plugins: Registry,
    now: datetime,
    first: Outcome,
    found: Finding | None,
    never_sent: bool,
    not_there: bool,
) -> None:
    gateway.answers = [first, NotSent(cause="no route")]
    gateway.found = found
    step = started(plugins, now)

    if found is None:
        Operation.objects.update(due_at=Now())
        send_planned(step.order_id, Verb.START, plugins=plugins, now=now)
    else:
        look_up_payment(step.payment_id, plugins=plugins, now=now)

    operation = Operation.objects.get()
    assert (operation.status, operation.attempt, gateway.attempts) == ("PLANNED", 2, [1, 2])
    assert operation.outcome == {
        "cause": "no route",
        "never_sent": never_sent,
        "not_there": not_there,
    }


def test_an_answer_that_comes_after_its_lease_brings_facts_and_moves_no_command(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    def taken_over() -> None:
        Operation.objects.update(status="UNKNOWN", fence=F("fence") + 1)

    gateway.meanwhile = taken_over

    step = started(plugins, now)

    assert (step.operation_status, step.order_status) == ("UNKNOWN", "PAID")
    assert Operation.objects.get().fence == 2


def test_a_command_that_the_plugin_no_longer_knows_is_given_up_by_name(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    paid = started(plugins, now)
    gateway.fault = "refuse"
    step = refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)
    bare = offering(Bare(gateway))
    claimed = claim_operation(Operation.objects.get(pk=step.operation_id), plugins=bare, now=now)
    assert claimed is not None

    with pytest.raises(NotSupported) as refused:
        send_operation(claimed, plugins=bare, now=now)

    operation = Operation.objects.get(pk=step.operation_id)
    assert (str(refused.value), refused.value.details) == (
        "Memory can't refund.",
        {"verb": "REFUND"},
    )
    assert (operation.status, operation.due_at) == ("ABANDONED", None)
    assert operation.outcome == {"cause": "no method for REFUND"}
    assert gateway.ledger.refunds == {}


def test_another_till_is_never_asked(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    gateway.fault = "refuse"
    step = started(plugins, now)
    operation = Operation.objects.get(pk=step.operation_id)
    elsewhere = offering(MemoryGateway(account="till-2"))

    with pytest.raises(PluginUnavailable):
        send_operation(operation, plugins=elsewhere, now=now)

    operation.refresh_from_db()
    assert (operation.status, gateway.ledger.posts) == ("PLANNED", [])


@pytest.fixture
def planned(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> tuple[Operation, Operation]:
    """Return two refunds of one order that the gateway refused, of which the second was made first."""
    order = placed(("tea", 2), plugins=plugins, now=now)
    for minor, key in ((400, "1"), (500, "2")):
        command = paying(order, key=key, amount=Money(minor, "EUR"))
        held = start_payment(replace(command, capture_now=False), plugins=plugins, now=now)
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)
    rows = []
    for payment in Payment.objects.order_by("amount_minor"):
        gateway.fault = "refuse"
        step = refund_payment(refunding(payment.pk), plugins=plugins, now=now)
        rows.append(Operation.objects.get(pk=step.operation_id))
    Operation.objects.filter(verb="REFUND").update(due_at=Now())
    Operation.objects.filter(pk=rows[1].pk).update(created_at=now - timedelta(hours=1))
    gateway.ledger.posts.clear()
    gateway.requests.clear()
    return rows[0], rows[1]


def test_what_is_planned_is_sent_in_the_order_of_its_making(
    planned: tuple[Operation, Operation], gateway: Wire, plugins: Registry, now: datetime
) -> None:
    younger, older = planned

    send_planned(younger.order_id, Verb.REFUND, plugins=plugins, now=now)

    posts = [f"refund:{older.pk.hex}", f"refund:{younger.pk.hex}"]
    assert gateway.ledger.posts == posts
    assert Order.objects.get().payment_status == "REFUNDED"


def test_what_is_planned_together_is_sent_in_the_order_of_ids(
    planned: tuple[Operation, Operation], gateway: Wire, plugins: Registry, now: datetime
) -> None:
    Operation.objects.update(created_at=now)

    send_planned(planned[0].order_id, Verb.REFUND, plugins=plugins, now=now)

    assert gateway.ledger.posts == [f"refund:{one.pk.hex}" for one in planned]


@pytest.mark.parametrize(
    ("verbs", "moved"),
    [
        ((Verb.VOID, Verb.CAPTURE), {}),
        ((), {}),
        ((Verb.REFUND,), {"due_at": Now() + timedelta(hours=1)}),
        ((Verb.REFUND,), {"due_at": None}),
        ((Verb.REFUND,), {"status": "UNKNOWN"}),
        ((Verb.REFUND,), {"status": "DONE"}),
    ],
)
def test_only_what_is_planned_and_due_is_sent(
    planned: tuple[Operation, Operation],
    gateway: Wire,
    plugins: Registry,
    now: datetime,
    verbs: tuple[Verb, ...],
    moved: dict[str, Any],
) -> None:
    if moved:
        Operation.objects.filter(verb="REFUND").update(**moved)

    send_planned(planned[0].order_id, *verbs, plugins=plugins, now=now)

    assert gateway.requests == []


def test_another_orders_commands_are_left_to_it(
    planned: tuple[Operation, Operation], gateway: Wire, plugins: Registry, now: datetime
) -> None:
    other = placed(("tea", 1), plugins=plugins, now=now)

    send_planned(other.order_id, Verb.REFUND, plugins=plugins, now=now)

    assert gateway.requests == []


def test_a_gateway_that_refuses_again_is_asked_once_for_each(
    planned: tuple[Operation, Operation], gateway: Wire, plugins: Registry, now: datetime
) -> None:
    gateway.answers = [NotSent(cause="no route")] * 2

    send_planned(planned[0].order_id, Verb.REFUND, plugins=plugins, now=now)

    assert len(gateway.requests) == 2
    assert {op.status for op in Operation.objects.filter(verb="REFUND")} == {"PLANNED"}


def test_what_cannot_be_claimed_stops_it_and_the_rest_waits_for_the_sweeper(
    planned: tuple[Operation, Operation], gateway: Wire, plugins: Registry, now: datetime
) -> None:
    younger, older = planned
    Operation.objects.filter(pk=older.pk).update(outcome=None, retry_safe_until=now)

    send_planned(younger.order_id, Verb.REFUND, plugins=plugins, now=now)

    younger.refresh_from_db()
    older.refresh_from_db()
    assert (older.status, younger.status, gateway.requests) == ("UNKNOWN", "PLANNED", [])
