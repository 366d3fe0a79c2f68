"""What facts do to payment, command, order and journal, whichever way they came in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models import F
from django.db.models.functions import Now

from core.application.apply_facts import ApplyFacts, OperationMoved, apply_facts
from core.application.cancel_order import CancelOrder, cancel_order
from core.application.comparing import note_mistaken
from core.application.expire_orders import expire_orders
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.domain.errors import ConcurrentChange, NotFound
from core.domain.payments import digest
from core.hooks.registry import Registry
from core.models import Event, Operation, Order, Payment, Stock
from core.models import Fact as FactRow
from core.models.ids import new_id
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Fact, FactKind, Money
from tests.application.codes import SPRING, ForACode, a_code, uses
from tests.application.shelf import paying, placed, stock

LATER = timedelta(hours=1)


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


@pytest.fixture
def plugins(gateway: MemoryGateway) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


@pytest.fixture
def doubted(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> Operation:
    """Order tea for 9.00, and pay for it without hearing what came of that."""
    gateway.fault = "drop_before"
    step = start_payment(
        paying(placed(("tea", 2), plugins=plugins, now=now)), plugins=plugins, now=now
    )
    return Operation.objects.get(pk=step.operation_id)


@pytest.fixture
def tell(doubted: Operation, now: datetime) -> Callable[..., None]:
    """Say what is true of the payment."""

    def tell(*facts: Fact, **more: Any) -> None:
        given = {"payment_id": doubted.payment_id, "source": "WEBHOOK"} | more
        apply_facts(ApplyFacts(facts=given.pop("facts", facts), **given), now=now)

    return tell


def a_fact(
    kind: FactKind = FactKind.CAPTURED, minor: int = 900, *, one: str = "c", **more: Any
) -> Fact:
    return Fact(
        kind=kind, object_id=one, amount=Money(minor, "EUR"), **{"account": "till-1"} | more
    )


HELD = a_fact(FactKind.AUTHORIZED, one="a")
TAKEN = a_fact(parent_id="a")
BACK = a_fact(FactKind.REFUNDED, 300, one="r", parent_id="c")


def moved(operation: Operation, status: str, **more: Any) -> OperationMoved:
    given = {"operation_id": operation.pk, "fence": operation.fence} | more
    return OperationMoved(status=status, **given)


def told(order_id: UUID, after: int = 2) -> list[tuple[str, dict[str, Any]]]:
    """Return what the journal tells, without what each line says: which payment it is about."""
    payments = {str(one.pk): one.strategy_code for one in Payment.objects.all()}
    found = []
    for event in Event.objects.filter(order_id=order_id, seq__gt=after).order_by("seq"):
        data = dict(event.data)
        if event.kind != "order_expired":
            assert payments[data.pop("payment")] == data.pop("strategy")
        found.append((event.kind, data))
    return found


def stands(order_id: UUID) -> tuple[str, str, str]:
    order = Order.objects.get(pk=order_id)
    return order.status, order.payment_status, order.stock


@pytest.fixture
def since(doubted: Operation) -> int:
    """How long the journal was before."""
    return int(Order.objects.get(pk=doubted.order_id).log_seq)


def test_each_movement_is_told_with_what_moved(
    doubted: Operation, tell: Callable[..., None], since: int
) -> None:
    for fact in (HELD, TAKEN, BACK):
        tell(fact)

    assert told(doubted.order_id, since) == [
        ("payment_authorized", {"amount_minor": 900}),
        ("payment_captured", {"amount_minor": 900}),
        ("order_paid", {}),
        ("payment_refunded", {"amount_minor": 300}),
    ]
    assert stands(doubted.order_id) == ("PAID", "PARTIALLY_REFUNDED", "KEPT")


def test_what_moves_on_is_told_as_far_as_it_moved(
    doubted: Operation, tell: Callable[..., None], since: int
) -> None:
    tell(a_fact(minor=400, one="1"))
    tell(a_fact(minor=500, one="2"))

    assert told(doubted.order_id, since) == [
        ("payment_captured", {"amount_minor": 400}),
        ("payment_captured", {"amount_minor": 500}),
        ("order_paid", {}),
    ]


def test_a_fact_is_stored_as_it_was_stated(
    doubted: Operation, tell: Callable[..., None], now: datetime
) -> None:
    fact = replace(TAKEN, operation_id="op", sequence=7, at=now - LATER)

    tell(fact, source="REPLY")

    payment = Payment.objects.get()
    row = FactRow.objects.values().get()
    assert row.pop("id")
    assert row == {
        "tenant_id": payment.tenant_id,
        "payment_id": doubted.payment_id,
        "kind": "CAPTURED",
        "object_id": "c",
        "amount_minor": 900,
        "currency": "EUR",
        "parent_id": "a",
        "operation_id": "op",
        "account": "till-1",
        "sequence": 7,
        "stated_at": now - LATER,
        "recorded_at": now,
        "source": "REPLY",
        "digest": digest("memory", fact),
    }


def test_what_is_known_is_stored_and_told_once_however_often_it_comes(
    doubted: Operation, tell: Callable[..., None]
) -> None:
    tell(TAKEN, TAKEN)
    before = Order.objects.get().log_seq

    tell(TAKEN)

    assert FactRow.objects.count() == 1
    assert (
        Order.objects.get().log_seq == before == Event.objects.filter(order__isnull=False).count()
    )


@pytest.mark.parametrize(
    ("fact", "incident"),
    [
        (replace(TAKEN, account="till-2"), {"code": "FOREIGN", "object": "c"}),
        (a_fact(minor=901), {"code": "OVER_CAPTURED", "object": ""}),
    ],
)
def test_what_does_not_add_up_is_told_once(
    doubted: Operation, tell: Callable[..., None], fact: Fact, incident: dict[str, str]
) -> None:
    tell(fact)
    tell(HELD)

    incidents = [data for kind, data in told(doubted.order_id) if kind == "payment_incident"]
    assert incidents == [incident]


@pytest.mark.parametrize(
    ("outcome", "code"), [({"code": "CARD_DECLINED"}, "CARD_DECLINED"), (None, ""), ({}, "")]
)
def test_a_decline_is_told_with_its_code(
    doubted: Operation, tell: Callable[..., None], since: int, outcome: Any, code: str
) -> None:
    tell(moved=moved(doubted, "DECLINED", outcome=outcome))

    assert told(doubted.order_id, since) == [("payment_declined", {"code": code})]
    assert Payment.objects.get().status == "DECLINED"


def test_money_that_comes_with_a_decline_is_told_as_taken_and_as_an_incident(
    doubted: Operation, tell: Callable[..., None], since: int
) -> None:
    tell(TAKEN, moved=moved(doubted, "DECLINED", outcome={"code": "CARD_DECLINED"}))

    assert told(doubted.order_id, since) == [
        ("payment_captured", {"amount_minor": 900}),
        ("payment_declined", {"code": "CARD_DECLINED"}),
        ("payment_incident", {"code": "TAKEN_THOUGH_DECLINED", "object": ""}),
        ("order_paid", {}),
    ]


def test_a_decline_that_brings_nothing_new_is_no_incident(
    doubted: Operation, tell: Callable[..., None], since: int
) -> None:
    tell(TAKEN)

    tell(TAKEN, moved=moved(doubted, "DECLINED"))

    assert [kind for kind, _ in told(doubted.order_id, since)] == [
        "payment_captured",
        "order_paid",
        "payment_declined",
    ]


def test_a_person_is_named_by_their_reason(
    doubted: Operation, tell: Callable[..., None], since: int
) -> None:
    tell(TAKEN, reason="seen in the dashboard")
    tell(reason="said again")

    assert told(doubted.order_id, since) == [
        ("payment_captured", {"amount_minor": 900}),
        ("payment_resolved", {"reason": "seen in the dashboard", "facts": ["CAPTURED"]}),
        ("order_paid", {}),
        ("payment_resolved", {"reason": "said again", "facts": []}),
    ]


@pytest.mark.parametrize(
    ("status", "payment", "order"),
    [
        ("NEEDS_CUSTOMER", "REQUIRES_ACTION", "PENDING"),
        ("IN_PROGRESS", "PROCESSING", "PENDING"),
        ("ABANDONED", "CLOSED", "NONE"),
    ],
)
def test_a_command_that_moves_alone_moves_its_payment_and_says_how_it_stands(
    doubted: Operation,
    tell: Callable[..., None],
    since: int,
    status: str,
    payment: str,
    order: str,
) -> None:
    tell(moved=moved(doubted, status))

    assert told(doubted.order_id, since) == [("payment_moved", {"status": payment})]
    assert Payment.objects.get().status == payment
    assert stands(doubted.order_id) == ("CONFIRMED", order, "HELD")


def test_a_command_that_stays_as_it_is_is_told_of_all_the_same(
    doubted: Operation, tell: Callable[..., None], since: int
) -> None:
    tell(moved=moved(doubted, "UNKNOWN", looks=1))

    assert told(doubted.order_id, since) == [("payment_moved", {"status": "UNRESOLVED"})]


def test_an_amount_that_is_put_right_pays_the_order(
    doubted: Operation, tell: Callable[..., None]
) -> None:
    tell(a_fact(minor=901), moved=moved(doubted, "DONE"))
    first = stands(doubted.order_id)
    before = Order.objects.get().log_seq

    tell(replace(TAKEN, sequence=1))

    assert first == ("CONFIRMED", "UNRESOLVED", "HELD")
    assert stands(doubted.order_id) == ("PAID", "PAID", "KEPT")
    assert told(doubted.order_id, before) == [("order_paid", {})]


@pytest.mark.parametrize(
    ("later", "status"), [(timedelta(0), "UNRESOLVED"), (timedelta(hours=1), "DECLINED")]
)
def test_the_latest_command_says_how_a_payment_stands(
    doubted: Operation, tell: Callable[..., None], later: timedelta, status: str
) -> None:
    """The latest by time; of two at the same moment, the one with the higher id."""
    other = Operation.objects.get()
    other.pk, other.status, other.idem_key = UUID(int=1), "DECLINED", None
    other.created_at += later
    other.save(force_insert=True)

    tell(reference="ref")

    assert Payment.objects.get().status == status


def test_a_command_keeps_what_became_of_it(doubted: Operation, tell: Callable[..., None]) -> None:
    more = {"action": {"kind": "show"}, "outcome": {"cause": "?"}, "looks": 4, "due_in": 90.0}

    tell(moved=moved(doubted, "UNKNOWN", **more))

    row = Operation.objects.get()
    now, due = Operation.objects.values_list(Now(), "due_at").get()
    assert (row.action, row.outcome, row.looks) == ({"kind": "show"}, {"cause": "?"}, 4)
    assert row.lease_until is None
    assert 80 < (due - now).total_seconds() <= 90


def test_a_command_that_is_due_no_more_is_left_alone(
    doubted: Operation, tell: Callable[..., None]
) -> None:
    tell(moved=moved(doubted, "UNKNOWN"))

    assert Operation.objects.get().due_at is None


def test_whoever_comes_after_another_moves_no_command_but_the_facts_are_true(
    doubted: Operation, tell: Callable[..., None]
) -> None:
    late = moved(doubted, "DECLINED", outcome={"code": "CARD_DECLINED"})
    Operation.objects.update(fence=F("fence") + 1)

    tell(TAKEN, moved=late)

    assert Operation.objects.get().status == "UNKNOWN"
    assert stands(doubted.order_id) == ("PAID", "PAID", "KEPT")
    assert "payment_declined" not in [kind for kind, _ in told(doubted.order_id)]


def test_the_first_reference_stays(doubted: Operation, tell: Callable[..., None]) -> None:
    tell(reference="first")
    tell(TAKEN, reference="second")
    before = Order.objects.get().log_seq
    tell(reference="third")

    assert Payment.objects.get().reference == "first"
    assert Order.objects.get().log_seq == before


def test_what_is_held_is_kept_with_the_payment(
    doubted: Operation, tell: Callable[..., None]
) -> None:
    tell(HELD)
    held = Payment.objects.get().held_minor
    tell(TAKEN)

    assert (held, Payment.objects.get().held_minor) == (900, 0)


def test_nobody_is_told_of_a_payment_that_is_not_there(shelf: TenantRef, now: datetime) -> None:
    with pytest.raises(NotFound) as refused:
        apply_facts(ApplyFacts(payment_id=new_id(), facts=[TAKEN], source="REPLY"), now=now)

    assert str(refused.value) == "There is no such payment."


class Meanwhile(list[Fact]):
    """Facts during whose reading something else happens, as often as it is told to."""

    def __init__(self, *facts: Fact, happens: Callable[[], None], times: int) -> None:
        super().__init__(facts)
        self.happens, self.times = happens, times

    def __iter__(self) -> Iterator[Fact]:
        if self.times:
            self.times -= 1
            self.happens()
        return super().__iter__()


@pytest.mark.parametrize("times", [1, 11])
def test_who_loses_a_race_reads_and_folds_again(
    doubted: Operation, tell: Callable[..., None], now: datetime, times: int
) -> None:
    names = iter(range(99))

    def other() -> None:
        note_mistaken(doubted.payment_id, f"ref-{next(names)}", now=now)

    tell(facts=Meanwhile(TAKEN, happens=other, times=times))

    assert stands(doubted.order_id) == ("PAID", "PAID", "KEPT")
    assert Event.objects.filter(kind="payment_incident").count() == times


def test_who_loses_again_and_again_says_so_and_changes_nothing(
    doubted: Operation, tell: Callable[..., None], now: datetime
) -> None:
    names = iter(range(99))

    def other() -> None:
        note_mistaken(doubted.payment_id, f"ref-{next(names)}", now=now)

    with pytest.raises(ConcurrentChange) as refused:
        tell(facts=Meanwhile(TAKEN, happens=other, times=12))

    assert str(refused.value) == "This order is being changed by others; try again."
    assert FactRow.objects.count() == 0
    assert stands(doubted.order_id) == ("CONFIRMED", "UNRESOLVED", "HELD")


def test_the_same_news_by_two_ways_at_once_pay_once(
    doubted: Operation, tell: Callable[..., None]
) -> None:
    tell(facts=Meanwhile(TAKEN, happens=lambda: tell(TAKEN), times=1), source="LOOK_UP")

    assert FactRow.objects.get().source == "WEBHOOK"
    assert [kind for kind, _ in told(doubted.order_id)].count("order_paid") == 1


def over(doubted: Operation, plugins: Registry, now: datetime, *, how: str) -> None:
    """Give the charge up, and let its order end."""
    apply_facts(
        ApplyFacts(
            payment_id=doubted.payment_id,
            facts=(),
            source="PERSON",
            moved=moved(doubted, "ABANDONED"),
        ),
        now=now,
    )
    if how == "EXPIRED":
        assert expire_orders(plugins=plugins, now=now + LATER) == 1
    else:
        cancel_order(CancelOrder(order_id=doubted.order_id), plugins=plugins, now=now)
    assert stands(doubted.order_id)[0] == how


def planned() -> list[dict[str, Any]]:
    rows = Operation.objects.filter(status="PLANNED")
    return list(rows.values("verb", "amount_minor", "params", "attempt", "fence", "takes_money"))


def test_late_money_takes_its_stock_again(
    doubted: Operation, tell: Callable[..., None], plugins: Registry, now: datetime
) -> None:
    over(doubted, plugins, now, how="EXPIRED")
    before = stock("tea")

    tell(TAKEN)

    assert (before, stock("tea")) == ((10, 0), (10, 2))
    assert stands(doubted.order_id) == ("PAID", "PAID", "KEPT")
    assert [kind for kind, _ in told(doubted.order_id)][-1] == "order_paid"
    assert planned() == []


@pytest.mark.parametrize("kind", [FactKind.CAPTURED, FactKind.AUTHORIZED])
def test_late_money_goes_back_where_the_stock_is_gone(
    doubted: Operation, tell: Callable[..., None], plugins: Registry, now: datetime, kind: FactKind
) -> None:
    over(doubted, plugins, now, how="EXPIRED")
    Stock.objects.filter(product__sku="tea").update(on_hand=1)

    tell(a_fact(kind), reference="ref")

    refund = kind is FactKind.CAPTURED
    params: dict[str, Any] = {"reference": None}
    if refund:
        params |= {"capture_id": "c", "reason": "the order is over", "before_minor": 0}
    else:
        params |= {"authorization_id": "c"}
    assert stock("tea") == (1, 0)
    assert stands(doubted.order_id)[0::2] == ("EXPIRED", "RELEASED")
    assert planned() == [
        {
            "verb": "REFUND" if refund else "VOID",
            "amount_minor": 900,
            "params": params,
            "attempt": 0,
            "fence": 0,
            "takes_money": False,
        }
    ]


def test_too_little_that_comes_late_goes_back(
    doubted: Operation, tell: Callable[..., None], plugins: Registry, now: datetime
) -> None:
    over(doubted, plugins, now, how="EXPIRED")

    tell(a_fact(minor=899))

    assert stands(doubted.order_id)[0::2] == ("EXPIRED", "RELEASED")
    assert [row["amount_minor"] for row in planned()] == [899]


def test_late_money_that_has_begun_to_go_back_pays_nothing(
    doubted: Operation, tell: Callable[..., None], plugins: Registry, now: datetime
) -> None:
    over(doubted, plugins, now, how="EXPIRED")

    tell(a_fact(one="c"), a_fact(FactKind.REFUNDED, 1, one="r", parent_id="c"))

    assert stands(doubted.order_id)[0] == "EXPIRED"
    assert [row["amount_minor"] for row in planned()] == [899]


def test_late_money_that_does_not_add_up_takes_no_stock(
    doubted: Operation, tell: Callable[..., None], plugins: Registry, now: datetime
) -> None:
    over(doubted, plugins, now, how="EXPIRED")

    tell(replace(TAKEN, amount=Money(901, "EUR")))

    assert stands(doubted.order_id)[0::2] == ("EXPIRED", "RELEASED")


def test_money_for_a_cancelled_order_goes_back_piece_by_piece(
    doubted: Operation, tell: Callable[..., None], plugins: Registry, now: datetime
) -> None:
    over(doubted, plugins, now, how="CANCELLED")

    tell(a_fact(minor=400, one="1"))
    tell(a_fact(minor=500, one="2"))

    assert stands(doubted.order_id)[0::2] == ("CANCELLED", "RELEASED")
    assert [(row["verb"], row["amount_minor"]) for row in planned()] == [("REFUND", 400)]


@pytest.mark.parametrize(
    "facts",
    [
        (a_fact(), a_fact(FactKind.REFUND_FAILED, one="r", parent_id="c")),
        (a_fact(), a_fact(FactKind.REFUNDED, one="r", parent_id="c")),
    ],
    ids=["failed before", "back already"],
)
def test_nothing_is_given_back_twice_or_tried_on_after_it_failed(
    doubted: Operation,
    tell: Callable[..., None],
    plugins: Registry,
    now: datetime,
    facts: tuple[Fact, ...],
) -> None:
    over(doubted, plugins, now, how="CANCELLED")

    tell(*facts)

    assert planned() == []


def test_half_an_order_is_paid_by_one_and_half_by_another(
    doubted: Operation,
    tell: Callable[..., None],
    plugins: Registry,
    now: datetime,
) -> None:
    tell(a_fact(minor=400), moved=moved(doubted, "DONE"))
    first = stands(doubted.order_id)

    start_payment(paying(doubted), plugins=plugins, now=now)  # type: ignore[arg-type]

    assert first == ("CONFIRMED", "PARTIALLY_PAID", "HELD")
    assert stands(doubted.order_id) == ("PAID", "PAID", "KEPT")


def test_a_payment_without_any_command_is_paid_by_what_is_true(
    doubted: Operation, tell: Callable[..., None]
) -> None:
    Operation.objects.all().delete()

    tell(TAKEN)

    assert stands(doubted.order_id) == ("PAID", "PAID", "KEPT")


@pytest.mark.parametrize("left", [1, 0], ids=["left", "used up"])
def test_late_money_takes_its_coupon_again_or_goes_back(
    shelf: TenantRef, gateway: MemoryGateway, now: datetime, left: int
) -> None:
    plugins = registry_of(
        FakePlugin(name="codes", rules=(ForACode(),)),
        FakePlugin(name="payment-memory", strategies=(gateway,)),
    )
    a_code(now=now, most_uses=1)
    gateway.fault = "drop_before"
    order = placed(("tea", 2), plugins=plugins, now=now, **SPRING)
    step = start_payment(paying(order), plugins=plugins, now=now)
    over(Operation.objects.get(pk=step.operation_id), plugins, now, how="EXPIRED")
    assert uses() == (0, 0)
    if not left:
        placed(("pot", 1), plugins=plugins, now=now, **SPRING)

    news = ApplyFacts(payment_id=step.payment_id, facts=[a_fact(minor=890)], source="WEBHOOK")
    apply_facts(news, now=now)

    assert uses() == (1, 1)
    assert stands(order.order_id)[0] == ("PAID" if left else "EXPIRED")
    assert [row["amount_minor"] for row in planned()] == ([] if left else [890])


def test_facts_of_another_order_change_nothing_here(
    doubted: Operation, tell: Callable[..., None], plugins: Registry, now: datetime
) -> None:
    other = start_payment(
        paying(placed(("pot", 1), plugins=plugins, now=now)), plugins=plugins, now=now
    )

    tell(HELD)

    assert stands(other.order_id) == ("PAID", "PAID", "KEPT")
    assert stands(doubted.order_id) == ("CONFIRMED", "UNRESOLVED", "HELD")
