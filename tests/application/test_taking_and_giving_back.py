"""Commands that take what is held and give back what was taken: their rows, refusals and races."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.application.apply_facts import ApplyFacts, apply_facts
from core.application.cancel_order import CancelOrder, cancel_order
from core.application.capture_payment import CapturePayment, capture_payment
from core.application.comparing import note_mistaken
from core.application.payment_step import PaymentStep
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.domain import errors
from core.hooks.registry import Registry
from core.models import Operation, Order, Payment
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import (
    Call,
    CaptureRequest,
    Fact,
    FactKind,
    Feature,
    Money,
    Outcome,
    RefundRequest,
    VoidRequest,
)
from tests.application.shelf import paying, placed

EVERYTHING = frozenset(Feature) - {Feature.SPLIT, Feature.HARMLESS_START, Feature.MANUAL}
KEPT = timedelta(hours=6)


@dataclass(slots=True)
class Listening(MemoryGateway):
    """A gateway that remembers what it was asked, and honours keys for six hours."""

    asked: list[Any] = field(default_factory=list)

    @property
    def info(self) -> Any:
        return replace(MemoryGateway.info.fget(self), keys_kept=KEPT)  # type: ignore[attr-defined]

    def capture(self, request: CaptureRequest, call: Call, /) -> Outcome:
        self.asked.append(request)
        return MemoryGateway.capture(self, request, call)

    def void(self, request: VoidRequest, call: Call, /) -> Outcome:
        self.asked.append(request)
        return MemoryGateway.void(self, request, call)

    def refund(self, request: RefundRequest, call: Call, /) -> Outcome:
        self.asked.append(request)
        return MemoryGateway.refund(self, request, call)


@pytest.fixture
def gateway() -> Listening:
    return Listening(features=EVERYTHING)


@pytest.fixture
def plugins(gateway: Listening) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


class Busy:
    """A registry that others change the order behind, as often as it is asked for a strategy."""

    def __init__(self, plugins: Registry, other: Callable[[], None], times: int) -> None:
        self._plugins, self._other, self.times = plugins, other, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plugins, name)

    def strategy(self, **which: Any) -> Any:
        if self.times:
            self.times -= 1
            self._other()
        return self._plugins.strategy(**which)


@pytest.fixture
def held(shelf: TenantRef, plugins: Registry, now: datetime) -> PaymentStep:
    """Order tea for 9.00 and authorise its price."""
    order = placed(("tea", 2), plugins=plugins, now=now)
    return start_payment(paying(order, capture_now=False), plugins=plugins, now=now)


@pytest.fixture
def paid(shelf: TenantRef, plugins: Registry, now: datetime) -> PaymentStep:
    """Order tea for 9.00 and pay for it."""
    order = placed(("tea", 2), plugins=plugins, now=now)
    return start_payment(paying(order), plugins=plugins, now=now)


@pytest.fixture
def busy(plugins: Registry, now: datetime) -> Callable[[UUID, int], Any]:
    def busy(payment_id: UUID, times: int) -> Any:
        names = iter(range(99))
        return Busy(
            plugins, lambda: note_mistaken(payment_id, f"ref-{next(names)}", now=now), times
        )

    return busy


def capturing(payment_id: UUID, minor: int | None = None, **more: Any) -> CapturePayment:
    given = {"principal": "staff", "key": "c", "amount": minor and Money(minor, "EUR")} | more
    return CapturePayment(payment_id=payment_id, **given)


def refunding(payment_id: UUID, minor: int | None = None, **more: Any) -> RefundPayment:
    given = {"principal": "staff", "key": "r", "amount": minor and Money(minor, "EUR")} | more
    return RefundPayment(payment_id=payment_id, **given)


def of_verb(verb: str) -> dict[str, Any]:
    return Operation.objects.filter(verb=verb).values().get()


def words(refused: Any) -> tuple[str, dict[str, Any]]:
    return str(refused.value), dict(refused.value.details)


def test_a_capture_asks_for_its_part_of_what_is_held(
    held: PaymentStep, plugins: Registry, gateway: Listening, now: datetime
) -> None:
    command = capturing(held.payment_id, 400, final=False)

    capture_payment(command, plugins=plugins, now=now)
    capture_payment(capturing(held.payment_id, key="d"), plugins=plugins, now=now)

    asked = [
        (one.amount.minor, one.authorization_id, one.final, one.reference) for one in gateway.asked
    ]
    name = held.payment_id.hex
    assert asked == [
        (400, f"au-{name}", False, f"ref-{name}"),
        (500, f"au-{name}", True, f"ref-{name}"),
    ]
    first, second = Operation.objects.filter(verb="CAPTURE").order_by("created_at", "id")
    assert [one.params["before_minor"] for one in (first, second)] == [0, 400]
    assert (first.idem_principal, first.idem_key) == ("staff", "c")
    assert first.idem_digest == command.digest()
    assert (first.attempt, first.fence, first.takes_money) == (1, 1, True)
    assert first.retry_safe_until == now + KEPT


def test_a_refund_asks_for_its_part_of_what_was_taken(
    paid: PaymentStep, plugins: Registry, gateway: Listening, now: datetime
) -> None:
    command = refunding(paid.payment_id, 300, reason="broken")

    refund_payment(command, plugins=plugins, now=now)
    refund_payment(refunding(paid.payment_id, key="s"), plugins=plugins, now=now)

    name = paid.payment_id.hex
    assert [
        (one.amount.minor, one.capture_id, one.reason, one.reference) for one in gateway.asked
    ] == [
        (300, f"ch-{name}", "broken", f"ref-{name}"),
        (600, f"ch-{name}", "", f"ref-{name}"),
    ]
    first, second = Operation.objects.filter(verb="REFUND").order_by("created_at", "id")
    assert [one.params["before_minor"] for one in (first, second)] == [0, 300]
    assert [one.params["asked_minor"] for one in (first, second)] == [300, 600]
    assert (first.idem_principal, first.idem_key) == ("staff", "r")
    assert first.idem_digest == command.digest()
    assert (first.attempt, first.fence, first.takes_money) == (1, 1, False)
    assert first.retry_safe_until == now + KEPT


def test_cancelling_gives_back_what_was_taken_and_says_why(
    paid: PaymentStep, plugins: Registry, gateway: Listening, now: datetime
) -> None:
    command = CancelOrder(order_id=paid.order_id, reason="out of tea")

    cancel_order(command, plugins=plugins, now=now)

    (asked,) = gateway.asked
    name = paid.payment_id.hex
    assert (asked.amount.minor, asked.capture_id, asked.reason) == (900, f"ch-{name}", "out of tea")
    assert of_verb("REFUND")["retry_safe_until"] == now + KEPT
    assert gateway.ledger.refunds != {}


def test_cancelling_lets_go_of_what_is_held(
    held: PaymentStep, plugins: Registry, gateway: Listening, now: datetime
) -> None:
    cancel_order(CancelOrder(order_id=held.order_id), plugins=plugins, now=now)

    (asked,) = gateway.asked
    name = held.payment_id.hex
    assert (asked.amount.minor, asked.authorization_id) == (900, f"au-{name}")
    assert asked.reference == f"ref-{name}"
    assert of_verb("VOID")["retry_safe_until"] == now + KEPT


def test_a_single_cent_goes_back(
    paid: PaymentStep, plugins: Registry, gateway: Listening, now: datetime
) -> None:
    refund_payment(refunding(paid.payment_id, 899), plugins=plugins, now=now)

    cancel_order(CancelOrder(order_id=paid.order_id), plugins=plugins, now=now)

    assert sorted(gateway.ledger.refunds.values()) == [1, 899]


def test_without_a_key_nothing_is_taken_or_given_back(
    held: PaymentStep, plugins: Registry, now: datetime
) -> None:
    with pytest.raises(errors.KeyMissing) as capture:
        capture_payment(capturing(held.payment_id, key=""), plugins=plugins, now=now)
    with pytest.raises(errors.KeyMissing) as refund:
        refund_payment(refunding(held.payment_id, key=""), plugins=plugins, now=now)

    assert str(capture.value) == "A capture needs an Idempotency-Key."
    assert str(refund.value) == "A refund needs an Idempotency-Key."


@pytest.mark.parametrize("act", [capture_payment, refund_payment])
def test_an_amount_in_another_currency_is_refused(
    held: PaymentStep, plugins: Registry, now: datetime, act: Any
) -> None:
    make = capturing if act is capture_payment else refunding

    with pytest.raises(errors.InvalidInput) as refused:
        act(make(held.payment_id, amount=Money(1, "USD")), plugins=plugins, now=now)

    assert words(refused) == ("This payment is in EUR, not in USD.", {"field": "amount"})


def test_nothing_is_taken_for_an_order_that_is_over(
    held: PaymentStep, plugins: Registry, gateway: Listening, now: datetime
) -> None:
    gateway.fault = "refuse"
    cancel_order(CancelOrder(order_id=held.order_id), plugins=plugins, now=now)
    Operation.objects.filter(verb="VOID").update(status="ABANDONED")

    with pytest.raises(errors.WrongState) as refused:
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)

    text = "This order is cancelled: nothing is taken for it any more."
    assert words(refused) == (text, {"status": "CANCELLED"})


class Bare:
    """A gateway of which only what is mandatory can be asked."""

    def __init__(self, gateway: MemoryGateway) -> None:
        self.info, self.start, self.inquire = gateway.info, gateway.start, gateway.inquire


def test_what_a_way_to_pay_cannot_do_is_said(
    paid: PaymentStep, gateway: Listening, now: datetime
) -> None:
    bare = registry_of(FakePlugin(name="payment-memory", strategies=(Bare(gateway),)))

    with pytest.raises(errors.NotSupported) as refund:
        refund_payment(refunding(paid.payment_id), plugins=bare, now=now)
    with pytest.raises(errors.NotSupported) as cancel:
        cancel_order(CancelOrder(order_id=paid.order_id), plugins=bare, now=now)

    assert words(refund) == ("Memory can't refund.", {"verb": "REFUND"})
    assert words(cancel) == ("Memory can't be refunded.", {"verb": "REFUND"})
    assert Order.objects.get().status == "PAID"


def test_what_was_collected_elsewhere_goes_back_elsewhere(
    paid: PaymentStep, plugins: Registry, now: datetime
) -> None:
    Payment.objects.update(plugin="")

    with pytest.raises(errors.NotSupported) as refund:
        refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)
    with pytest.raises(errors.NotSupported) as cancel:
        cancel_order(CancelOrder(order_id=paid.order_id), plugins=plugins, now=now)

    assert words(refund) == ("Memory was collected elsewhere.", {"verb": "REFUND"})
    text = "Memory was collected elsewhere, so give it back there."
    assert words(cancel) == (text, {"verb": "REFUND"})


def test_money_goes_back_through_the_account_that_took_it(
    paid: PaymentStep, gateway: Listening, now: datetime
) -> None:
    other = Listening(features=EVERYTHING, account="till-2")
    both = registry_of(
        FakePlugin(name="payment-memory", strategies=(gateway,)),
        FakePlugin(name="payment-other", strategies=(other,)),
    )

    cancel_order(CancelOrder(order_id=paid.order_id), plugins=both, now=now)

    assert (len(gateway.asked), other.asked) == (1, [])


@pytest.mark.parametrize("act", [capture_payment, refund_payment])
def test_who_loses_a_race_once_asks_for_what_is_true_then(
    held: PaymentStep,
    plugins: Registry,
    gateway: Listening,
    busy: Callable[[UUID, int], Any],
    now: datetime,
    act: Any,
) -> None:
    if act is refund_payment:
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)
        gateway.asked.clear()
    make = capturing if act is capture_payment else refunding

    step = act(make(held.payment_id), plugins=busy(held.payment_id, 1), now=now)

    assert step.operation_status == "DONE"
    assert [one.amount.minor for one in gateway.asked] == [900]


@pytest.mark.parametrize("act", [capture_payment, refund_payment])
def test_who_loses_again_and_again_says_so_and_asks_nobody(
    held: PaymentStep,
    plugins: Registry,
    gateway: Listening,
    busy: Callable[[UUID, int], Any],
    now: datetime,
    act: Any,
) -> None:
    if act is refund_payment:
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)
        gateway.asked.clear()
    make = capturing if act is capture_payment else refunding
    always = busy(held.payment_id, 99)

    with pytest.raises(errors.ConcurrentChange) as refused:
        act(make(held.payment_id), plugins=always, now=now)

    assert str(refused.value) == "This payment is being changed by others; try again."
    assert (gateway.asked, always.times) == ([], 94)


@pytest.mark.parametrize("act", [capture_payment, refund_payment])
def test_a_key_is_its_principals_own(
    held: PaymentStep, plugins: Registry, gateway: Listening, now: datetime, act: Any
) -> None:
    if act is refund_payment:
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)
        gateway.asked.clear()
    make = capturing if act is capture_payment else refunding
    more = {"final": False} if act is capture_payment else {}

    for principal in ("ada", "bob", "ada"):
        command = make(held.payment_id, 300, principal=principal, key="one", **more)
        act(command, plugins=plugins, now=now)

    assert [one.amount.minor for one in gateway.asked] == [300, 300]


@pytest.mark.parametrize(
    ("other", "differs"),
    [({"minor": 301}, True), ({"reason": "late"}, True), ({}, False)],
)
def test_a_refund_under_a_used_key_has_to_be_the_same(
    paid: PaymentStep, plugins: Registry, now: datetime, other: dict[str, Any], differs: bool
) -> None:
    refund_payment(refunding(paid.payment_id, 300), plugins=plugins, now=now)
    again = refunding(paid.payment_id, **({"minor": 300} | other))

    code = ""
    try:
        refund_payment(again, plugins=plugins, now=now)
    except errors.IdempotencyConflict as refused:
        code = str(refused)

    assert code == ("This Idempotency-Key was used for something else." if differs else "")
    assert Operation.objects.filter(verb="REFUND").count() == 1


@pytest.mark.parametrize("differs", [{"minor": 401}, {"final": True}])
def test_a_capture_under_a_used_key_has_to_be_the_same(
    held: PaymentStep, plugins: Registry, now: datetime, differs: dict[str, Any]
) -> None:
    first: dict[str, Any] = {"minor": 400, "final": False}
    capture_payment(capturing(held.payment_id, **first), plugins=plugins, now=now)

    with pytest.raises(errors.IdempotencyConflict):
        capture_payment(capturing(held.payment_id, **(first | differs)), plugins=plugins, now=now)


def twice(held: PaymentStep, plugins: Registry, now: datetime) -> None:
    """Take what is held by two captures, of 4.00 and 5.00."""
    first = capturing(held.payment_id, 400, key="1", final=False)
    capture_payment(first, plugins=plugins, now=now)
    capture_payment(capturing(held.payment_id, key="2"), plugins=plugins, now=now)


def test_a_refund_of_two_captures_is_one_refund_in_two_commands(
    held: PaymentStep, plugins: Registry, gateway: Listening, now: datetime
) -> None:
    twice(held, plugins, now)

    step = refund_payment(refunding(held.payment_id, 700), plugins=plugins, now=now)

    first, second = Operation.objects.filter(verb="REFUND").order_by("created_at", "id")
    assert first.amount_minor + second.amount_minor == 700
    assert (first.params["asked_minor"], first.params.get("part_of")) == (700, None)
    assert (second.params.get("asked_minor"), second.params["part_of"]) == (None, first.pk.hex)
    assert (first.idem_key, second.idem_key) == ("r", None)
    assert (step.operation_id, step.payment_status) == (second.pk, "PARTIALLY_REFUNDED")


def test_a_refund_whose_first_part_is_declined_ends_there(
    held: PaymentStep, plugins: Registry, gateway: Listening, now: datetime
) -> None:
    twice(held, plugins, now)
    gateway.fault = "decline"

    step = refund_payment(refunding(held.payment_id, 700), plugins=plugins, now=now)
    again = refund_payment(refunding(held.payment_id, 700), plugins=plugins, now=now)

    assert step.operation_status == again.operation_status == "DECLINED"
    assert Operation.objects.filter(verb="REFUND").count() == 1
    assert gateway.ledger.refunds == {}


def test_a_part_under_way_is_waited_for(
    held: PaymentStep, plugins: Registry, gateway: Listening, now: datetime
) -> None:
    twice(held, plugins, now)
    gateway.fault = "drop_before"

    step = refund_payment(refunding(held.payment_id, 700), plugins=plugins, now=now)
    again = refund_payment(refunding(held.payment_id, 700), plugins=plugins, now=now)

    assert step.operation_status == again.operation_status == "UNKNOWN"
    assert Operation.objects.filter(verb="REFUND").count() == 1


def test_what_the_parts_are_is_planned_from_what_is_known_by_then(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    """An order that is over gives back first what was taken, and then what is still held."""
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, capture_now=False), plugins=plugins, now=now)
    capture_payment(capturing(step.payment_id, 400, final=False), plugins=plugins, now=now)

    cancel_order(CancelOrder(order_id=order.order_id), plugins=plugins, now=now)

    rows = Operation.objects.exclude(verb__in=("START", "CAPTURE")).order_by("created_at", "id")
    assert [(one.verb, one.amount_minor, one.status) for one in rows] == [
        ("REFUND", 400, "DONE"),
        ("VOID", 500, "DONE"),
    ]


def test_a_gift_card_that_was_held_is_taken_once_the_rest_is_there(
    shelf: TenantRef, gateway: Listening, now: datetime
) -> None:
    card = Listening(code="card", features=EVERYTHING | {Feature.SPLIT}, most=400)
    plugins = registry_of(
        FakePlugin(name="payment-memory", strategies=(gateway,)),
        FakePlugin(name="payment-card", strategies=(card,)),
    )
    order = placed(("tea", 2), plugins=plugins, now=now)
    first = start_payment(
        paying(order, code="card", amount=Money(400, "EUR")), plugins=plugins, now=now
    )
    fact = Fact(
        kind=FactKind.CAPTURED,
        object_id="x",
        amount=Money(500, "EUR"),
        account="till-1",
    )
    gateway.fault = "drop_before"
    rest = start_payment(paying(order), plugins=plugins, now=now)
    before = Operation.objects.filter(verb="CAPTURE").count()

    apply_facts(ApplyFacts(payment_id=rest.payment_id, facts=[fact], source="WEBHOOK"), now=now)

    live = Operation.objects.filter(verb="CAPTURE").count()
    assert (first.payment_status, before) == ("AUTHORIZED", 0)
    assert live == 0, "a charge of the order is still under way"
    Operation.objects.filter(pk=rest.operation_id).update(status="DONE")
    again = replace(fact, object_id="y", kind=FactKind.CAPTURE_FAILED)
    apply_facts(ApplyFacts(payment_id=rest.payment_id, facts=[again], source="WEBHOOK"), now=now)
    row = of_verb("CAPTURE")
    assert (row["status"], row["amount_minor"], row["payment_id"]) == (
        "PLANNED",
        400,
        first.payment_id,
    )
    assert row["params"]["final"] is True
    assert row["params"]["authorization_id"] == f"au-{first.payment_id.hex}"
