"""Who is asked about a command in doubt, what of an answer is kept, and when somebody looks again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from core.application.apply_facts import ApplyFacts, apply_facts
from core.application.comparing import NO_MATCH
from core.application.look_up_payment import inquire_payment, look_up_payment, mark_overdue
from core.application.payment_step import PaymentStep
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.domain.errors import PluginUnavailable
from core.domain.journal import INCIDENT
from core.hooks.registry import Registry
from core.hooks.states import PluginView
from core.models import Event, Operation, Order, Payment
from core.models import Fact as FactRow
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import (
    Call,
    Declined,
    Done,
    Fact,
    FactKind,
    Feature,
    Finding,
    InProgress,
    InquireRequest,
    Money,
    NeedsCustomer,
    NotFound,
    PaymentInfo,
    Redirect,
    Resend,
    Unknown,
    Verb,
)
from tests.application.shelf import paying, placed

PAGE = Redirect(url="https://gateway.example/page")
EXPIRED = "its key has expired"
WAITS = "a person has to decide: its key has expired"
EARLY = "not found, but too early to tell"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass
class Asked(MemoryGateway):
    """Answers inquiries as it is told to, else by its ledger, and remembers what it was asked."""

    found: Finding | None = None
    visible_after: timedelta = timedelta(0)
    asked: list[InquireRequest] = field(default_factory=list)
    patience: list[float] = field(default_factory=list)
    meanwhile: Callable[[], object] = bool

    @property
    def info(self) -> PaymentInfo:
        return replace(super().info, visible_after=self.visible_after)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        self.asked.append(request)
        self.patience.append(call.seconds_left())
        self.meanwhile()
        return super().inquire(request, call) if self.found is None else self.found


class Gone(BaseException):
    """The end of a process."""


class Dying(Registry):
    """A worker whose process ends before it takes a command over."""

    def plugin(self, name: str) -> PluginView | None:
        raise Gone


@pytest.fixture
def gateway() -> Asked:
    return Asked(fault="drop_before")


@pytest.fixture
def plugins(gateway: Asked) -> Registry:
    return serving(gateway)


def serving(gateway: MemoryGateway, **more: Any) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)), **more)


def dying(plugins: Registry) -> Registry:
    return Dying(**{one.name: getattr(plugins, one.name) for one in fields(plugins)})


def bought(plugins: Registry, now: datetime) -> PaymentStep:
    order = placed(("tea", 2), plugins=plugins, now=now)
    return start_payment(paying(order), plugins=plugins, now=now)


def started(plugins: Registry, now: datetime) -> Operation:
    """Begin a payment and return its first command."""
    return Operation.objects.get(pk=bought(plugins, now).operation_id)


def refunded(
    step: PaymentStep, plugins: Registry, now: datetime, minor: int, key: str = "r"
) -> Operation:
    command = RefundPayment(
        payment_id=step.payment_id, principal="staff", key=key, amount=Money(minor, "EUR")
    )
    return Operation.objects.get(pk=refund_payment(command, plugins=plugins, now=now).operation_id)


def look(operation: Operation, plugins: Registry, now: datetime) -> Operation:
    """Look a payment up and return its command as it is then."""
    look_up_payment(operation.payment_id, plugins=plugins, now=now)
    return Operation.objects.get(pk=operation.pk)


def change(operation: Operation, **what: Any) -> None:
    Operation.objects.filter(pk=operation.pk).update(**what)


def due_in(operation: Operation) -> float | None:
    """Return in how many seconds it is due, by the database's clock."""
    row = Operation.objects.filter(pk=operation.pk).values_list("due_at", Now()).get()
    return None if row[0] is None else (row[0] - row[1]).total_seconds()


def is_about(left: float | None, due: float | None) -> bool:
    """Say whether it is due when it should be, however slow the machine."""
    if left is None or due is None:
        return left is due
    return due - 4 < left <= due + 1


# What is asked, and of whom


