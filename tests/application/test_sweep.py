"""The sweeper alone finishes everything: what it takes when, and what it makes of what fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.db.models.functions import Now
from django.utils import timezone
from structlog.testing import capture_logs

from core.application.apply_facts import ApplyFacts, apply_facts
from core.application.payment_step import PaymentStep
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.context import TenantRef
from core.domain.errors import ConcurrentChange
from core.hooks.registry import Registry
from core.models import Operation, Order, Payment
from core.models.ids import new_id
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import (
    Call,
    Fact,
    FactKind,
    Finding,
    InquireRequest,
    Money,
    NeedsCustomer,
    Redirect,
    Unknown,
)
from tests.application.meanwhile import Meanwhile
from tests.application.shelf import paying, placed

HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Noting(MemoryGateway):
    """Notes which payments it was asked about, in turn, and may be told what to say."""

    asked: list[str] = field(default_factory=list)
    says: Finding | None = None

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        self.asked.append(request.payment_id)
        return self.says or MemoryGateway.inquire(self, request, call)


@pytest.fixture
def gateway() -> Noting:
    return Noting()


@pytest.fixture
def sending() -> Noting:
    """Return a gateway that sends its customers to a page of its own."""
    return Noting(way="redirect", code="pages")


@pytest.fixture
def plugins(gateway: Noting, sending: Noting) -> Registry:
    return registry_of(
        FakePlugin(name="payment-memory", strategies=(gateway,)),
        FakePlugin(name="payment-pages", strategies=(sending,)),
    )


def in_doubt(plugins: Registry, gateway: Noting, now: datetime) -> PaymentStep:
    """Charge 4.50, and hear nothing of it."""
    gateway.fault = "drop_after"
    order = placed(("tea", 1), plugins=plugins, now=now)
    return start_payment(paying(order), plugins=plugins, now=now)


def waiting(plugins: Registry, now: datetime) -> PaymentStep:
    order = placed(("tea", 1), plugins=plugins, now=now)
    return start_payment(paying(order, code="pages"), plugins=plugins, now=now)


def overdue(step: PaymentStep, *, by: timedelta = HOUR) -> None:
    Operation.objects.filter(pk=step.operation_id).update(due_at=Now() - by)


def due_in(step: PaymentStep) -> float:
    """Return in how many seconds a command is due, by the database's clock."""
    row = Operation.objects.filter(pk=step.operation_id).values_list("due_at", Now()).get()
    return (row[0] - row[1]).total_seconds()  # type: ignore[operator]


def again(row: Model, **other: Any) -> Any:
    """Return a row like this one, but for some columns."""
    own = {one.attname: getattr(row, one.attname) for one in row._meta.concrete_fields}
    return type(row)(**(own | other))


def status(step: PaymentStep) -> str:
    return Operation.objects.get(pk=step.operation_id).status


