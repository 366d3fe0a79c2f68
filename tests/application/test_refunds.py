"""Giving back in parts, never more than was taken: judged by the gateway's own ledger."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.capture_payment import CapturePayment, capture_payment
from core.application.commit_operation import commit_operation, payment_to_command
from core.application.facts import fold_payment
from core.application.look_up_payment import look_up_payment
from core.application.next_commands import refund_row
from core.application.payment_step import PaymentStep
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.context import TenantRef
from core.domain import errors
from core.domain.remaining import Part
from core.hooks.registry import Registry
from core.models import Operation, Order
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Call, Done, Feature, Money, Outcome, RefundRequest, Verb
from tests.application.shelf import paying, placed

PARTS = frozenset({Feature.PARTIAL_REFUND, Feature.PARTIAL_CAPTURE, Feature.MULTIPLE_CAPTURES})


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway(features=PARTS)


@pytest.fixture
def plugins(gateway: MemoryGateway) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


def paid(plugins: Registry, now: datetime) -> PaymentStep:
    """Pay for tea: 9.00 at once."""
    return start_payment(
        paying(placed(("tea", 2), plugins=plugins, now=now)), plugins=plugins, now=now
    )


def paid_twice(plugins: Registry, now: datetime) -> PaymentStep:
    """Pay for tea by two captures, of 4.00 and 5.00."""
    order = placed(("tea", 2), plugins=plugins, now=now)
    held = start_payment(paying(order, capture_now=False), plugins=plugins, now=now)
    for key, minor, final in (("1", 400, False), ("2", 500, True)):
        command = CapturePayment(
            payment_id=held.payment_id,
            principal="staff",
            key=key,
            amount=Money(minor, "EUR"),
            final=final,
        )
        step = capture_payment(command, plugins=plugins, now=now)
    return step


def refunding(payment_id: UUID, minor: int | None = None, key: str = "r") -> RefundPayment:
    amount = None if minor is None else Money(minor, "EUR")
    return RefundPayment(payment_id=payment_id, principal="staff", key=key, amount=amount)


def test_parts_are_given_back_until_nothing_is_left(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    payment_id = paid(plugins, now).payment_id

    seen = [
        refund_payment(refunding(payment_id, minor, key), plugins=plugins, now=now)
        for key, minor in (("1", 300), ("1", 300), ("2", 400), ("3", None))
    ]

    assert [step.order_payment_status for step in seen] == [
        "PARTIALLY_REFUNDED",
        "PARTIALLY_REFUNDED",
        "PARTIALLY_REFUNDED",
        "REFUNDED",
    ]
    assert list(gateway.ledger.refunds.values()) == [300, 400, 200]


@pytest.mark.parametrize(
    ("features", "earlier", "minor", "refused"),
    [
        (PARTS, None, 901, "AMOUNT_TOO_HIGH"),
        (PARTS, None, 0, "INVALID_INPUT"),
        (PARTS, 300, 601, "AMOUNT_TOO_HIGH"),
        (PARTS, 900, 1, "NOTHING_TO_REFUND"),
        (PARTS, 300, 600, None),
        (frozenset(), None, 899, "FEATURE_NOT_SUPPORTED"),
        (frozenset(), None, 900, None),
        (frozenset(), None, None, None),
    ],
)
def test_sums_and_features_are_checked_before_the_row_is_made(
    shelf: TenantRef,
    now: datetime,
    features: frozenset[Feature],
    earlier: int | None,
    minor: int | None,
    refused: str | None,
) -> None:
    gateway = MemoryGateway(features=features)
    plugins = registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))
    payment_id = paid(plugins, now).payment_id
    if earlier is not None:
        refund_payment(refunding(payment_id, earlier, "earlier"), plugins=plugins, now=now)
    rows = Operation.objects.count()

    code = None
    try:
        refund_payment(refunding(payment_id, minor), plugins=plugins, now=now)
    except errors.Refusal as refusal:
        code = refusal.code

    assert code == refused
    assert Operation.objects.count() == (rows if refused else rows + 1)
    assert sum(gateway.ledger.refunds.values()) <= 900


def test_a_refund_in_doubt_counts_as_given_back(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    payment_id = paid(plugins, now).payment_id
    gateway.fault = "drop_after"
    refund_payment(refunding(payment_id, 500), plugins=plugins, now=now)

    with pytest.raises(errors.PaymentUndecided):
        refund_payment(refunding(payment_id, 500, "s"), plugins=plugins, now=now)
    look_up_payment(payment_id, plugins=plugins, now=now)
    with pytest.raises(errors.AmountTooHigh):
        refund_payment(refunding(payment_id, 500, "s"), plugins=plugins, now=now)

    assert list(gateway.ledger.refunds.values()) == [500]


def test_one_capture_that_can_bear_it_is_preferred(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    payment_id = paid_twice(plugins, now).payment_id

    refund_payment(refunding(payment_id, 450), plugins=plugins, now=now)

    assert list(gateway.ledger.refunds.values()) == [450]


def test_several_captures_bear_what_one_alone_can_not(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    payment_id = paid_twice(plugins, now).payment_id

    step = refund_payment(refunding(payment_id, 700), plugins=plugins, now=now)
    again = refund_payment(refunding(payment_id, 700), plugins=plugins, now=now)

    assert step.order_payment_status == again.order_payment_status == "PARTIALLY_REFUNDED"
    assert sum(gateway.ledger.refunds.values()) == 700
    assert len(gateway.ledger.refunds) == 2


def test_a_refund_cut_short_goes_on_under_its_key(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    payment_id = paid_twice(plugins, now).payment_id
    gateway.fault = "drop_after"
    cut = refund_payment(refunding(payment_id, 700), plugins=plugins, now=now)
    assert cut.operation_status == "UNKNOWN"
    look_up_payment(payment_id, plugins=plugins, now=now)
    assert len(gateway.ledger.refunds) == 1

    refund_payment(refunding(payment_id, 700), plugins=plugins, now=now)

    assert sum(gateway.ledger.refunds.values()) == 700


@pytest.mark.parametrize("guarded", [True, False], ids=["protected", "control"])
def test_what_came_in_between_is_noticed_when_a_refund_is_committed(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime, guarded: bool
) -> None:
    payment_id = paid(plugins, now).payment_id
    payment, _ = payment_to_command(payment_id, Verb.REFUND, plugins=plugins, now=now)
    after = fold_payment(payment)
    refund_payment(refunding(payment_id, 500, "meanwhile"), plugins=plugins, now=now)
    part = Part(object_id=f"ch-{payment_id.hex}", whole=900, minor=500)
    row = refund_row(payment, after, part, reason="", now=now, sent=True)
    if not guarded:  # the protection: the order as it was read before the facts
        payment.order.refresh_from_db(fields=["log_seq", "log_head"])

    committed = commit_operation(payment, row, now=now)

    assert (committed is None) == guarded


class Silent(MemoryGateway):
    """Says done, and nothing more."""

    def refund(self, request: RefundRequest, call: Call, /) -> Outcome:
        super().refund(request, call)
        return Done()


def test_a_refund_that_shows_nothing_is_not_taken_for_done(shelf: TenantRef, now: datetime) -> None:
    gateway = Silent(features=PARTS)
    plugins = registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))
    payment_id = paid(plugins, now).payment_id

    step = refund_payment(refunding(payment_id, 500), plugins=plugins, now=now)
    assert step.operation_status == "IN_PROGRESS"
    with pytest.raises(errors.PaymentUndecided):
        refund_payment(refunding(payment_id, 500, "s"), plugins=plugins, now=now)
    found = look_up_payment(payment_id, plugins=plugins, now=now)

    assert (found.operation_status, found.order_payment_status) == ("DONE", "PARTIALLY_REFUNDED")
    assert list(gateway.ledger.refunds.values()) == [500]


def test_giving_back_that_was_declined_is_not_tried_on_and_on(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    step = paid(plugins, now)
    gateway.fault = "decline"

    cancel_order(CancelOrder(order_id=step.order_id), plugins=plugins, now=now)
    for _ in range(3):
        sweep_payments(plugins=plugins, now=now)

    row = Order.objects.get(pk=step.order_id)
    assert (row.status, row.payment_status) == ("CANCELLED", "PAID")
    assert [op.status for op in Operation.objects.filter(verb="REFUND")] == ["DECLINED"]