def test_the_question_names_the_command_in_doubt(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    operation = started(plugins, now)
    Payment.objects.update(reference="theirs")

    look(operation, plugins, now)

    (asked,) = gateway.asked
    assert (asked.operation_id, asked.payment_id) == (
        operation.pk.hex,
        operation.payment_id.hex,
    )
    assert (asked.verb, asked.amount, asked.reference) == (
        Verb.START,
        Money(900, "EUR"),
        "theirs",
    )
    assert asked.sent_at == operation.sent_at


def test_what_was_never_sent_is_asked_about_as_if_it_were_now(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    operation = started(plugins, now)
    change(operation, sent_at=None)
    gateway.found = Unknown(cause="down")

    look(operation, plugins, now + HOUR)

    assert [one.sent_at for one in gateway.asked] == [now + HOUR]


@pytest.mark.parametrize("patience", [20.0, 30.0])
def test_the_gateway_has_as_long_as_any_command_to_answer(
    shelf: TenantRef,
    gateway: Asked,
    plugins: Registry,
    now: datetime,
    settings: Any,
    patience: float,
) -> None:
    operation = started(plugins, now)
    settings.ORDERLOOM_CALL_DEADLINE_SECONDS = 60.0
    settings.ORDERLOOM_START_SECONDS = 50.0
    settings.ORDERLOOM_COMMAND_SECONDS = patience
    gateway.found = Unknown(cause="down")

    look(operation, plugins, now)

    assert patience - 9 < gateway.patience[0] <= patience


@pytest.mark.parametrize(("start_at", "asked"), [(-HOUR, Verb.REFUND), (HOUR, Verb.START)])
def test_where_nothing_is_under_way_the_latest_command_is_asked_about(
    shelf: TenantRef, now: datetime, start_at: timedelta, asked: Verb
) -> None:
    gateway = Asked()
    plugins = serving(gateway)
    step = bought(plugins, now)
    refunded(step, plugins, now, 300)
    Operation.objects.filter(verb="START").update(created_at=now + start_at)

    look_up_payment(step.payment_id, plugins=plugins, now=now)

    assert [one.verb for one in gateway.asked] == [asked]


def test_of_two_commands_of_one_moment_the_later_is_asked_about(
    shelf: TenantRef, now: datetime
) -> None:
    gateway = Asked()
    plugins = serving(gateway)
    step = bought(plugins, now)
    refunded(step, plugins, now, 300)

    look_up_payment(step.payment_id, plugins=plugins, now=now)

    assert [one.verb for one in gateway.asked] == [Verb.REFUND]


def test_the_command_under_way_is_asked_about_though_a_later_one_has_ended(
    shelf: TenantRef, now: datetime
) -> None:
    gateway = Asked()
    plugins = serving(gateway)
    step = bought(plugins, now)
    first = refunded(step, plugins, now, 300, "1")
    refunded(step, plugins, now, 200, "2")
    change(first, status="UNKNOWN")

    look_up_payment(step.payment_id, plugins=plugins, now=now)

    assert [one.operation_id for one in gateway.asked] == [first.pk.hex]
    first.refresh_from_db()
    assert first.status == "DONE"


def test_another_account_is_never_asked(shelf: TenantRef, plugins: Registry, now: datetime) -> None:
    operation = started(plugins, now)
    other = Asked(account="till-2")

    with pytest.raises(PluginUnavailable) as refused:
        look(operation, serving(other), now)

    assert str(refused.value) == (
        "orderloom-payment-memory is configured for another account than till-1."
    )
    assert refused.value.details["account"] == "till-1"
    assert other.asked == []
    assert Operation.objects.get().status == "UNKNOWN"


# Whose worker is gone


def test_only_what_is_overdue_becomes_doubtful_and_due_at_once(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    lost, busy, waits = (started(plugins, now) for _ in range(3))
    change(lost, status="SENT", lease_until=Now() - timedelta(seconds=1), due_at=Now() + HOUR)
    change(busy, status="SENT", lease_until=Now() + HOUR)
    change(waits, status="IN_PROGRESS", lease_until=Now() - timedelta(seconds=1))

    assert mark_overdue() == 1

    after = {one.pk: one for one in Operation.objects.all()}
    assert after[lost.pk].status == "UNKNOWN"
    assert after[lost.pk].fence == lost.fence + 1
    assert after[lost.pk].lease_until is None
    assert is_about(due_in(lost), 0)
    assert (after[busy.pk].status, after[busy.pk].fence) == ("SENT", busy.fence)
    assert (after[waits.pk].status, after[waits.pk].fence) == ("IN_PROGRESS", waits.fence)
    assert after[busy.pk].lease_until is not None


def test_looking_a_payment_up_leaves_others_alone(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    own, other = started(plugins, now), started(plugins, now)
    for one in (own, other):
        change(one, status="SENT", lease_until=Now() - timedelta(seconds=1))
    gateway.found = Unknown(cause="down")

    inquire_payment(own.payment_id, plugins=plugins, now=now)

    own.refresh_from_db()
    other.refresh_from_db()
    assert own.status == "UNKNOWN"
    assert other.status == "SENT"
    assert mark_overdue(own.payment_id) == 0
    assert mark_overdue(other.payment_id) == 1


# What is kept of an answer


def test_facts_and_reference_of_an_answer_are_kept(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    operation = started(plugins, now)
    gateway.ledger.charges[operation.payment_id.hex] = 900

    look(operation, plugins, now + HOUR)

    row = FactRow.objects.get()
    assert (row.kind, row.amount_minor, row.source) == ("CAPTURED", 900, "LOOK_UP")
    assert row.recorded_at == now + HOUR
    assert Payment.objects.get().reference == f"ref-{operation.payment_id.hex}"
    assert Event.objects.get(kind="order_paid").at == now + HOUR


def test_an_answer_about_a_command_that_has_ended_moves_the_money_and_not_the_command(
    shelf: TenantRef, now: datetime
) -> None:
    gateway = Asked()
    plugins = serving(gateway)
    step = bought(plugins, now)
    before = Operation.objects.values().get()
    back = Fact(
        kind=FactKind.REFUNDED,
        object_id="elsewhere",
        amount=Money(900, "EUR"),
        parent_id=f"ch-{step.payment_id.hex}",
    )
    gateway.found = InProgress(check_after=HOUR, facts=(back,))

    look_up_payment(step.payment_id, plugins=plugins, now=now)

    assert Order.objects.get().payment_status == "REFUNDED"
    assert Operation.objects.values().get() == before


def test_a_refund_that_the_bank_sent_back_is_not_sent_again(
    shelf: TenantRef, now: datetime
) -> None:
    gateway = Asked()
    plugins = serving(gateway)
    step = bought(plugins, now)
    gateway.fault = "drop_before"
    operation = refunded(step, plugins, now, 300)
    failed = Fact(
        kind=FactKind.REFUND_FAILED,
        object_id="re",
        amount=Money(300, "EUR"),
        parent_id=f"ch-{step.payment_id.hex}",
        operation_id=operation.pk.hex,
    )
    gateway.found = Done(facts=(failed,))

    after = look(operation, plugins, now)

    assert (after.status, after.attempt) == ("DONE", 1)
    assert Order.objects.get().payment_status == "PAID"
    assert gateway.ledger.refunds == {}


def test_an_answer_about_another_payment_is_an_incident_and_decides_nothing(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    operation = started(plugins, now)
    Payment.objects.update(reference="ours")
    theirs = Fact(kind=FactKind.CAPTURED, object_id="c", amount=Money(900, "EUR"))
    gateway.found = Done(facts=(theirs,), reference="theirs")

    why = inquire_payment(operation.payment_id, plugins=plugins, now=now + HOUR)

    operation.refresh_from_db()
    incident = Event.objects.get(kind=INCIDENT)
    assert why == NO_MATCH
    assert (operation.status, operation.outcome) == ("UNKNOWN", {"cause": NO_MATCH})
    assert (incident.data["object"], incident.at) == ("theirs", now + HOUR)
    assert not FactRow.objects.exists()


def test_the_customers_time_counts_from_the_commands_birth(shelf: TenantRef, now: datetime) -> None:
    gateway = Asked(fault="drop_before", approval_lasts=timedelta(hours=3))
    plugins = serving(gateway)
    operation = started(plugins, now)
    gateway.found = NeedsCustomer(action=PAGE)

    after = look(operation, plugins, now + HOUR)

    assert after.action["expires_at"] == (now + timedelta(hours=3)).isoformat()
    assert after.status == "NEEDS_CUSTOMER"


@pytest.mark.parametrize(
    ("table", "ends_in", "due"),
    [
        ([5.0, 30.0], None, 5),
        ([5.0, 30.0], 3600, 5),
        ([5.0, 30.0], 0.5, 0.5),
        ([50.0, 300.0], 20, 20),
        ([50.0, 300.0], 0, 50),
        ([50.0, 300.0], -20, 50),
        ([-1.0], 7200, 7200),
        ([-1.0], -7200, None),
        ([-1.0], None, None),
    ],
)
def test_it_is_looked_at_when_the_customers_time_is_over_or_before(
    shelf: TenantRef,
    gateway: Asked,
    plugins: Registry,
    now: datetime,
    settings: Any,
    table: list[float],
    ends_in: float | None,
    due: float | None,
) -> None:
    operation = started(plugins, now)
    settings.ORDERLOOM_LOOK_UPS = table
    ends_at = None if ends_in is None else now + timedelta(seconds=ends_in)
    gateway.found = NeedsCustomer(action=PAGE, expires_at=ends_at)

    after = look(operation, plugins, now)

    assert (after.status, after.looks) == ("NEEDS_CUSTOMER", 1)
    assert is_about(due_in(operation), due)


def test_looks_are_counted_until_it_is_a_persons_turn(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime, settings: Any
) -> None:
    settings.ORDERLOOM_LOOK_UPS = [5.0, 30.0, 120.0]
    operation = started(plugins, now)
    seen = []

    for seconds, found in (
        (0, Unknown(cause="down")),
        (100, InProgress(check_after=timedelta(seconds=70))),
        (500, Unknown(cause="down")),
    ):
        gateway.found = found
        after = look(operation, plugins, now + timedelta(seconds=seconds))
        seen.append((after.status, after.looks))
        waits = due_in(operation)

    assert seen == [("UNKNOWN", 1), ("IN_PROGRESS", 2), ("UNKNOWN", 3)]
    assert waits is None


def test_a_no_is_kept_word_for_word_and_lets_the_order_be_paid_again(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    operation = started(plugins, now)
    gateway.found = Declined(text="Not today.")

    after = look(operation, plugins, now)

    assert after.outcome == {"code": "OTHER", "text": "Not today.", "retry": "OTHER_METHOD"}
    assert (after.status, after.due_at, after.lease_until) == ("DECLINED", None, None)
    assert Order.objects.get().payment_status == "NONE"
    assert Event.objects.get(kind="payment_declined").data["code"] == "OTHER"


# What did not happen


def test_not_found_proves_nothing_until_the_gateway_shows_what_it_has(
    shelf: TenantRef, now: datetime
) -> None:
    gateway = Asked(fault="drop_before", visible_after=HOUR)
    plugins = serving(gateway)
    long_ago, just_now = started(plugins, now), doubted(plugins, gateway, now)
    change(long_ago, sent_at=Now() - 2 * HOUR)
    gateway.found = NotFound()

    early = look(just_now, plugins, now)
    early_due = due_in(just_now)
    proved = look(long_ago, plugins, now)

    assert (early.status, early.looks, early.outcome) == ("UNKNOWN", 1, {"cause": EARLY})
    assert is_about(early_due, 5)
    assert gateway.ledger.posts.count(f"start:{just_now.pk.hex}") == 1
    assert (proved.status, proved.attempt) == ("DONE", 2)


def doubted(plugins: Registry, gateway: Asked, now: datetime) -> Operation:
    gateway.fault = "drop_before"
    return started(plugins, now)


def test_a_key_is_honoured_from_when_the_gateway_saw_it_first(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    long_ago, just_now = started(plugins, now), doubted(plugins, gateway, now)
    change(long_ago, sent_at=Now() - DAY)
    gateway.found = NotFound()

    again = look(just_now, plugins, now)
    over = look(long_ago, plugins, now)

    assert (again.status, again.attempt) == ("DONE", 2)
    assert (over.status, over.outcome, over.due_at) == ("ABANDONED", {"cause": EXPIRED}, None)
    assert gateway.ledger.posts.count(f"start:{long_ago.pk.hex}") == 1


@pytest.mark.parametrize(
    ("found", "status", "posts"), [(NotFound(), "ABANDONED", 1), (Resend(), "DONE", 2)]
)
def test_with_its_plugin_switched_off_only_what_may_have_begun_is_sent_again(
    shelf: TenantRef,
    gateway: Asked,
    plugins: Registry,
    now: datetime,
    found: Finding,
    status: str,
    posts: int,
) -> None:
    operation = started(plugins, now)
    gateway.found = found

    after = look(operation, serving(gateway, disabled=("payment-memory",)), now)

    assert (after.status, len(gateway.ledger.posts)) == (status, posts)


def test_a_worker_that_ends_before_it_sends_again_leaves_it_to_the_sweeper_at_once(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    operation = started(plugins, now)
    gateway.found = NotFound()

    with pytest.raises(Gone):
        look(operation, dying(plugins), now)

    operation.refresh_from_db()
    left = due_in(operation)
    assert (operation.status, operation.outcome) == ("PLANNED", {"not_there": True})
    assert left is not None
    assert -4 < left <= 0
    assert operation.lease_until is None


@pytest.mark.parametrize(
    ("features", "found", "status", "outcome", "due"),
    [
        (frozenset(), NotFound(), "ABANDONED", EXPIRED, None),
        (frozenset({Feature.HARMLESS_START}), NotFound(), "ABANDONED", EXPIRED, None),
        (frozenset({Feature.HARMLESS_START}), Resend(), "ABANDONED", EXPIRED, None),
        (frozenset(), Resend(), "UNKNOWN", WAITS, 5),
    ],
)
def test_a_charge_whose_key_has_expired_is_dropped_where_that_is_proved_or_harmless(
    shelf: TenantRef,
    now: datetime,
    features: frozenset[Feature],
    found: Finding,
    status: str,
    outcome: str,
    due: float | None,
) -> None:
    gateway = Asked(fault="drop_before", features=features, found=found)
    plugins = serving(gateway)
    operation = started(plugins, now)
    change(operation, retry_safe_until=now)

    after = look(operation, plugins, now)

    assert (after.status, after.outcome) == (status, {"cause": outcome})
    assert is_about(due_in(operation), due)
    assert gateway.ledger.posts == [f"start:{operation.pk.hex}"]


@pytest.mark.parametrize(
    ("features", "found", "due"),
    [
        (frozenset(), NotFound(), None),
        (frozenset({Feature.HARMLESS_START}), NotFound(), None),
        (frozenset(), Resend(), 5),
        (frozenset({Feature.HARMLESS_START}), Resend(), 5),
    ],
)
def test_a_refund_whose_key_has_expired_is_a_persons(
    shelf: TenantRef,
    now: datetime,
    features: frozenset[Feature],
    found: Finding,
    due: float | None,
) -> None:
    gateway = Asked(features=features | {Feature.PARTIAL_REFUND})
    plugins = serving(gateway)
    step = bought(plugins, now)
    gateway.fault = "drop_before"
    operation = refunded(step, plugins, now, 300)
    change(operation, retry_safe_until=now)
    gateway.found = found

    after = look(operation, plugins, now)

    assert (after.status, after.outcome) == ("UNKNOWN", {"cause": WAITS})
    assert is_about(due_in(operation), due)
    assert gateway.ledger.refunds == {}


# A gateway that doesn't say which command made what


def test_a_refund_that_only_the_sums_show_is_done(shelf: TenantRef, now: datetime) -> None:
    gateway = Asked(anonymous=True)
    plugins = serving(gateway)
    step = bought(plugins, now)
    gateway.fault = "drop_after"
    operation = refunded(step, plugins, now, 300)

    after = look(operation, plugins, now)

    assert (after.status, after.attempt) == ("DONE", 1)
    assert list(gateway.ledger.refunds.values()) == [300]


def test_a_refund_whose_news_came_before_the_look_up_is_not_sent_again(
    shelf: TenantRef, now: datetime
) -> None:
    gateway = Asked(anonymous=True)
    plugins = serving(gateway)
    step = bought(plugins, now)
    gateway.fault = "drop_after"
    operation = refunded(step, plugins, now, 300)
    (news,) = gateway.statement(now, now, Call(deadline=0.0))
    heard = ApplyFacts(payment_id=step.payment_id, facts=news.facts, source="WEBHOOK")
    apply_facts(heard, now=now)

    after = look(operation, plugins, now)

    assert (after.status, after.attempt) == ("DONE", 1)
    assert len(gateway.ledger.posts) == 2
    assert list(gateway.ledger.refunds.values()) == [300]


def test_an_earlier_refund_is_not_taken_for_the_one_in_doubt(
    shelf: TenantRef, now: datetime
) -> None:
    gateway = Asked(anonymous=True)
    plugins = serving(gateway)
    step = bought(plugins, now)
    refunded(step, plugins, now, 300, "1")
    gateway.fault = "drop_before"
    operation = refunded(step, plugins, now, 200, "2")

    after = look(operation, plugins, now)

    assert (after.status, after.attempt) == ("DONE", 2)
    assert list(gateway.ledger.refunds.values()) == [300, 200]


def test_more_than_was_asked_for_is_not_taken_for_a_yes(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    operation = started(plugins, now)
    gateway.ledger.charges[operation.payment_id.hex] = 901

    after = look(operation, plugins, now)

    assert after.status == "UNKNOWN"
    assert FactRow.objects.get().amount_minor == 901
    assert Order.objects.get().status == "CONFIRMED"


# Who wins


def test_what_another_worker_decided_meanwhile_stands(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    operation = started(plugins, now)
    gateway.found = Unknown(cause="down")
    gateway.meanwhile = lambda: change(
        operation, fence=operation.fence + 1, status="SENT", lease_until=Now() + HOUR
    )

    after = look(operation, plugins, now)

    assert (after.status, after.fence, after.looks) == ("SENT", operation.fence + 1, 0)
    assert after.lease_until is not None


def test_what_is_proved_not_to_be_there_is_sent_by_one_worker_only(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    operation = started(plugins, now)
    gateway.found = NotFound()
    gateway.meanwhile = lambda: change(operation, fence=operation.fence + 1, status="SENT")

    after = look(operation, plugins, now)

    assert (after.status, after.attempt) == ("SENT", 1)
    assert len(gateway.ledger.posts) == 1