def test_what_is_longest_overdue_comes_first(
    shelf: TenantRef, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    steps = [in_doubt(plugins, gateway, now) for _ in range(3)]
    for step, hours in zip(steps, (2, 3, 1), strict=True):
        overdue(step, by=hours * HOUR)

    looked_at = sweep_payments(plugins=plugins, now=now, limit=2)

    assert looked_at == 2
    assert gateway.asked == [steps[1].payment_id.hex, steps[0].payment_id.hex]
    assert status(steps[2]) == "UNKNOWN"


def test_one_run_takes_fifty_so_that_other_work_gets_its_turn(
    shelf: TenantRef, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    step = in_doubt(plugins, gateway, now)
    payment, operation = Payment.objects.get(), Operation.objects.get()
    payments = [new_id() for _ in range(50)]
    Payment.objects.bulk_create([again(payment, id=one) for one in payments])
    Operation.objects.bulk_create(
        [
            again(operation, id=new_id(), payment_id=one, order_id=new_id(), idem_key=one.hex)
            for one in payments
        ]
    )
    Operation.objects.update(due_at=Now() - HOUR)

    runs = [sweep_payments(plugins=registry_of(), now=now) for _ in range(2)]

    assert runs == [50, 1]
    assert due_in(step) > 0


def test_only_the_order_asked_for_is_worked_on(
    shelf: TenantRef, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    mine, other = in_doubt(plugins, gateway, now), in_doubt(plugins, gateway, now)
    overdue(mine)
    overdue(other)

    looked_at = sweep_payments(plugins=plugins, now=now, order_id=mine.order_id)

    assert looked_at == 1
    assert gateway.asked == [mine.payment_id.hex]
    assert (status(mine), status(other)) == ("DONE", "UNKNOWN")


def test_a_promise_that_is_not_due_is_kept_waiting(
    shelf: TenantRef, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    step = in_doubt(plugins, gateway, now)

    looked_at = sweep_payments(plugins=plugins, now=now)

    assert (looked_at, gateway.asked, status(step)) == (0, [], "UNKNOWN")


def test_what_is_with_its_gateway_is_left_alone_until_its_lease_ends(
    shelf: TenantRef, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    step = in_doubt(plugins, gateway, now)
    sent = Operation.objects.filter(pk=step.operation_id)
    sent.update(status="SENT", lease_until=Now() + HOUR, due_at=Now() - HOUR)
    early = sweep_payments(plugins=plugins, now=now)
    sent.update(lease_until=Now() - HOUR)

    late = sweep_payments(plugins=plugins, now=now)

    assert (early, late) == (0, 1)
    assert status(step) == "DONE"


def test_what_ended_is_never_due(
    shelf: TenantRef, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    step = in_doubt(plugins, gateway, now)
    Operation.objects.update(status="DONE", due_at=Now() - HOUR)

    assert sweep_payments(plugins=plugins, now=now) == 0
    assert gateway.asked == []
    assert status(step) == "DONE"


def test_what_is_planned_is_sent_and_not_asked_about(
    shelf: TenantRef, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    gateway.fault = "refuse"
    order = placed(("tea", 1), plugins=plugins, now=now)
    step = start_payment(paying(order), plugins=plugins, now=now)
    overdue(step)

    sweep_payments(plugins=plugins, now=now)

    assert gateway.asked == []
    assert gateway.ledger.posts == [f"start:{step.operation_id.hex}"]  # type: ignore[union-attr]
    assert Order.objects.get().status == "PAID"


def test_what_somebody_else_is_sending_is_not_sent_twice(
    shelf: TenantRef, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    gateway.fault = "refuse"
    order = placed(("tea", 1), plugins=plugins, now=now)
    step = start_payment(paying(order), plugins=plugins, now=now)
    overdue(step)
    other = in_doubt(plugins, gateway, now)
    overdue(other, by=2 * HOUR)

    def claimed() -> None:
        Operation.objects.filter(pk=step.operation_id).update(status="SENT", fence=9)

    busy: Any = Meanwhile(plugins, claimed, at=1)

    looked_at = sweep_payments(plugins=busy, now=now)

    assert looked_at == 2
    assert gateway.ledger.posts == [f"start:{other.operation_id.hex}"]  # type: ignore[union-attr]
    assert (status(step), status(other)) == ("SENT", "DONE")


def test_a_customer_who_has_not_approved_is_still_waited_for(
    shelf: TenantRef, plugins: Registry, sending: Noting, now: datetime
) -> None:
    step = waiting(plugins, now)
    overdue(step)

    sweep_payments(plugins=plugins, now=now)

    assert status(step) == "NEEDS_CUSTOMER"
    assert [post.partition(":")[0] for post in sending.ledger.posts] == ["start"]
    assert due_in(step) > 0


def approved(step: PaymentStep, now: datetime) -> None:
    """Let news come in that the customer has approved."""
    fact = Fact(
        kind=FactKind.APPROVED,
        object_id=f"approval-{step.payment_id.hex}",
        amount=Money(0, "EUR"),
        account="till-1",
    )
    apply_facts(ApplyFacts(payment_id=step.payment_id, facts=(fact,), source="WEBHOOK"), now=now)


def test_the_approval_of_one_order_takes_no_money_of_another(
    shelf: TenantRef, plugins: Registry, sending: Noting, now: datetime
) -> None:
    other, step = waiting(plugins, now), waiting(plugins, now)
    sending.approve(other.payment_id.hex)
    approved(other, now)
    overdue(step)

    sweep_payments(plugins=plugins, now=now)

    assert status(step) == "NEEDS_CUSTOMER"
    assert sending.ledger.charges == {}
    assert [post.partition(":")[0] for post in sending.ledger.posts] == ["start", "start"]


def test_an_approval_told_by_the_look_up_is_taken_up_at_once(
    shelf: TenantRef, plugins: Registry, sending: Noting, now: datetime
) -> None:
    step = waiting(plugins, now)
    sending.approve(step.payment_id.hex)
    overdue(step)

    sweep_payments(plugins=plugins, now=now)

    assert Order.objects.get().status == "PAID"
    assert sending.ledger.charges == {step.payment_id.hex: 450}


def test_an_approval_told_before_is_taken_up_though_the_look_up_lags_behind(
    shelf: TenantRef, plugins: Registry, sending: Noting, now: datetime
) -> None:
    step = waiting(plugins, now)
    sending.approve(step.payment_id.hex)
    approved(step, now)
    sending.says = NeedsCustomer(action=Redirect(url="https://gateway.example/page"))
    overdue(step)

    sweep_payments(plugins=plugins, now=now)

    assert Order.objects.get().status == "PAID"


def test_one_turn_asks_once_about_what_is_in_doubt_after_the_approval(
    shelf: TenantRef, plugins: Registry, sending: Noting, now: datetime
) -> None:
    step = waiting(plugins, now)
    sending.approve(step.payment_id.hex)
    approved(step, now)
    sending.fault = "drop_after"
    overdue(step)
    sweep_payments(plugins=plugins, now=now)
    resumed = Operation.objects.get(verb="RESUME")
    assert resumed.status == "UNKNOWN"
    Operation.objects.filter(pk=resumed.pk).update(due_at=Now() - HOUR)
    sending.says = Unknown(cause="down")
    sending.asked.clear()

    sweep_payments(plugins=plugins, now=now)

    assert sending.asked == [step.payment_id.hex]
    assert Operation.objects.get(pk=resumed.pk).looks == 1


def gone(_: Registry) -> Any:
    return registry_of()


def busy(plugins: Registry) -> Any:
    def refuse() -> None:
        raise ConcurrentChange("This order is being changed by others; try again.")

    return Meanwhile(plugins, refuse)


def broken(plugins: Registry) -> Any:
    def fail() -> None:
        raise ValueError("what is stored can't be read")

    return Meanwhile(plugins, fail)


@pytest.mark.parametrize(
    ("failing", "told", "wait"),
    [
        (gone, {"event": "payment.sweep.refused", "code": "PLUGIN_UNAVAILABLE"}, 700),
        (busy, {"event": "payment.sweep.refused", "code": "CONCURRENT_CHANGE"}, 70),
        (broken, {"event": "payment.sweep.failed"}, 700),
    ],
)
def test_what_fails_is_told_and_put_off(
    shelf: TenantRef,
    plugins: Registry,
    gateway: Noting,
    now: datetime,
    settings: Any,
    failing: Callable[[Registry], Any],
    told: dict[str, str],
    wait: float,
) -> None:
    settings.ORDERLOOM_LOOK_UPS = [70.0, 3000.0]
    settings.ORDERLOOM_WAITING_LOOK_SECONDS = 700.0
    step, other = in_doubt(plugins, gateway, now), in_doubt(plugins, gateway, now)
    overdue(step)
    before = due_in(other)

    with capture_logs() as said:
        looked_at = sweep_payments(plugins=failing(plugins), now=now)

    line = next(one for one in said if one["event"].startswith("payment.sweep"))
    assert looked_at == 1
    assert told.items() <= line.items()
    assert line["operation"] == str(step.operation_id)
    assert wait - 30 < due_in(step) <= wait
    assert before - 30 < due_in(other) <= before


@pytest.mark.parametrize(("failing", "level"), [(gone, "warning"), (broken, "error")])
def test_only_what_nobody_expected_is_an_error(
    shelf: TenantRef,
    plugins: Registry,
    gateway: Noting,
    now: datetime,
    failing: Callable[[Registry], Any],
    level: str,
) -> None:
    overdue(in_doubt(plugins, gateway, now))

    with capture_logs() as said:
        sweep_payments(plugins=failing(plugins), now=now)

    assert [one["log_level"] for one in said if "payment.sweep" in one["event"]] == [level]


def test_whoever_took_it_over_meanwhile_says_when_it_is_due(
    shelf: TenantRef, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    step = in_doubt(plugins, gateway, now)
    overdue(step)

    def taken_over() -> None:
        Operation.objects.update(fence=9, due_at=Now() + 9 * HOUR)
        raise ConcurrentChange("This order is being changed by others; try again.")

    beaten: Any = Meanwhile(plugins, taken_over)

    sweep_payments(plugins=beaten, now=now)

    assert due_in(step) > (8 * HOUR).total_seconds()


def test_a_command_that_cannot_be_read_keeps_no_other_waiting(
    shelf: TenantRef, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    first, second = (placed(("tea", 1), plugins=plugins, now=now) for _ in range(2))
    for order in (first, second):
        gateway.fault = "refuse"
        start_payment(paying(order), plugins=plugins, now=now)
    overdue = timezone.now() - timedelta(days=2)
    Operation.objects.update(due_at=overdue + timedelta(days=1))
    Operation.objects.filter(order_id=first.order_id).update(params={}, due_at=overdue)

    looked_at = sweep_payments(plugins=plugins, now=now)

    assert looked_at == 2
    assert Order.objects.get(pk=second.order_id).status == "PAID"
    spoilt = Operation.objects.get(order_id=first.order_id)
    assert spoilt.due_at is not None
    assert spoilt.due_at > timezone.now()
