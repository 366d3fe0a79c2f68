"""Before another charge begins, or an order ends, the one that pends is settled or refused."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.place_order import Placed
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.resume_payment import ResumePayment, resume_payment
from core.application.settle_pending import settle_pending
from core.application.start_payment import start_payment
from core.application.void_payment import VoidPayment, void_payment
from core.context import TenantRef
from core.domain import errors
from core.hooks.registry import Registry
from core.models import Event, Operation, Order, Payment
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import (
    Call,
    Done,
    Feature,
    Finding,
    InquireRequest,
    Money,
    Outcome,
    PaymentInfo,
    ResumeRequest,
    StartRequest,
    Unknown,
    VoidRequest,
)
from tests.application.shelf import paying, placed

HOUR = timedelta(hours=1)
UNDECIDED = "A payment of this order is being confirmed; you will not be charged twice."


@dataclass(slots=True)
class Noting(MemoryGateway):
    """Notes which payments it was asked about."""

    asked: list[str] = field(default_factory=list)
    says: Finding | None = None

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        self.asked.append(request.payment_id)
        return self.says or MemoryGateway.inquire(self, request, call)


class Open:
    """A gateway's page that can't be closed; what moves at its start is for ``features`` to say."""

    def __init__(self, gateway: Noting, *features: Feature) -> None:
        self.gateway, self.features = gateway, frozenset(features)

    @property
    def info(self) -> PaymentInfo:
        return replace(self.gateway.info, features=self.features)

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        return self.gateway.start(request, call)

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        return self.gateway.resume(request, call)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        return self.gateway.inquire(request, call)


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


@pytest.fixture
def order(shelf: TenantRef, plugins: Registry, now: datetime) -> Placed:
    return placed(("tea", 2), plugins=plugins, now=now)


def settled(order: Placed, code: str | None, plugins: Registry, now: datetime) -> UUID | None:
    row = Order.objects.get(pk=order.order_id)
    return settle_pending(row, code, plugins=plugins, now=now)


def command(verb: str = "START") -> Operation:
    return Operation.objects.get(verb=verb)


def overdue() -> None:
    Operation.objects.update(due_at=Now() - HOUR)


def test_where_nothing_pends_nobody_is_asked(
    order: Placed, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    other = placed(("tea", 1), plugins=plugins, now=now)
    gateway.fault = "drop_before"
    start_payment(paying(other), plugins=plugins, now=now)
    overdue()

    found = settled(order, "memory", plugins, now)

    assert (found, gateway.asked) == (None, [])
    assert command().status == "UNKNOWN"


def test_only_what_pends_for_this_order_is_looked_up(
    order: Placed, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    other = placed(("tea", 1), plugins=plugins, now=now)
    for one in (other, order):
        gateway.fault = "drop_after"
        mine = start_payment(paying(one), plugins=plugins, now=now)
    overdue()

    found = settled(order, "pages", plugins, now)

    assert (found, gateway.asked) == (None, [mine.payment_id.hex])
    assert Order.objects.get(pk=order.order_id).status == "PAID"
    assert Order.objects.get(pk=other.order_id).status == "CONFIRMED"


def test_what_never_went_out_is_given_up_and_says_so(
    order: Placed, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    gateway.fault = "refuse"
    start_payment(paying(order), plugins=plugins, now=now)
    later = now + timedelta(minutes=5)

    found = settled(order, None, plugins, later)

    assert found is None
    assert command().status == "ABANDONED"
    assert command().outcome == {"cause": "given up before anything moved"}
    last = Event.objects.filter(order_id=order.order_id).order_by("-seq").first()
    assert last is not None
    assert (last.kind, last.data["status"], last.at) == ("payment_moved", "CLOSED", later)


def test_what_nobody_has_sent_yet_is_given_up(
    order: Placed, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    gateway.fault = "refuse"
    start_payment(paying(order), plugins=plugins, now=now)
    Operation.objects.update(attempt=0, outcome=None)

    found = settled(order, "pages", plugins, now)

    assert (found, command().status) == (None, "ABANDONED")


@pytest.mark.parametrize("code", ["memory", "pages", None])
def test_what_is_to_be_sent_again_may_have_happened(
    order: Placed, plugins: Registry, gateway: Noting, now: datetime, code: str | None
) -> None:
    """A worker died after its look-up found that the charge has to be sent again."""
    gateway.fault = "drop_after"
    start_payment(paying(order), plugins=plugins, now=now)
    Operation.objects.update(status="PLANNED", outcome=None)

    with pytest.raises(errors.PaymentUndecided) as refused:
        settled(order, code, plugins, now)

    assert str(refused.value) == UNDECIDED
    assert command().status == "PLANNED"


def test_what_was_approved_and_could_not_be_taken_yet_is_not_given_up(
    order: Placed, plugins: Registry, sending: Noting, now: datetime
) -> None:
    asked = start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    sending.approve(asked.payment_id.hex)
    sending.fault = "refuse"
    back = ResumePayment(order_id=order.order_id, payment_id=asked.payment_id)
    resume_payment(back, plugins=plugins, now=now)
    assert command("RESUME").status == "PLANNED"

    with pytest.raises(errors.PaymentUndecided):
        settled(order, "memory", plugins, now)

    assert command("RESUME").status == "PLANNED"


@pytest.mark.parametrize("status", ["SENT", "UNKNOWN", "IN_PROGRESS"])
def test_the_same_way_does_not_go_on_with_what_is_undecided(
    order: Placed, plugins: Registry, gateway: Noting, now: datetime, status: str
) -> None:
    gateway.fault = "drop_before"
    start_payment(paying(order), plugins=plugins, now=now)
    Operation.objects.update(status=status, lease_until=Now() + HOUR)

    with pytest.raises(errors.PaymentUndecided) as refused:
        settled(order, "memory", plugins, now)

    assert str(refused.value) == UNDECIDED
    assert (command().status, gateway.asked) == (status, [])


def test_an_undecided_charge_of_a_plugin_that_is_gone_names_the_package(
    order: Placed, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    gateway.fault = "drop_before"
    start_payment(paying(order), plugins=plugins, now=now)

    with pytest.raises(errors.PluginUnavailable) as refused:
        cancel_order(CancelOrder(order_id=order.order_id), plugins=registry_of(), now=now)

    assert refused.value.details["distribution"] == "orderloom-payment-memory"
    assert refused.value.details["strategy"] == "memory"
    with pytest.raises(errors.PaymentUndecided):
        settled(order, "pages", registry_of(), now)


def test_an_undecided_charge_of_another_account_is_a_till_that_is_gone(
    order: Placed, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    gateway.fault = "drop_before"
    start_payment(paying(order), plugins=plugins, now=now)
    moved = registry_of(
        FakePlugin(name="payment-memory", strategies=(MemoryGateway(account="till-2"),))
    )

    with pytest.raises(errors.PluginUnavailable) as refused:
        settled(order, None, moved, now)

    assert refused.value.details["account"] == "till-1"


def test_the_same_way_goes_on_with_the_page_that_is_open(
    order: Placed, plugins: Registry, sending: Noting, now: datetime
) -> None:
    asked = start_payment(paying(order, code="pages"), plugins=plugins, now=now)

    found = settled(order, "pages", plugins, now)

    assert found == asked.payment_id
    assert command().status == "NEEDS_CUSTOMER"
    assert (sending.asked, sending.ledger.voided) == ([], set())


def test_another_way_closes_the_page_after_a_look(
    order: Placed, plugins: Registry, sending: Noting, now: datetime
) -> None:
    asked = start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    later = now + timedelta(minutes=5)

    found = settled(order, "memory", plugins, later)

    assert found is None
    assert sending.asked == [asked.payment_id.hex]
    assert (command().status, command("VOID").status) == ("DONE", "DONE")
    assert command("VOID").created_at == later
    assert Payment.objects.get().status == "CLOSED"


def test_who_paid_on_the_page_has_paid(
    order: Placed, plugins: Registry, gateway: Noting, sending: Noting, now: datetime
) -> None:
    asked = start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    sending.ledger.charges[asked.payment_id.hex] = 900

    with pytest.raises(errors.NothingToPay) as refused:
        start_payment(paying(order), plugins=plugins, now=now)

    assert str(refused.value) == "This order is paid."
    assert (sending.ledger.voided, gateway.ledger.charges) == (set(), {})


def test_what_turns_out_undecided_at_the_look_ends_nothing(
    order: Placed, plugins: Registry, sending: Noting, now: datetime
) -> None:
    start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    sending.says = Unknown(cause="down")

    with pytest.raises(errors.PaymentUndecided) as refused:
        settled(order, "memory", plugins, now)

    assert str(refused.value) == UNDECIDED
    assert (command().status, sending.ledger.voided) == ("UNKNOWN", set())


def test_a_page_that_could_not_be_closed_keeps_the_order(
    order: Placed, plugins: Registry, gateway: Noting, sending: Noting, now: datetime
) -> None:
    start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    sending.fault = "decline"

    for _ in range(2):
        with pytest.raises(errors.PaymentUndecided) as refused:
            settled(order, "memory", plugins, now)

    assert str(refused.value) == UNDECIDED
    assert (command().status, command("VOID").status) == ("DONE", "DECLINED")
    with pytest.raises(errors.PaymentUndecided):
        start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    assert Payment.objects.count() == 1


def test_a_page_that_was_closed_without_a_word_of_it_does_not_pend(
    order: Placed, now: datetime
) -> None:
    terse = Terse(way="redirect", code="pages")
    plugins = registry_of(FakePlugin(name="payment-pages", strategies=(terse,)))
    start_payment(paying(order, code="pages"), plugins=plugins, now=now)

    found = settled(order, None, plugins, now)

    assert found is None
    assert (command("VOID").status, Payment.objects.get().status) == ("DONE", "OPEN")


@pytest.mark.parametrize("feature", [Feature.HARMLESS_START, Feature.MANUAL])
def test_a_page_that_takes_nothing_by_itself_is_let_go(
    order: Placed, plugins: Registry, sending: Noting, now: datetime, feature: Feature
) -> None:
    harmless = registry_of(FakePlugin(name="payment-pages", strategies=(Open(sending, feature),)))
    start_payment(paying(order, code="pages"), plugins=harmless, now=now)
    later = now + timedelta(minutes=5)

    found = settled(order, None, harmless, later)

    assert found is None
    assert command().status == "ABANDONED"
    assert command().outcome == {"cause": "given up before anything moved"}
    last = Event.objects.filter(order_id=order.order_id).order_by("-seq").first()
    assert last is not None
    assert (last.kind, last.at) == ("payment_moved", later)


@pytest.mark.parametrize("features", [(), (Feature.PARTIAL_REFUND, Feature.SPLIT)])
def test_a_page_that_may_take_money_by_itself_keeps_the_order(
    order: Placed, sending: Noting, now: datetime, features: tuple[Feature, ...]
) -> None:
    charging = registry_of(FakePlugin(name="payment-pages", strategies=(Open(sending, *features),)))
    start_payment(paying(order, code="pages"), plugins=charging, now=now)

    with pytest.raises(errors.PaymentUndecided) as refused:
        cancel_order(CancelOrder(order_id=order.order_id), plugins=charging, now=now)

    assert str(refused.value) == UNDECIDED
    assert command().status == "NEEDS_CUSTOMER"
    assert Order.objects.get().status == "CONFIRMED"


def test_a_page_of_another_account_is_not_closed_by_this_one(
    order: Placed, plugins: Registry, now: datetime
) -> None:
    start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    till = Noting(way="redirect", code="pages", account="till-2")
    moved = registry_of(FakePlugin(name="payment-pages", strategies=(till,)))

    with pytest.raises(errors.PluginUnavailable) as refused:
        settled(order, None, moved, now)

    assert refused.value.details["account"] == "till-1"
    assert (till.asked, till.ledger.posts) == ([], [])


def part(order: Placed, plugins: Registry, now: datetime, **more: Any) -> UUID:
    """Pay 4.00 of 9.00."""
    paid = paying(order, amount=Money(400, "EUR"), **more)
    return start_payment(paid, plugins=plugins, now=now).payment_id


def test_a_part_that_could_not_be_let_go_does_not_keep_the_rest_from_being_paid(
    order: Placed, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    held = part(order, plugins, now, capture_now=False)
    gateway.fault = "decline"
    void_payment(VoidPayment(payment_id=held, principal="staff", key="v"), plugins=plugins, now=now)
    assert command("VOID").status == "DECLINED"

    found = settled(order, "memory", plugins, now)

    assert found is None
    rest = start_payment(paying(order), plugins=plugins, now=now)
    assert gateway.ledger.charges == {rest.payment_id.hex: 500}


def test_a_refund_under_way_does_not_keep_the_rest_from_being_paid(
    order: Placed, gateway: Noting, sending: Noting, now: datetime
) -> None:
    plugins = registry_of(
        FakePlugin(name="payment-memory", strategies=(AtOnce(gateway),)),
        FakePlugin(name="payment-pages", strategies=(sending,)),
    )
    taken = part(order, plugins, now)
    gateway.fault = "drop_before"
    back = RefundPayment(payment_id=taken, principal="staff", key="r", amount=Money(100, "EUR"))
    refund_payment(back, plugins=plugins, now=now)
    assert command("REFUND").status == "UNKNOWN"

    found = settled(order, "pages", plugins, now)

    assert found is None
    assert command("REFUND").status == "UNKNOWN"


def test_a_declined_charge_does_not_keep_the_order_from_being_paid(
    order: Placed, plugins: Registry, gateway: Noting, now: datetime
) -> None:
    gateway.fault = "decline"
    start_payment(paying(order), plugins=plugins, now=now)

    assert settled(order, "memory", plugins, now) is None


class Terse(MemoryGateway):
    """Closes a page, and says no more than that it did."""

    def void(self, request: VoidRequest, call: Call, /) -> Outcome:
        return Done()


class AtOnce:
    """The same gateway, which holds nothing."""

    def __init__(self, gateway: MemoryGateway) -> None:
        self.info, self.start, self.inquire = gateway.info, gateway.start, gateway.inquire
        self.refund = gateway.refund
