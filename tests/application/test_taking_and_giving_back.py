"""Commands that take what is held and give back what was taken: their rows, refusals and races."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from core.application.apply_facts import ApplyFacts, apply_facts
from core.application.cancel_order import CancelOrder, cancel_order
from core.application.capture_payment import CapturePayment, capture_payment
from core.application.payment_step import PaymentStep
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.application.void_payment import VoidPayment, void_payment
from core.context import TenantRef
from core.domain import errors
from core.hooks.registry import Registry
from core.models import Fact as FactRow
from core.models import Operation, Order, Payment
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Fact, FactKind, Feature, Money, StartRequest
from tests.application.meanwhile import Meanwhile, orders_move_on
from tests.application.shelf import paying, placed
from tests.application.wire import Bare, Wire, offering

EVERYTHING = frozenset(Feature) - {Feature.SPLIT, Feature.HARMLESS_START, Feature.MANUAL}
KEPT = timedelta(hours=6)


def asked(gateway: Wire) -> list[Any]:
    """Return what it was asked for once the payment had begun."""
    return [one for one in gateway.requests if not isinstance(one, StartRequest)]


@pytest.fixture
def gateway() -> Wire:
    return Wire(features=EVERYTHING, about={"keys_kept": KEPT})


@pytest.fixture
def plugins(gateway: Wire) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


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


def capturing(payment_id: UUID, minor: int | None = None, **more: Any) -> CapturePayment:
    given = {"principal": "staff", "key": "c", "amount": minor and Money(minor, "EUR")} | more
    return CapturePayment(payment_id=payment_id, **given)


def refunding(payment_id: UUID, minor: int | None = None, **more: Any) -> RefundPayment:
    given = {"principal": "staff", "key": "r", "amount": minor and Money(minor, "EUR")} | more
    return RefundPayment(payment_id=payment_id, **given)


def voiding(payment_id: UUID, _: int | None = None) -> VoidPayment:
    return VoidPayment(payment_id=payment_id, principal="staff", key="v")


def of_verb(verb: str) -> dict[str, Any]:
    return Operation.objects.filter(verb=verb).values().get()


def words(refused: Any) -> tuple[str, dict[str, Any]]:
    return str(refused.value), dict(refused.value.details)


def test_a_capture_asks_for_its_part_of_what_is_held(
    held: PaymentStep, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    command = capturing(held.payment_id, 400, final=False)

    capture_payment(command, plugins=plugins, now=now)
    capture_payment(capturing(held.payment_id, key="d"), plugins=plugins, now=now)

    wanted = [
        (one.amount.minor, one.authorization_id, one.final, one.reference) for one in asked(gateway)
    ]
    name = held.payment_id.hex
    assert wanted == [
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
    paid: PaymentStep, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    command = refunding(paid.payment_id, 300, reason="broken")

    refund_payment(command, plugins=plugins, now=now)
    refund_payment(refunding(paid.payment_id, key="s"), plugins=plugins, now=now)

    name = paid.payment_id.hex
    assert [
        (one.amount.minor, one.capture_id, one.reason, one.reference) for one in asked(gateway)
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
    paid: PaymentStep, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    command = CancelOrder(order_id=paid.order_id, reason="out of tea")

    cancel_order(command, plugins=plugins, now=now)

    (one,) = asked(gateway)
    name = paid.payment_id.hex
    assert (one.amount.minor, one.capture_id, one.reason) == (900, f"ch-{name}", "out of tea")
    assert of_verb("REFUND")["retry_safe_until"] == now + KEPT
    assert gateway.ledger.refunds != {}


def test_cancelling_lets_go_of_what_is_held(
    held: PaymentStep, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    cancel_order(CancelOrder(order_id=held.order_id), plugins=plugins, now=now)

    (one,) = asked(gateway)
    name = held.payment_id.hex
    assert (one.amount.minor, one.authorization_id) == (900, f"au-{name}")
    assert one.reference == f"ref-{name}"
    assert of_verb("VOID")["retry_safe_until"] == now + KEPT


def test_a_single_cent_goes_back(
    paid: PaymentStep, plugins: Registry, gateway: Wire, now: datetime
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
    held: PaymentStep, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    gateway.fault = "refuse"
    cancel_order(CancelOrder(order_id=held.order_id), plugins=plugins, now=now)
    Operation.objects.filter(verb="VOID").update(status="ABANDONED")

    with pytest.raises(errors.WrongState) as refused:
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)

    text = "This order is cancelled: nothing is taken for it any more."
    assert words(refused) == (text, {"status": "CANCELLED"})


def test_what_a_way_to_pay_cannot_do_is_said(
    paid: PaymentStep, gateway: Wire, now: datetime
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
    paid: PaymentStep, gateway: Wire, now: datetime
) -> None:
    other = Wire(features=EVERYTHING, account="till-2")
    both = registry_of(
        FakePlugin(name="payment-memory", strategies=(gateway,)),
        FakePlugin(name="payment-other", strategies=(other,)),
    )

    cancel_order(CancelOrder(order_id=paid.order_id), plugins=both, now=now)

    assert (len(asked(gateway)), asked(other)) == (1, [])


@pytest.mark.parametrize("act", [capture_payment, refund_payment])
def test_who_loses_a_race_once_asks_for_what_is_true_then(
    held: PaymentStep,
    plugins: Registry,
    gateway: Wire,
    now: datetime,
    act: Any,
) -> None:
    if act is refund_payment:
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)
        gateway.requests.clear()
    make = capturing if act is capture_payment else refunding
    beaten: Any = Meanwhile(plugins, orders_move_on, at=1)

    step = act(make(held.payment_id), plugins=beaten, now=now)

    assert step.operation_status == "DONE"
    assert [one.amount.minor for one in asked(gateway)] == [900]


@pytest.mark.parametrize("act", [capture_payment, refund_payment])
def test_who_loses_again_and_again_says_so_and_asks_nobody(
    held: PaymentStep,
    plugins: Registry,
    gateway: Wire,
    now: datetime,
    act: Any,
) -> None:
    if act is refund_payment:
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)
        gateway.requests.clear()
    make = capturing if act is capture_payment else refunding
    always: Any = Meanwhile(plugins, orders_move_on)

    with pytest.raises(errors.ConcurrentChange) as refused:
        act(make(held.payment_id), plugins=always, now=now)

    assert str(refused.value) == "This payment is being changed by others; try again."
    assert (asked(gateway), always.asked) == ([], 5)


@pytest.mark.parametrize("minor", [None, 500])
@pytest.mark.parametrize("act", [capture_payment, refund_payment, void_payment])
def test_the_same_click_twice_at_once_has_one_answer(
    held: PaymentStep, plugins: Registry, gateway: Wire, now: datetime, act: Any, minor: int | None
) -> None:
    if act is refund_payment:
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)
        gateway.requests.clear()
    command = {capture_payment: capturing, refund_payment: refunding, void_payment: voiding}[act](
        held.payment_id, minor
    )
    faster: list[PaymentStep] = []

    def click() -> None:
        if not faster:
            faster.append(act(command, plugins=plugins, now=now))

    slower: Any = Meanwhile(plugins, click)
    step = act(command, plugins=slower, now=now)

    assert step == faster[0]
    assert len(asked(gateway)) == 1


@pytest.mark.parametrize("act", [capture_payment, refund_payment])
def test_a_key_is_its_principals_own(
    held: PaymentStep, plugins: Registry, gateway: Wire, now: datetime, act: Any
) -> None:
    if act is refund_payment:
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)
        gateway.requests.clear()
    make = capturing if act is capture_payment else refunding
    more = {"final": False} if act is capture_payment else {}

    for principal in ("ada", "bob", "ada"):
        command = make(held.payment_id, 300, principal=principal, key="one", **more)
        act(command, plugins=plugins, now=now)

    assert [one.amount.minor for one in asked(gateway)] == [300, 300]


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
    held: PaymentStep, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    twice(held, plugins, now)

    step = refund_payment(refunding(held.payment_id, 700), plugins=plugins, now=now)

    first, second = Operation.objects.filter(verb="REFUND").order_by("created_at", "id")
    assert first.amount_minor + second.amount_minor == 700
    assert (first.params["asked_minor"], first.params.get("part_of")) == (700, None)
    assert (second.params.get("asked_minor"), second.params["part_of"]) == (None, first.pk.hex)
    assert (first.idem_key, second.idem_key) == ("r", None)
    assert (step.operation_id, step.payment_status) == (second.pk, "PARTIALLY_REFUNDED")


def test_a_refund_of_many_captures_is_one_refund_however_many_there_are(
    held: PaymentStep, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    for number in range(7):
        part = capturing(held.payment_id, 100, key=str(number), final=False)
        capture_payment(part, plugins=plugins, now=now)

    step = refund_payment(refunding(held.payment_id), plugins=plugins, now=now)

    assert (step.operation_status, step.payment_status) == ("DONE", "REFUNDED")
    assert list(gateway.ledger.refunds.values()) == [100] * 7


def test_what_is_overdue_is_finished_before_money_goes_back(
    held: PaymentStep, plugins: Registry, gateway: Wire, now: datetime
) -> None:
    gateway.fault = "drop_after"
    capture_payment(capturing(held.payment_id), plugins=plugins, now=now)
    Operation.objects.update(due_at=Now() - timedelta(seconds=1))

    step = refund_payment(refunding(held.payment_id), plugins=plugins, now=now)

    assert step.payment_status == "REFUNDED"
    assert list(gateway.ledger.refunds.values()) == [900]


def test_an_account_that_is_not_here_any_more_gives_nothing_back(
    paid: PaymentStep, plugins: Registry, now: datetime
) -> None:
    for model in (Payment, FactRow):
        model.objects.update(account="till-9")

    with pytest.raises(errors.PluginUnavailable):
        cancel_order(CancelOrder(order_id=paid.order_id), plugins=plugins, now=now)

    assert Order.objects.get().status == "PAID"


@pytest.mark.parametrize(("fault", "status"), [("decline", "DECLINED"), ("drop_before", "UNKNOWN")])
def test_a_refund_whose_first_part_comes_to_nothing_goes_no_further(
    held: PaymentStep, plugins: Registry, gateway: Wire, now: datetime, fault: Any, status: str
) -> None:
    twice(held, plugins, now)
    gateway.fault = fault

    step = refund_payment(refunding(held.payment_id, 700), plugins=plugins, now=now)
    again = refund_payment(refunding(held.payment_id, 700), plugins=plugins, now=now)

    assert step.operation_status == again.operation_status == status
    assert Operation.objects.filter(verb="REFUND").count() == 1
    assert gateway.ledger.refunds == {}


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


@pytest.fixture
def card() -> Wire:
    """A gift card with 4.00 on it, or less where a test says so."""
    return Wire(code="card", features=EVERYTHING | {Feature.SPLIT}, most=400)


@pytest.fixture
def two_ways(gateway: Wire, card: Wire) -> Registry:
    return offering(gateway, card)


@dataclass(frozen=True)
class Halves:
    """An order paid by a card, whose part is held, and by another way, in doubt."""

    card: PaymentStep
    rest: PaymentStep

    def comes(self, minor: int, *, now: datetime, kind: FactKind = FactKind.CAPTURED) -> None:
        """Tell of the rest's money, once nobody waits for its charge any more."""
        Operation.objects.filter(pk=self.rest.operation_id).update(status="DONE")
        self.tells(minor, now=now, kind=kind)

    def tells(self, minor: int, *, now: datetime, kind: FactKind = FactKind.CAPTURED) -> None:
        fact = Fact(kind=kind, object_id="x", amount=Money(minor, "EUR"), account="till-1")
        command = ApplyFacts(payment_id=self.rest.payment_id, facts=[fact], source="WEBHOOK")
        apply_facts(command, now=now)


