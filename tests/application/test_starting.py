"""Beginning to pay: what is refused and why, what is written before the wire, who wins a race."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.comparing import note_mistaken
from core.application.payment_step import PaymentStep
from core.application.place_order import Placed
from core.application.receive_webhook import webhook_endpoint
from core.application.start_payment import StartPayment, start_payment
from core.application.switch_plugin import SwitchPlugin, switch_plugin
from core.context import TenantRef
from core.domain import errors
from core.hooks.registry import Registry
from core.models import Event, Operation, Order, Payment
from core.models.ids import new_id
from core.models.sheet import RuleViolated
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import (
    Call,
    Feature,
    Input,
    Money,
    Outcome,
    PaymentInfo,
    StartRequest,
)
from tests.application.shelf import paying, placed

KEPT = timedelta(hours=3)
UNDECIDED = "A payment of this order is being confirmed; you will not be charged twice."


@dataclass(slots=True)
class Till(MemoryGateway):
    """Notes what stands in the database, and what it is asked, while it is called."""

    inputs: tuple[Input, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    requests: list[StartRequest] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def info(self) -> PaymentInfo:
        return PaymentInfo(
            code=self.code,
            label="The till",
            account=self.account,
            features=self.features,
            keys_kept=KEPT,
            inputs=self.inputs,
            **self.more,
        )

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        self.requests.append(request)
        self.attempts.append(call.attempt)
        operation = Operation.objects.annotate(clock=Now()).values().get(pk=request.operation_id)
        payment = Payment.objects.values().get(pk=request.payment_id)
        order = Order.objects.values().get(pk=operation["order_id"])
        self.rows += [operation, payment, order]
        return MemoryGateway.start(self, request, call)


@dataclass(frozen=True, kw_only=True)
class Interrupted(StartPayment):
    """A click during which something happens, after its order was read."""

    happens: Callable[[], object]

    def digest(self) -> str:
        """Let it happen first."""
        self.happens()
        return StartPayment.digest(self)


@pytest.fixture
def till() -> Till:
    return Till(code="till")


@pytest.fixture
def plugins(till: Till) -> Registry:
    return registry_of(
        FakePlugin(name="payment-till", strategies=(till,), version="7.1"),
        FakePlugin(name="payment-pages", strategies=(MemoryGateway(way="redirect", code="pages"),)),
    )


@pytest.fixture
def order(shelf: TenantRef, plugins: Registry, now: datetime) -> Placed:
    """Order tea for 9.00."""
    return placed(("tea", 2), plugins=plugins, now=now)


def order_row(order: Placed) -> Order:
    return Order.objects.get(pk=order.order_id)


def refusal(
    command: StartPayment, plugins: Registry, now: datetime
) -> tuple[str, str, Mapping[str, Any]] | None:
    """Return code, sentence and details of why it isn't begun, or None if it is."""
    try:
        start_payment(command, plugins=plugins, now=now)
    except errors.Refusal as refused:
        return refused.code, str(refused), refused.details
    return None


def clicking(order: Placed, *, key: str = "k", **more: Any) -> StartPayment:
    return paying(order, key=key, **{"code": "till", **more})


def interrupted(command: StartPayment, happens: Callable[[], object]) -> Interrupted:
    own = {name: getattr(command, name) for name in StartPayment.__dataclass_fields__}
    return Interrupted(**own, happens=happens)


def once(happens: Callable[[], object]) -> Callable[[], None]:
    """Return what happens the first time only."""
    left = [happens]

    def happening() -> None:
        if left:
            left.pop()()

    return happening


