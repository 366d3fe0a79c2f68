"""Authorising first, taking later, in parts, or not at all: judged by the gateway's own ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core.application.apply_facts import ApplyFacts, apply_facts
from core.application.cancel_order import CancelOrder, cancel_order
from core.application.capture_payment import CapturePayment, capture_payment
from core.application.expire_orders import expire_orders
from core.application.look_up_payment import look_up_payment
from core.application.payment_step import PaymentStep
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.application.void_payment import VoidPayment, void_payment
from core.context import TenantRef
from core.domain import errors
from core.hooks.registry import Registry
from core.models import Event, Operation, Order
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Fact as Stated
from hookspecs import FactKind, Feature, Money
from tests.application.shelf import paying, placed, stock
from tests.application.wire import Bare

LATER = timedelta(hours=1)
EVERYTHING = frozenset(Feature) - {Feature.SPLIT, Feature.HARMLESS_START, Feature.MANUAL}
PARTIAL, SEVERAL = Feature.PARTIAL_CAPTURE, Feature.MULTIPLE_CAPTURES


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway(features=EVERYTHING)


@pytest.fixture
def plugins(gateway: MemoryGateway) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


def euros(minor: int | None) -> Money | None:
    return None if minor is None else Money(minor, "EUR")


def authorized(plugins: Registry, now: datetime) -> PaymentStep:
    """Order tea for 9.00 and authorise its price."""
    order = placed(("tea", 2), plugins=plugins, now=now)
    return start_payment(paying(order, capture_now=False), plugins=plugins, now=now)


def capturing(
    payment_id: UUID, minor: int | None = None, *, key: str = "c", final: bool = True
) -> CapturePayment:
    return CapturePayment(
        payment_id=payment_id, principal="staff", key=key, amount=euros(minor), final=final
    )


def voiding(payment_id: UUID, key: str = "v") -> VoidPayment:
    return VoidPayment(payment_id=payment_id, principal="staff", key=key)


def kinds(order_id: UUID) -> list[str]:
    return [event.kind for event in Event.objects.filter(order_id=order_id).order_by("seq")]


def test_an_authorisation_secures_the_order_and_takes_nothing(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    step = authorized(plugins, now)

    assert (step.order_status, step.order_payment_status) == ("CONFIRMED", "AUTHORIZED")
    assert (step.payment_status, step.operation_status) == ("AUTHORIZED", "DONE")
    assert (list(gateway.ledger.held.values()), gateway.ledger.charges) == ([900], {})
    assert kinds(step.order_id)[-1] == "payment_authorized"
    assert expire_orders(plugins=plugins, now=now + LATER) == 0
    with pytest.raises(errors.NothingToPay):
        start_payment(paying(step, capture_now=False), plugins=plugins, now=now)


def test_capturing_all_of_it_pays_the_order_once(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    held = authorized(plugins, now)

    step = capture_payment(capturing(held.payment_id), plugins=plugins, now=now)
    again = capture_payment(capturing(held.payment_id), plugins=plugins, now=now)

    assert step == again
    assert (step.order_status, step.payment_status) == ("PAID", "CAPTURED")
    assert list(gateway.ledger.captures.values()) == [900]
    with pytest.raises(errors.NothingToCapture):
        capture_payment(capturing(held.payment_id, key="d"), plugins=plugins, now=now)


def test_a_key_used_for_another_amount_is_refused(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    held = authorized(plugins, now)
    capture_payment(capturing(held.payment_id, 100, final=False), plugins=plugins, now=now)

    with pytest.raises(errors.IdempotencyConflict):
        capture_payment(capturing(held.payment_id, 200, final=False), plugins=plugins, now=now)


def test_several_captures_add_up_to_the_price(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    held = authorized(plugins, now)

    first = capture_payment(
        capturing(held.payment_id, 400, key="1", final=False), plugins=plugins, now=now
    )
    second = capture_payment(capturing(held.payment_id, key="2"), plugins=plugins, now=now)

    assert (first.order_status, first.order_payment_status) == ("CONFIRMED", "PARTIALLY_PAID")
    assert (second.order_status, second.order_payment_status) == ("PAID", "PAID")
    assert list(gateway.ledger.captures.values()) == [400, 500]


def test_a_final_capture_of_a_part_lets_the_rest_go(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    held = authorized(plugins, now)

    step = capture_payment(capturing(held.payment_id, 400), plugins=plugins, now=now)

    assert (step.payment_status, step.order_status) == ("PARTIALLY_CAPTURED", "CONFIRMED")
    with pytest.raises(errors.NothingToCapture):
        capture_payment(capturing(held.payment_id, 1, key="d"), plugins=plugins, now=now)
    rest = start_payment(paying(step), plugins=plugins, now=now)
    assert rest.order_status == "PAID"
    assert list(gateway.ledger.charges.values()) == [500]


@pytest.mark.parametrize(
    ("features", "earlier", "minor", "final", "refused"),
    [
        ({PARTIAL, SEVERAL}, None, 901, True, "AMOUNT_TOO_HIGH"),
        ({PARTIAL, SEVERAL}, None, 0, True, "INVALID_INPUT"),
        ({PARTIAL, SEVERAL}, None, -1, True, "INVALID_INPUT"),
        ({PARTIAL, SEVERAL}, 400, 501, True, "AMOUNT_TOO_HIGH"),
        (set(), None, 899, True, "FEATURE_NOT_SUPPORTED"),
        ({SEVERAL}, None, 899, True, "FEATURE_NOT_SUPPORTED"),
        ({PARTIAL}, None, 400, False, "FEATURE_NOT_SUPPORTED"),
        ({PARTIAL, SEVERAL}, None, 400, False, None),
        ({PARTIAL}, None, 400, True, None),
        (set(), None, 900, True, None),
        (set(), None, None, False, None),
    ],
)
def test_features_and_amounts_are_checked_before_the_call(
    shelf: TenantRef,
    now: datetime,
    features: set[Feature],
    earlier: int | None,
    minor: int | None,
    final: bool,
    refused: str | None,
) -> None:
    gateway = MemoryGateway(features=frozenset(features))
    plugins = registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))
    held = authorized(plugins, now)
    if earlier is not None:
        command = capturing(held.payment_id, earlier, key="earlier", final=False)
        capture_payment(command, plugins=plugins, now=now)
    posts, rows = list(gateway.ledger.posts), Operation.objects.count()

    code = None
    try:
        capture_payment(capturing(held.payment_id, minor, final=final), plugins=plugins, now=now)
    except errors.Refusal as refusal:
        code = refusal.code

    assert code == refused
    if refused:
        assert (gateway.ledger.posts, Operation.objects.count()) == (posts, rows)


def test_a_capture_after_another_one_needs_the_feature(
    shelf: TenantRef, gateway: MemoryGateway, plugins: Registry, now: datetime
) -> None:
    held = authorized(plugins, now)
    capture_payment(capturing(held.payment_id, 400, final=False), plugins=plugins, now=now)
    gateway.features = EVERYTHING - {SEVERAL}
    once = registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))

    with pytest.raises(errors.FeatureMissing) as refused:
        capture_payment(capturing(held.payment_id, key="d"), plugins=once, now=now)

    assert refused.value.details["feature"] == "MULTIPLE_CAPTURES"


def test_another_currency_is_refused(shelf: TenantRef, plugins: Registry, now: datetime) -> None:
    held = authorized(plugins, now)
    command = replace(capturing(held.payment_id), amount=Money(900, "USD"))

    with pytest.raises(errors.InvalidInput):
        capture_payment(command, plugins=plugins, now=now)


@pytest.mark.parametrize("anonymous", [False, True])
def test_a_capture_in_doubt_is_looked_up_and_never_doubled(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime, anonymous: bool
) -> None:
    gateway.anonymous = anonymous
    held = authorized(plugins, now)
    gateway.fault = "drop_after"
    step = capture_payment(capturing(held.payment_id), plugins=plugins, now=now)
    assert step.operation_status == "UNKNOWN"

    with pytest.raises(errors.PaymentUndecided):
        capture_payment(capturing(held.payment_id, key="d"), plugins=plugins, now=now)
    with pytest.raises(errors.PaymentUndecided):
        void_payment(voiding(held.payment_id), plugins=plugins, now=now)
    found = look_up_payment(held.payment_id, plugins=plugins, now=now)

    assert (found.order_status, found.operation_status) == ("PAID", "DONE")
    assert list(gateway.ledger.captures.values()) == [900]
    assert len(gateway.ledger.posts) == 2


@pytest.mark.parametrize("remembered", [True, False], ids=["protected", "control"])
def test_a_capture_whose_news_came_first_is_not_sent_again(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime, remembered: bool
) -> None:
    gateway.anonymous = True
    held = authorized(plugins, now)
    gateway.fault = "drop_after"
    step = capture_payment(capturing(held.payment_id), plugins=plugins, now=now)
    assert step.operation_id is not None
    news = Stated(
        kind=FactKind.CAPTURED,
        object_id=f"ca-{step.operation_id.hex}",
        amount=Money(900, "EUR"),
        parent_id=f"au-{held.payment_id.hex}",
        account="till-1",
    )
    apply_facts(ApplyFacts(payment_id=held.payment_id, facts=(news,), source="WEBHOOK"), now=now)
    if not remembered:  # the protection: what had moved when the command was committed
        operation = Operation.objects.get(pk=step.operation_id)
        operation.params["before_minor"] = 900  # what has moved by now
        operation.save()

    look_up_payment(held.payment_id, plugins=plugins, now=now)

    sent = gateway.ledger.posts.count(f"capture:{step.operation_id.hex}")
    assert sent == (1 if remembered else 2)


def test_an_overdue_command_is_finished_before_another_begins(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    held = authorized(plugins, now)
    gateway.fault = "drop_after"
    capture_payment(capturing(held.payment_id, 400, key="1", final=False), plugins=plugins, now=now)
    Operation.objects.filter(verb="CAPTURE").update(due_at=now - timedelta(days=9))

    step = capture_payment(capturing(held.payment_id, key="2"), plugins=plugins, now=now)

    assert step.order_status == "PAID"
    assert list(gateway.ledger.captures.values()) == [400, 500]


def test_an_authorisation_is_given_back_untaken(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    held = authorized(plugins, now)

    step = void_payment(voiding(held.payment_id), plugins=plugins, now=now)
    again = void_payment(voiding(held.payment_id), plugins=plugins, now=now)

    assert step == again
    assert (step.payment_status, step.order_payment_status) == ("CLOSED", "NONE")
    assert gateway.ledger.voided == {held.payment_id.hex}
    with pytest.raises(errors.NothingToVoid):
        void_payment(voiding(held.payment_id, "w"), plugins=plugins, now=now)
    with pytest.raises(errors.NothingToCapture):
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)


def test_cancelling_an_authorised_order_lets_its_money_go(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    held = authorized(plugins, now)

    cancel_order(CancelOrder(order_id=held.order_id), plugins=plugins, now=now)

    row = Order.objects.get(pk=held.order_id)
    assert (row.status, row.payment_status) == ("CANCELLED", "NONE")
    assert gateway.ledger.voided == {held.payment_id.hex}
    assert stock("tea") == (10, 0)
    with pytest.raises(errors.WrongState):
        capture_payment(capturing(held.payment_id), plugins=plugins, now=now)


def test_an_authorisation_that_comes_after_the_end_is_given_back(
    shelf: TenantRef, now: datetime
) -> None:
    gateway = MemoryGateway(way="redirect")
    plugins = registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, capture_now=False), plugins=plugins, now=now)
    expire_orders(plugins=plugins, now=now + LATER)
    gateway.ledger.voided.clear()
    gateway.ledger.held[step.payment_id.hex] = 900
    held = Stated(
        kind=FactKind.AUTHORIZED,
        object_id=f"au-{step.payment_id.hex}",
        amount=Money(900, "EUR"),
        account="till-1",
    )

    apply_facts(ApplyFacts(payment_id=step.payment_id, facts=(held,), source="WEBHOOK"), now=now)
    sweep_payments(plugins=plugins, now=now)

    assert Order.objects.get(pk=order.order_id).status == "EXPIRED"
    assert gateway.ledger.voided == {step.payment_id.hex}


def test_a_strategy_without_the_method_refuses_by_name(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    held = authorized(plugins, now)
    bare = registry_of(FakePlugin(name="payment-memory", strategies=(Bare(gateway),)))

    with pytest.raises(errors.NotSupported):
        capture_payment(capturing(held.payment_id), plugins=bare, now=now)
    with pytest.raises(errors.NotSupported):
        void_payment(voiding(held.payment_id), plugins=bare, now=now)