@pytest.fixture
def halves(shelf: TenantRef, two_ways: Registry, gateway: Wire, now: datetime) -> Halves:
    """Order tea for 9.00; a card holds 4.00, and nobody knows about the rest."""
    order = placed(("tea", 2), plugins=two_ways, now=now)
    card = start_payment(paying(order, code="card", amount=CARD), plugins=two_ways, now=now)
    assert card.payment_status == "AUTHORIZED"
    gateway.fault = "drop_before"
    return Halves(card, start_payment(paying(order), plugins=two_ways, now=now))


CARD = Money(400, "EUR")


def captures() -> list[tuple[str, int]]:
    rows = Operation.objects.filter(verb="CAPTURE").order_by("created_at", "id")
    return [(one.status, one.amount_minor) for one in rows]


@pytest.mark.parametrize(
    ("minor", "planned"),
    [(499, []), (500, [("PLANNED", 400)]), (899, [("PLANNED", 400)]), (900, [])],
    ids=["not secured", "secured", "a cent is missing", "nothing is missing"],
)
def test_what_a_card_holds_is_taken_once_the_rest_is_there(
    halves: Halves, now: datetime, minor: int, planned: list[tuple[str, int]]
) -> None:
    halves.comes(minor, now=now)

    assert captures() == planned