def test_the_payment_is_written_before_the_wire(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    later = now + timedelta(minutes=5)

    step = start_payment(clicking(order), plugins=plugins, now=later)

    assert till.rows[1] == {
        "id": step.payment_id,
        "tenant_id": order_row(order).tenant_id,
        "order_id": order.order_id,
        "plugin": "payment-till",
        "distribution": "orderloom-payment-till",
        "version": "7.1",
        "api": ">=1.0,<2",
        "settings_version": plugins.strategies["till"].settings_version,
        "strategy_code": "till",
        "label": "The till",
        "account": "till-1",
        "amount_minor": 900,
        "currency": "EUR",
        "status": "OPEN",
        "reference": None,
        "held_minor": 0,
        "look_at": None,
        "created_at": later,
    }


def test_the_command_is_written_before_the_wire(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    later = now + timedelta(minutes=5)
    command = clicking(order)

    step = start_payment(command, plugins=plugins, now=later)

    written = till.rows[0]
    assert (written["id"], written["payment_id"]) == (step.operation_id, step.payment_id)
    assert (written["verb"], written["status"]) == ("START", "SENT")
    assert (written["amount_minor"], written["takes_money"]) == (900, True)
    assert (written["attempt"], written["fence"], written["looks"]) == (1, 1, 0)
    assert till.attempts == [1]
    assert (written["created_at"], written["retry_safe_until"]) == (later, later + KEPT)
    assert (written["idem_principal"], written["idem_key"]) == ("guest", "k")
    assert written["idem_digest"] == command.digest()
    assert written["tenant_id"] == order_row(order).tenant_id


def test_whoever_sends_it_holds_it_for_the_time_of_the_call(
    order: Placed, plugins: Registry, till: Till, now: datetime, settings: Any
) -> None:
    settings.ORDERLOOM_START_SECONDS = 20.0
    settings.ORDERLOOM_COMMAND_SECONDS = 90.0
    settings.ORDERLOOM_CALL_DEADLINE_SECONDS = 100.0
    settings.ORDERLOOM_LEASE_SECONDS = 40.0

    start_payment(clicking(order), plugins=plugins, now=now)

    written = till.rows[0]
    assert 55 < (written["lease_until"] - written["clock"]).total_seconds() <= 60
    assert written["due_at"] == written["lease_until"]
    assert abs(written["sent_at"] - timezone.now()) < timedelta(minutes=1)


def test_what_the_gateway_is_told_stands_in_the_command(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    step = start_payment(clicking(order), plugins=plugins, now=now)

    endpoint = webhook_endpoint(plugin="payment-till", now=now)
    told, said = till.rows[0]["params"], till.requests[0]
    assert said.return_url == told["return_url"]
    assert said.cancel_url == told["cancel_url"]
    assert said.webhook_url == told["webhook_url"]
    assert (said.capture_now, said.amount) == (True, Money(900, "EUR"))
    assert told == {
        "reference": None,
        "return_url": f"https://shop.example/return/{step.payment_id}",
        "cancel_url": f"https://shop.example/cancel/{step.payment_id}",
        "webhook_url": f"http://127.0.0.1:8000/webhooks/payment-till/{endpoint}",
        "capture_now": True,
        "when_secured": False,
        "inputs": {},
        "sealed": {},
    }


def test_the_order_is_pending_while_the_gateway_is_called(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    before = order_row(order)

    start_payment(clicking(order), plugins=plugins, now=now)

    during = till.rows[2]
    assert (during["status"], during["payment_status"], during["stock"]) == (
        "CONFIRMED",
        "PENDING",
        "HELD",
    )
    assert during["log_seq"] == before.log_seq + 1
    assert during["log_head"] == Event.objects.get(kind="payment_started").hash


def test_the_journal_tells_who_begins_to_collect(
    order: Placed, plugins: Registry, now: datetime
) -> None:
    later = now + timedelta(minutes=5)

    step = start_payment(clicking(order), plugins=plugins, now=later)

    event = Event.objects.get(kind="payment_started")
    assert (event.order_id, event.seq, event.at) == (order.order_id, 2, later)
    assert event.data == {
        "payment": str(step.payment_id),
        "strategy": "till",
        "plugin": "payment-till",
    }
    assert event.previous_hash == Event.objects.get(kind="order_placed").hash
    assert event.tenant_id == order_row(order).tenant_id


def test_secret_inputs_are_stored_unreadable_and_told_to_the_gateway(
    order: Placed, till: Till, now: datetime
) -> None:
    till.inputs = (Input(name="card", label="Card", secret=True), Input(name="name", label="Name"))
    plugins = registry_of(FakePlugin(name="payment-till", strategies=(till,)))
    typed = {"card": "4242", "name": "Ada"}

    start_payment(clicking(order, inputs=typed), plugins=plugins, now=now)

    told = till.rows[0]["params"]
    assert till.requests[0].inputs == typed
    assert told["inputs"] == {"name": "Ada"}
    assert told["sealed"].keys() == {"card"}
    assert "4242" not in str(told)


# What is refused


@pytest.mark.parametrize(
    ("other", "kind", "text", "details"),
    [
        ({"key": ""}, errors.KeyMissing, "Paying needs an Idempotency-Key.", {}),
        (
            {"strategy_code": "cheque"},
            errors.UnknownStrategy,
            "There is no way to pay called cheque.",
            {"strategy": "cheque"},
        ),
        (
            {"amount": Money(901, "EUR")},
            errors.AmountTooHigh,
            "9.01 EUR is more than what is left to pay.",
            {"amount_minor": 901, "most_minor": 900},
        ),
        (
            {"amount": Money(0, "EUR")},
            errors.InvalidInput,
            "Pay at least one minor unit, in EUR.",
            {"field": "amount"},
        ),
        (
            {"amount": Money(100, "USD")},
            errors.InvalidInput,
            "Pay at least one minor unit, in EUR.",
            {"field": "amount"},
        ),
        (
            {"inputs": {"zip": "1", "iban": "DE"}},
            errors.InvalidInput,
            "The till can't do with this iban.",
            {"field": "iban"},
        ),
    ],
)
def test_what_cannot_be_begun_is_refused_in_words(
    order: Placed,
    plugins: Registry,
    till: Till,
    now: datetime,
    other: dict[str, Any],
    kind: type[errors.Refusal],
    text: str,
    details: dict[str, Any],
) -> None:
    with pytest.raises(kind) as refused:
        start_payment(replace(clicking(order), **other), plugins=plugins, now=now)

    assert (str(refused.value), refused.value.details) == (text, details)
    assert (till.requests, Payment.objects.count()) == ([], 0)
    assert Order.objects.get().payment_status == "NONE"


def test_an_order_nobody_knows_is_refused(order: Placed, plugins: Registry, now: datetime) -> None:
    with pytest.raises(errors.NotFound) as refused:
        start_payment(replace(clicking(order), order_id=new_id()), plugins=plugins, now=now)

    assert str(refused.value) == "There is no such order."


def test_an_order_that_is_over_is_not_paid(order: Placed, plugins: Registry, now: datetime) -> None:
    cancel_order(CancelOrder(order_id=order.order_id), plugins=plugins, now=now)

    with pytest.raises(errors.NothingToPay) as refused:
        start_payment(clicking(order), plugins=plugins, now=now)

    assert str(refused.value) == "This order is cancelled."
    assert refused.value.details == {"status": "CANCELLED"}


def test_what_is_held_in_full_leaves_nothing_to_pay(
    order: Placed, plugins: Registry, now: datetime
) -> None:
    start_payment(clicking(order, capture_now=False), plugins=plugins, now=now)

    with pytest.raises(errors.NothingToPay) as refused:
        start_payment(clicking(order, key="l"), plugins=plugins, now=now)

    assert str(refused.value) == "Nothing is left to pay."


@pytest.mark.parametrize(
    ("more", "amount", "text"),
    [
        ({"minimum": (Money(901, "EUR"),)}, None, "The till doesn't take 9.00 EUR."),
        ({"maximum": (Money(899, "EUR"),)}, None, "The till doesn't take 9.00 EUR."),
        ({"minimum": (Money(101, "EUR"),)}, 100, "The till doesn't take 1.00 EUR."),
        ({"maximum": (Money(100, "EUR"),)}, 100, None),
        ({"currencies": frozenset({"USD"})}, 100, "The till doesn't take 1.00 EUR."),
        ({"currencies": frozenset({"EUR"})}, 100, None),
    ],
)
def test_a_way_to_pay_has_limits_of_what_it_takes(
    order: Placed, till: Till, now: datetime, more: dict[str, Any], amount: int | None, text: str
) -> None:
    till.more = more
    plugins = registry_of(FakePlugin(name="payment-till", strategies=(till,)))
    asked = None if amount is None else Money(amount, "EUR")

    refused = refusal(clicking(order, amount=asked), plugins, now)

    details = {"amount_minor": amount or 900, "currency": "EUR"}
    told = ("AMOUNT_NOT_ACCEPTED", text, details)
    assert refused == (told if text else None)
    assert len(till.requests) == (0 if text else 1)


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ({}, "iban"),
        ({"iban": ""}, "iban"),
        ({"iban": "  "}, "iban"),
        ({"owner": "Ada"}, "iban"),
        ({"iban": "DE"}, "bank"),
        ({"iban": "DE", "bank": "X", "zip": "1", "city": "Y"}, "city"),
        ({"zip": "1"}, "iban"),
        ({"iban": "DE", "bank": "X"}, None),
        ({"iban": "DE", "bank": "X", "owner": "Ada"}, None),
        ({"iban": "DE", "bank": "X", "owner": ""}, None),
    ],
)
def test_all_that_is_required_is_typed_in_and_nothing_else(
    order: Placed, till: Till, now: datetime, typed: dict[str, str], named: str | None
) -> None:
    till.inputs = (
        Input(name="iban", label="IBAN"),
        Input(name="owner", label="Owner", required=False),
        Input(name="bank", label="Bank"),
    )
    plugins = registry_of(FakePlugin(name="payment-till", strategies=(till,)))

    refused = refusal(clicking(order, inputs=typed), plugins, now)

    told = ("INVALID_INPUT", f"The till can't do with this {named}.", {"field": named})
    assert refused == (told if named else None)
    assert len(till.requests) == (0 if named else 1)


# How much is collected, and when


class Only:
    """The same till, of which nothing but some methods can be asked."""

    def __init__(self, till: Till, *methods: str) -> None:
        self.info = till.info
        for method in ("start", "inquire", *methods):
            setattr(self, method, getattr(till, method))


@pytest.mark.parametrize(
    ("features", "methods", "minor", "capture_now", "expected"),
    [
        ((), ("capture", "void"), 900, True, (True, False)),
        ((), ("capture", "void"), 900, False, (False, False)),
        ((), ("capture", "void"), 899, True, (False, True)),
        ((), ("capture", "void"), 899, False, (False, False)),
        ((Feature.SPLIT,), ("capture", "void"), 900, True, (False, True)),
        ((Feature.SPLIT,), ("capture", "void"), 900, False, (False, False)),
        ((), ("capture",), 899, True, (True, False)),
        ((), ("void",), 899, True, (True, False)),
        ((), (), 899, True, (True, False)),
        ((), (), 899, False, (False, False)),
    ],
)
def test_a_part_is_only_held_where_it_can_be_taken_and_let_go(
    order: Placed,
    till: Till,
    now: datetime,
    features: tuple[Feature, ...],
    methods: tuple[str, ...],
    minor: int,
    capture_now: bool,
    expected: tuple[bool, bool],
) -> None:
    till.features = frozenset(features)
    plugins = registry_of(FakePlugin(name="payment-till", strategies=(Only(till, *methods),)))
    command = clicking(order, amount=Money(minor, "EUR"), capture_now=capture_now)

    start_payment(command, plugins=plugins, now=now)

    told = till.rows[0]["params"]
    assert (told["capture_now"], told["when_secured"]) == expected
    assert (till.requests[0].capture_now, till.requests[0].amount.minor) == (expected[0], minor)


def test_a_part_may_be_as_small_as_one_minor_unit(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    start_payment(clicking(order, amount=Money(1, "EUR")), plugins=plugins, now=now)

    rest = start_payment(clicking(order, key="l"), plugins=plugins, now=now)

    assert [request.amount.minor for request in till.requests] == [1, 899]
    assert rest.order_status == "PAID"


def test_the_last_minor_unit_can_be_paid(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    start_payment(clicking(order, amount=Money(899, "EUR")), plugins=plugins, now=now)

    rest = start_payment(clicking(order, key="l"), plugins=plugins, now=now)

    assert [request.amount.minor for request in till.requests] == [899, 1]
    assert rest.order_status == "PAID"


# The same click, and who is faster


@pytest.mark.parametrize(
    "other",
    [
        {"strategy_code": "pages"},
        {"inputs": {"a": "b"}},
        {"capture_now": False},
        {"amount": Money(900, "EUR")},
        {"amount": Money(1, "EUR")},
        {"order_id": new_id()},
    ],
)
def test_a_key_stands_for_one_request(
    order: Placed, plugins: Registry, till: Till, now: datetime, other: dict[str, Any]
) -> None:
    command = clicking(order)
    start_payment(command, plugins=plugins, now=now)

    with pytest.raises(errors.IdempotencyConflict) as refused:
        start_payment(replace(command, **other), plugins=plugins, now=now)

    assert str(refused.value) == "This Idempotency-Key was used for something else."
    assert len(till.requests) == 1


def test_the_order_in_which_inputs_come_makes_no_other_request(order: Placed) -> None:
    command = clicking(order, inputs={"a": "1", "b": "2"})

    assert command.digest() == replace(command, inputs={"b": "2", "a": "1"}).digest()
    assert command.digest() != replace(command, inputs={"a": "2", "b": "1"}).digest()
    assert len(command.digest()) == 64


def test_where_a_customer_returns_to_makes_no_other_request(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    command = clicking(order)
    first = start_payment(command, plugins=plugins, now=now)

    again = replace(command, return_url="https://shop.example/other", cancel_url="")

    assert start_payment(again, plugins=plugins, now=now) == first
    assert len(till.requests) == 1


def test_a_key_is_its_principals_own(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    other = placed(("tea", 1), plugins=plugins, now=now)
    first = start_payment(clicking(order), plugins=plugins, now=now)

    step = start_payment(replace(clicking(other), principal="erp"), plugins=plugins, now=now)

    assert step.payment_id != first.payment_id
    assert len(till.requests) == 2


def test_each_key_of_a_principal_begins_a_payment(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    other = placed(("tea", 1), plugins=plugins, now=now)
    start_payment(clicking(order), plugins=plugins, now=now)

    step = start_payment(clicking(other, key="l"), plugins=plugins, now=now)

    assert (step.order_id, step.order_status) == (other.order_id, "PAID")


def test_an_order_that_moved_meanwhile_is_read_again(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    earlier = start_payment(clicking(order, amount=Money(1, "EUR")), plugins=plugins, now=now)
    news = once(lambda: note_mistaken(earlier.payment_id, "another", now=now))

    step = start_payment(interrupted(clicking(order, key="l"), news), plugins=plugins, now=now)

    assert step.order_status == "PAID"
    assert Payment.objects.count() == 2
    assert Event.objects.filter(kind="payment_started").count() == 2


def test_an_order_that_never_rests_is_not_paid(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    happened: list[int] = []

    def moves() -> None:
        happened.append(Order.objects.update(log_seq=F("log_seq") + 1))

    with pytest.raises(errors.ConcurrentChange) as refused:
        start_payment(interrupted(clicking(order), moves), plugins=plugins, now=now)

    assert str(refused.value) == "This order is being changed by others; try again."
    assert (till.requests, Payment.objects.count()) == ([], 0)
    assert len(happened) == 5


def test_an_order_cancelled_meanwhile_is_not_paid(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    cancelled = once(
        lambda: cancel_order(CancelOrder(order_id=order.order_id), plugins=plugins, now=now)
    )

    with pytest.raises(errors.NothingToPay) as refused:
        start_payment(interrupted(clicking(order), cancelled), plugins=plugins, now=now)

    assert str(refused.value) == "This order is cancelled."
    assert till.requests == []


@pytest.mark.parametrize("seen", [True, False], ids=["the order first", "the command first"])
def test_the_same_click_that_was_faster_is_the_answer_of_both(
    order: Placed, plugins: Registry, till: Till, now: datetime, seen: bool
) -> None:
    command, faster = clicking(order), list[PaymentStep]()
    before = order_row(order)

    def clicked() -> None:
        faster.append(start_payment(command, plugins=plugins, now=now))
        if not seen:
            unmoved(before)

    step = start_payment(interrupted(command, once(clicked)), plugins=plugins, now=now)

    assert (step.payment_id, step.operation_id) == (
        faster[0].payment_id,
        faster[0].operation_id,
    )
    assert len(till.requests) == 1


@pytest.mark.parametrize("seen", [True, False], ids=["the order first", "the command first"])
def test_another_charge_that_was_faster_is_awaited(
    order: Placed, plugins: Registry, till: Till, now: datetime, seen: bool
) -> None:
    before = order_row(order)

    def clicked() -> None:
        till.fault = "drop_before"
        start_payment(clicking(order, key="faster"), plugins=plugins, now=now)
        if not seen:
            unmoved(before)

    with pytest.raises(errors.PaymentUndecided) as refused:
        start_payment(interrupted(clicking(order), once(clicked)), plugins=plugins, now=now)

    assert str(refused.value) == UNDECIDED
    assert len(till.requests) == 1


def unmoved(before: Order) -> None:
    """Leave it to the commands to tell who was faster: databases differ in whom they hear first."""
    Order.objects.filter(pk=before.pk).update(log_seq=before.log_seq, log_head=before.log_head)


def test_a_key_used_meanwhile_for_another_order_is_refused(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    other = placed(("tea", 1), plugins=plugins, now=now)
    clicked = once(lambda: start_payment(clicking(other), plugins=plugins, now=now))

    with pytest.raises(errors.IdempotencyConflict) as refused:
        start_payment(interrupted(clicking(order), clicked), plugins=plugins, now=now)

    assert str(refused.value) == "This Idempotency-Key was used for something else."
    assert Payment.objects.get().order_id == other.order_id


def test_a_plugin_switched_off_meanwhile_is_no_longer_offered(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    off = SwitchPlugin(plugin="payment-till", on=False, who="ada")
    switched = once(lambda: switch_plugin(off, plugins=plugins, now=now))

    with pytest.raises(errors.UnknownStrategy) as refused:
        start_payment(interrupted(clicking(order), switched), plugins=plugins, now=now)

    assert str(refused.value) == "The till is no longer offered as a way to pay."
    assert refused.value.details == {"strategy": "till"}
    assert (till.requests, Payment.objects.count()) == ([], 0)


def test_a_spoilt_journal_is_not_taken_for_a_race(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    row = order_row(order)
    Event.objects.create(
        order_id=row.pk, tenant_id=row.tenant_id, seq=row.log_seq + 1, kind="x", at=now
    )

    with pytest.raises(RuleViolated, match="event_sequence_unique"):
        start_payment(clicking(order), plugins=plugins, now=now)

    assert (till.requests, Payment.objects.count()) == ([], 0)


def test_the_page_that_is_open_is_gone_on_with(
    order: Placed, plugins: Registry, now: datetime
) -> None:
    first = start_payment(clicking(order, code="pages"), plugins=plugins, now=now)

    again = start_payment(clicking(order, code="pages", key="l"), plugins=plugins, now=now)

    assert again == first
    assert Operation.objects.count() == 1


def test_the_page_of_another_way_is_closed_before_this_one_begins(
    order: Placed, plugins: Registry, till: Till, now: datetime
) -> None:
    first = start_payment(clicking(order, code="pages"), plugins=plugins, now=now)
    later = now + timedelta(minutes=5)

    step = start_payment(clicking(order, key="l"), plugins=plugins, now=later)

    closed = Operation.objects.get(payment_id=first.payment_id, verb="VOID")
    assert (closed.status, closed.created_at) == ("DONE", later)
    assert Payment.objects.get(pk=first.payment_id).status == "CLOSED"
    assert (step.order_status, till.requests[0].amount) == ("PAID", Money(900, "EUR"))
