"""What waits for a person, and how it stops waiting."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core.application.apply_facts import ApplyFacts, apply_facts
from core.application.cancel_order import CancelOrder, cancel_order
from core.application.drain_inbox import drain_inbox
from core.application.look_up_payment import look_up_payment, next_look
from core.application.money_at_risk import Risk, money_at_risk
from core.application.payment_history import payment_history
from core.application.payment_step import PaymentStep
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.replay_webhook import replay_webhook
from core.application.resolve_payment import ResolvePayment, resolve_payment
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.domain import errors
from core.hooks.registry import Registry
from core.models import Event, InboxEntry, Operation, Order
from core.models import Fact as FactRow
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Call, DeclineCode, Declined, Fact, FactKind, Money, Outcome, StartRequest
from tests.application.shelf import paying, placed

LATER = timedelta(hours=1)
DAYS = timedelta(days=2)


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


@pytest.fixture
def plugins(gateway: MemoryGateway) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


def bought(plugins: Registry, now: datetime) -> PaymentStep:
    return start_payment(
        paying(placed(("tea", 2), plugins=plugins, now=now)), plugins=plugins, now=now
    )


def risks(now: datetime) -> list[tuple[Risk, int | None]]:
    found = money_at_risk(now=now)
    return [(one.risk, one.amount.minor if one.amount else None) for one in found]


def resolving(payment_id: UUID, kind: FactKind | None, **more: object) -> ResolvePayment:
    said = {"amount": Money(900, "EUR"), "reason": "seen in the dashboard"} | more
    return ResolvePayment(payment_id=payment_id, kind=kind, **said)  # type: ignore[arg-type]


def test_nothing_waits_where_all_is_well(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    bought(plugins, now)

    assert risks(now) == []


def test_a_charge_that_nobody_could_find_out_waits_until_a_person_did(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    gateway.fault = "drop_before"
    step = bought(plugins, now)
    assert risks(now) == []
    gateway.fault = "raise"
    look_up_payment(step.payment_id, plugins=plugins, now=now + DAYS)
    assert risks(now + DAYS) == [(Risk.UNDECIDED, 900)]

    found = resolve_payment(resolving(step.payment_id, FactKind.CAPTURED), now=now + DAYS)

    assert (found.order_status, found.operation_status) == ("PAID", "DONE")
    assert risks(now + DAYS) == []
    assert FactRow.objects.get().source == "PERSON"
    event = Event.objects.get(kind="payment_resolved")
    assert event.data["reason"] == "seen in the dashboard"
    assert event.data["facts"] == ["CAPTURED"]


def test_a_person_says_that_nothing_happened(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    gateway.fault = "drop_before"
    step = bought(plugins, now)

    found = resolve_payment(resolving(step.payment_id, None), now=now)

    assert (found.operation_status, found.payment_status) == ("ABANDONED", "CLOSED")
    again = start_payment(
        paying(step),
        plugins=plugins,
        now=now,  # type: ignore[arg-type]
    )
    assert again.order_status == "PAID"
    assert len(gateway.ledger.charges) == 1


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        (FactKind.REFUNDED, "DONE"),
        (FactKind.REFUND_FAILED, "ABANDONED"),
        (FactKind.REFUND_PENDING, "UNKNOWN"),
        (None, "ABANDONED"),
    ],
)
def test_a_persons_word_settles_the_refund_in_doubt(
    shelf: TenantRef,
    plugins: Registry,
    gateway: MemoryGateway,
    now: datetime,
    kind: FactKind | None,
    operation: str,
) -> None:
    step = bought(plugins, now)
    gateway.fault = "drop_before"
    refund_payment(
        RefundPayment(payment_id=step.payment_id, principal="staff", key="r"),
        plugins=plugins,
        now=now,
    )

    found = resolve_payment(
        resolving(step.payment_id, kind, parent_id=f"ch-{step.payment_id.hex}"), now=now
    )

    assert found.operation_status == operation


@pytest.mark.parametrize(
    "more",
    [{"reason": " "}, {"amount": None}, {"amount": Money(9, "USD")}, {"amount": Money(-1, "EUR")}],
)
def test_a_person_has_to_say_why_and_how_much(
    shelf: TenantRef, plugins: Registry, now: datetime, more: dict[str, object]
) -> None:
    step = bought(plugins, now)

    with pytest.raises(errors.InvalidInput):
        resolve_payment(resolving(step.payment_id, FactKind.CAPTURED, **more), now=now)

    assert FactRow.objects.count() == 1


def test_nobody_resolves_what_is_with_its_gateway_right_now(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    gateway.fault = "drop_before"
    step = bought(plugins, now)
    Operation.objects.update(status="SENT")

    with pytest.raises(errors.PaymentUndecided):
        resolve_payment(resolving(step.payment_id, FactKind.CAPTURED), now=now)


def test_money_of_a_cancelled_order_that_could_not_go_back_waits(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    step = bought(plugins, now)
    gateway.fault = "decline"
    cancel_order(CancelOrder(order_id=step.order_id), plugins=plugins, now=now)
    assert risks(now) == [(Risk.NO_LIVE_ORDER, 900)]

    refund_payment(
        RefundPayment(payment_id=step.payment_id, principal="staff", key="r"),
        plugins=plugins,
        now=now,
    )

    assert risks(now) == []


def test_money_on_its_way_back_does_not_wait(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    step = bought(plugins, now)
    gateway.fault = "refuse"

    cancel_order(CancelOrder(order_id=step.order_id), plugins=plugins, now=now)

    assert Operation.objects.get(verb="REFUND").status == "PLANNED"
    assert risks(now) == []


def test_less_than_the_price_waits_once_the_rest_is_overdue(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    gateway.fault = "wrong_amount"
    bought(plugins, now)

    assert risks(now) == []
    assert risks(now + LATER) == [(Risk.PARTLY_PAID, 899)]


def test_what_does_not_add_up_waits_until_somebody_has_seen_it(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    step = bought(plugins, now)
    foreign = Fact(kind=FactKind.CAPTURED, object_id="x", amount=Money(5, "USD"))
    more = Fact(kind=FactKind.CAPTURED, object_id="y", amount=Money(7, "EUR"), account="till-1")
    for fact in (foreign, more):
        command = ApplyFacts(payment_id=step.payment_id, facts=(fact,), source="WEBHOOK")
        apply_facts(command, now=now)
    assert [risk for risk, _ in risks(now)] == [Risk.INCIDENT, Risk.INCIDENT]

    resolve_payment(resolving(step.payment_id, None), now=now)

    assert risks(now) == []


def test_an_incident_that_cleared_by_itself_does_not_wait(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    step = bought(plugins, now)
    early = Fact(
        kind=FactKind.REFUNDED,
        object_id="re",
        amount=Money(1, "EUR"),
        parent_id="late",
        account="till-1",
    )
    late = Fact(kind=FactKind.CAPTURED, object_id="late", amount=Money(1, "EUR"), sequence=1)
    refunds = ApplyFacts(payment_id=step.payment_id, facts=(early,), source="WEBHOOK")
    apply_facts(refunds, now=now)
    before = risks(now)

    captures = ApplyFacts(payment_id=step.payment_id, facts=(late,), source="WEBHOOK")
    apply_facts(captures, now=now)

    assert [risk for risk, _ in before] == [Risk.INCIDENT]
    assert all("ORPHAN" not in one.text for one in money_at_risk(now=now))


def webhook(now: datetime, body: bytes) -> UUID:
    return receive_webhook(
        plugin="payment-memory",
        endpoint_id=webhook_endpoint(plugin="payment-memory", now=now),
        body=body,
        headers={"signature": "memory"},
        now=now,
    )


def test_a_webhook_that_names_nobody_waits_and_is_read_again(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    step = bought(plugins, now)
    entry_id = webhook(now, b'{"id": "evt", "ref": "ref-%s"}' % step.payment_id.hex.encode())
    InboxEntry.objects.filter(pk=entry_id).update(status="UNMATCHED", cause="no payment")
    assert risks(now) == [(Risk.UNMATCHED, None)]

    entry = replay_webhook(entry_id, plugins=plugins, now=now)

    assert entry.status == "APPLIED"
    assert risks(now) == []


def test_only_the_entry_asked_for_is_read(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    one, other = webhook(now, b'{"id": "a"}'), webhook(now, b'{"id": "b"}')

    drain_inbox(plugins=plugins, now=now, entry_id=one)

    assert InboxEntry.objects.get(pk=one).attempt == 1
    assert InboxEntry.objects.get(pk=other).attempt == 0


@pytest.mark.parametrize(
    ("age", "looks", "due"),
    [
        (0.0, 1, 5.0),
        (-3.0, 1, 5.0),
        (4.0, 1, 1.0),
        (5.0, 1, 25.0),
        (6.0, 90, 24.0),
        (30.0, 1, 30.0),
        (31.0, 0, 5.0),
        (31.0, 1, 30.0),
        (31.0, 2, None),
    ],
)
def test_looking_in_between_does_not_use_up_the_look_ups(
    age: float, looks: int, due: float | None
) -> None:
    assert next_look((5.0, 30.0), age=age, looks=looks) == due


def test_the_history_of_a_payment_is_told_by_every_name(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    step = bought(plugins, now)
    number = Order.objects.get(pk=step.order_id).number

    told = [payment_history(name) for name in (str(step.payment_id), str(step.order_id), number)]

    assert told[0] == told[1] == told[2]
    assert (told[0][0]["captured_minor"], told[0][0]["status"]) == (900, "CAPTURED")
    assert [one["verb"] for one in told[0][0]["operations"]] == ["START"]
    with pytest.raises(errors.NotFound):
        payment_history("nothing")


class Liar(MemoryGateway):
    """Charges, and says that it declined."""

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        done = super().start(request, call)
        return Declined(code=DeclineCode.OTHER, facts=getattr(done, "facts", ()))


def test_money_taken_by_a_charge_that_was_declined_is_still_money_and_an_incident(
    shelf: TenantRef, now: datetime
) -> None:
    plugins = registry_of(FakePlugin(name="payment-memory", strategies=(Liar(),)))

    step = bought(plugins, now)

    assert (step.operation_status, step.order_status) == ("DECLINED", "PAID")
    assert risks(now) == [(Risk.INCIDENT, None)]
    resolve_payment(resolving(step.payment_id, None), now=now)
    assert risks(now) == []