def test_a_card_is_taken_whole_from_what_it_holds(halves: Halves, now: datetime) -> None:
    halves.comes(500, now=now)

    row = of_verb("CAPTURE")
    assert row["payment_id"] == halves.card.payment_id
    assert row["params"]["final"] is True
    assert row["params"]["authorization_id"] == f"au-{halves.card.payment_id.hex}"
    assert (row["attempt"], row["fence"], row["takes_money"]) == (0, 0, True)


def test_a_card_of_which_a_part_was_taken_is_taken_to_its_end(
    halves: Halves, two_ways: Registry, now: datetime
) -> None:
    Operation.objects.filter(pk=halves.rest.operation_id).update(status="DONE")
    part = capturing(halves.card.payment_id, 100, final=False)
    capture_payment(part, plugins=two_ways, now=now)

    halves.comes(500, now=now)

    assert captures() == [("DONE", 100), ("PLANNED", 300)]


def test_a_card_waits_while_a_charge_of_the_order_is_under_way(
    halves: Halves, now: datetime
) -> None:
    halves.tells(500, now=now)

    assert captures() == []


def test_a_card_that_would_not_be_taken_is_not_tried_on(
    halves: Halves, two_ways: Registry, card: Wire, now: datetime
) -> None:
    halves.comes(500, now=now)
    card.fault = "decline"
    sweep_payments(plugins=two_ways, now=now)

    halves.tells(500, now=now, kind=FactKind.CAPTURE_PENDING)

    assert captures() == [("DECLINED", 400)]


def test_a_card_that_is_being_let_go_is_not_taken(
    halves: Halves, two_ways: Registry, card: Wire, now: datetime
) -> None:
    card.fault = "drop_before"
    void_payment(voiding(halves.card.payment_id), plugins=two_ways, now=now)

    halves.comes(500, now=now)

    assert captures() == []
