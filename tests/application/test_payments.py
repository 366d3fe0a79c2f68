"""Paying and giving back, judged by the gateway's own ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.test import override_settings

from core.application.apply_facts import ApplyFacts, apply_facts
from core.application.cancel_order import CancelOrder, cancel_order
from core.application.drain_inbox import drain_inbox
from core.application.expire_orders import expire_orders
from core.application.fulfil_order import fulfil_order
from core.application.look_up_payment import look_up_payment
from core.application.queries import order_page
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.resume_payment import ResumePayment, resume_payment
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.context import TenantRef
from core.domain import errors
from core.domain.journal import link
from core.hooks.registry import Registry
from core.hooks.states import KnownPlugin
from core.models import Event, Fact, InboxEntry, Operation, Order
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Fact as Stated
from hookspecs import FactKind, Money, Redirect
from tests.application.shelf import paying, placed, stock

LATER = timedelta(hours=1)


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


@pytest.fixture
def sending() -> MemoryGateway:
    """Return a gateway that sends its customers to a page of its own."""
    return MemoryGateway(way="redirect", code="pages")


@pytest.fixture
def plugins(gateway: MemoryGateway, sending: MemoryGateway) -> Registry:
    return registry_of(
        FakePlugin(name="payment-memory", strategies=(gateway,)),
        FakePlugin(name="payment-pages", strategies=(sending,)),
    )


def kinds(order_id: UUID) -> list[str]:
    return [event.kind for event in Event.objects.filter(order_id=order_id).order_by("seq")]


def refunding(payment_id: UUID, key: str = "r") -> RefundPayment:
    return RefundPayment(payment_id=payment_id, principal="staff", key=key, reason="returned")


def test_a_charge_at_once_pays_the_order_and_keeps_its_stock(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)

    step = start_payment(paying(order), plugins=plugins, now=now)

    assert (step.order_status, step.payment_status, step.operation_status) == (
        "PAID",
        "CAPTURED",
        "DONE",
    )
    assert list(gateway.ledger.charges.values()) == [900]
    assert Order.objects.get(pk=order.order_id).stock == "KEPT"
    assert stock("tea") == (10, 2)
    assert kinds(order.order_id) == [
        "order_placed",
        "payment_started",
        "payment_captured",
        "order_paid",
    ]


def test_the_same_key_pays_once(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    command = paying(order, key="pay")
    first = start_payment(command, plugins=plugins, now=now)

    again = start_payment(command, plugins=plugins, now=now)

    assert again == first
    assert len(gateway.ledger.posts) == 1


def test_what_is_paid_is_not_paid_again(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order), plugins=plugins, now=now)

    with pytest.raises(errors.NothingToPay):
        start_payment(paying(order), plugins=plugins, now=now)

    assert len(gateway.ledger.posts) == 1


def test_the_customer_approves_elsewhere_and_comes_back(
    shelf: TenantRef, plugins: Registry, sending: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    assert isinstance(step.action, Redirect)
    assert step.payment_status == "REQUIRES_ACTION"

    sending.approve(step.payment_id.hex)
    command = ResumePayment(
        order_id=order.order_id, payment_id=step.payment_id, returned={"token": "x"}
    )
    resumed = resume_payment(command, plugins=plugins, now=now)
    again = resume_payment(command, plugins=plugins, now=now)

    assert resumed.order_status == again.order_status == "PAID"
    assert list(sending.ledger.charges.values()) == [900]


def test_a_charge_without_an_answer_is_undecided_until_a_look_up(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "drop_after"
    step = start_payment(paying(order), plugins=plugins, now=now)
    assert (step.payment_status, step.order_payment_status) == ("UNRESOLVED", "UNRESOLVED")
    assert order_page(order.order_id, plugins=plugins).undecided
    assert order_page(order.order_id, plugins=plugins).choices == ()

    with pytest.raises(errors.PaymentUndecided):
        start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    found = look_up_payment(step.payment_id, plugins=plugins, now=now)

    assert found.order_status == "PAID"
    assert len(gateway.ledger.posts) == 1
    assert list(gateway.ledger.charges.values()) == [900]


def test_a_charge_that_never_arrived_is_sent_again_under_the_same_key(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "drop_before"
    step = start_payment(paying(order), plugins=plugins, now=now)

    found = look_up_payment(step.payment_id, plugins=plugins, now=now)

    assert found.order_status == "PAID"
    assert len(set(gateway.ledger.posts)) == 1
    assert len(gateway.ledger.posts) == 2


def test_past_the_life_of_its_key_nothing_is_posted_again(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "drop_before"
    step = start_payment(paying(order), plugins=plugins, now=now)

    found = look_up_payment(step.payment_id, plugins=plugins, now=now + timedelta(days=2))

    assert found.operation_status == "ABANDONED"  # not found by our own key: that is proof
    assert len(gateway.ledger.posts) == 1


def test_a_plugin_that_raises_leaves_the_outcome_unknown(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "raise"

    step = start_payment(paying(order), plugins=plugins, now=now)

    assert step.operation_status == "UNKNOWN"
    assert "in pieces" in Operation.objects.get().outcome["cause"]


def test_after_a_decline_the_customer_may_try_again(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "decline"
    step = start_payment(paying(order), plugins=plugins, now=now)
    assert (step.payment_status, step.text) == ("DECLINED", "The card was declined.")
    assert step.order_payment_status == "NONE"

    again = start_payment(paying(order), plugins=plugins, now=now)

    assert again.order_status == "PAID"
    assert list(gateway.ledger.charges.values()) == [900]


def test_a_gateway_that_refuses_the_connection_is_provably_without_effect(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "refuse"
    step = start_payment(paying(order), plugins=plugins, now=now)
    assert step.operation_status == "PLANNED"

    other = start_payment(paying(order, code="pages"), plugins=plugins, now=now)

    assert isinstance(other.action, Redirect)
    assert gateway.ledger.posts == []


def test_changing_the_way_half_way_ends_the_first_one(
    shelf: TenantRef,
    plugins: Registry,
    gateway: MemoryGateway,
    sending: MemoryGateway,
    now: datetime,
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    first = start_payment(paying(order, code="pages"), plugins=plugins, now=now)

    step = start_payment(paying(order), plugins=plugins, now=now)

    assert step.order_status == "PAID"
    assert sending.ledger.voided == {first.payment_id.hex}
    assert list(gateway.ledger.charges.values()) == [900]


def test_choosing_the_same_way_again_goes_on_with_what_is_open(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    first = start_payment(paying(order, code="pages"), plugins=plugins, now=now)

    again = start_payment(paying(order, code="pages"), plugins=plugins, now=now)

    assert again.payment_id == first.payment_id


def test_less_than_asked_never_pays_an_order(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "wrong_amount"

    step = start_payment(paying(order), plugins=plugins, now=now)

    assert (step.order_status, step.order_payment_status) == ("CONFIRMED", "PARTIALLY_PAID")


def test_money_of_another_account_or_currency_is_an_incident_and_pays_nothing(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    foreign = Stated(
        kind=FactKind.CAPTURED, object_id="x", amount=Money(900, "EUR"), account="till-2"
    )
    dollars = Stated(kind=FactKind.CAPTURED, object_id="y", amount=Money(900, "USD"))

    apply_facts(
        ApplyFacts(payment_id=step.payment_id, facts=(foreign, dollars), source="WEBHOOK"), now=now
    )

    assert Order.objects.get(pk=order.order_id).status == "CONFIRMED"
    assert kinds(order.order_id).count("payment_incident") == 2


def test_the_same_facts_again_change_nothing(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    fact = Stated(kind=FactKind.CAPTURED, object_id="x", amount=Money(900, "EUR"))
    command = ApplyFacts(payment_id=step.payment_id, facts=(fact, fact), source="WEBHOOK")
    apply_facts(command, now=now)
    before = kinds(order.order_id)

    apply_facts(command, now=now)

    assert Fact.objects.count() == 1
    assert kinds(order.order_id) == before


def test_a_refund_gives_everything_back_once(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    paid = start_payment(paying(order), plugins=plugins, now=now)

    step = refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)
    again = refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)

    assert step.order_payment_status == again.order_payment_status == "REFUNDED"
    assert list(gateway.ledger.refunds.values()) == [900]
    with pytest.raises(errors.NothingToRefund):
        refund_payment(refunding(paid.payment_id, "another"), plugins=plugins, now=now)


def test_a_refund_without_an_answer_is_looked_up_and_never_doubled(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    paid = start_payment(paying(order), plugins=plugins, now=now)
    gateway.fault = "drop_after"
    step = refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)
    assert step.operation_status == "UNKNOWN"

    with pytest.raises(errors.PaymentUndecided):
        refund_payment(refunding(paid.payment_id, "another"), plugins=plugins, now=now)
    found = look_up_payment(paid.payment_id, plugins=plugins, now=now)

    assert found.order_payment_status == "REFUNDED"
    assert list(gateway.ledger.refunds.values()) == [900]


def test_cancelling_a_paid_order_frees_the_stock_and_refunds(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order), plugins=plugins, now=now)
    command = CancelOrder(order_id=order.order_id, reason="changed my mind")

    cancel_order(command, plugins=plugins, now=now)
    cancel_order(command, plugins=plugins, now=now)

    row = Order.objects.get(pk=order.order_id)
    assert (row.status, row.payment_status, row.stock) == ("CANCELLED", "REFUNDED", "RELEASED")
    assert stock("tea") == (10, 0)
    assert list(gateway.ledger.refunds.values()) == [900]


def test_cancelling_while_a_charge_is_undecided_is_refused(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "drop_after"
    start_payment(paying(order), plugins=plugins, now=now)

    with pytest.raises(errors.PaymentUndecided):
        cancel_order(CancelOrder(order_id=order.order_id), plugins=plugins, now=now)

    assert Order.objects.get(pk=order.order_id).status == "CONFIRMED"
    assert stock("tea") == (10, 2)


def test_money_for_a_cancelled_order_goes_back_by_itself(
    shelf: TenantRef, plugins: Registry, sending: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    cancel_order(CancelOrder(order_id=order.order_id), plugins=plugins, now=now)
    sending.ledger.charges[step.payment_id.hex] = 900

    look_up_payment(step.payment_id, plugins=plugins, now=now)
    sweep_payments(plugins=plugins, now=now)

    row = Order.objects.get(pk=order.order_id)
    assert (row.status, row.payment_status) == ("CANCELLED", "REFUNDED")
    assert list(sending.ledger.refunds.values()) == [900]


def test_an_order_nobody_pays_expires_and_frees_its_stock(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)

    early = expire_orders(plugins=plugins, now=now)
    due = expire_orders(plugins=plugins, now=now + LATER)

    assert (early, due) == (0, 1)
    assert Order.objects.get(pk=order.order_id).status == "EXPIRED"
    assert stock("tea") == (10, 0)


def test_an_undecided_order_keeps_its_stock_however_late_it_is(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "drop_after"
    start_payment(paying(order), plugins=plugins, now=now)

    expired = expire_orders(plugins=plugins, now=now + LATER)

    assert expired == 0
    assert stock("tea") == (10, 2)


@pytest.mark.parametrize("left", [True, False])
def test_late_money_pays_if_the_stock_is_there_and_goes_back_otherwise(
    shelf: TenantRef, plugins: Registry, sending: MemoryGateway, now: datetime, left: bool
) -> None:
    order = placed(("pot", 5), plugins=plugins, now=now)
    step = start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    expire_orders(plugins=plugins, now=now + LATER)
    assert Order.objects.get(pk=order.order_id).status == "EXPIRED"
    if not left:
        placed(("pot", 1), plugins=plugins, now=now + LATER)
    sending.ledger.charges[step.payment_id.hex] = 12500

    look_up_payment(step.payment_id, plugins=plugins, now=now + LATER)
    sweep_payments(plugins=plugins, now=now + LATER)

    row = Order.objects.get(pk=order.order_id)
    assert (row.status, row.payment_status) == (
        ("PAID", "PAID") if left else ("EXPIRED", "REFUNDED")
    )
    assert stock("pot") == (5, 5 if left else 1)
    assert list(sending.ledger.refunds.values()) == ([] if left else [12500])


def test_a_fulfilled_order_takes_its_units_off_the_shelf(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    with pytest.raises(errors.WrongState):
        fulfil_order(order.order_id, now=now)
    start_payment(paying(order), plugins=plugins, now=now)

    fulfil_order(order.order_id, now=now)

    assert stock("tea") == (8, 0)
    with pytest.raises(errors.WrongState):
        cancel_order(CancelOrder(order_id=order.order_id), plugins=plugins, now=now)


def test_what_was_approved_is_taken_even_if_nobody_comes_back(
    shelf: TenantRef, plugins: Registry, sending: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    sending.approve(step.payment_id.hex)
    Operation.objects.update(due_at=now - timedelta(days=9))

    sweep_payments(plugins=plugins, now=now)

    assert Order.objects.get(pk=order.order_id).status == "PAID"
    assert list(sending.ledger.charges.values()) == [900]


def test_a_resent_charge_that_was_refused_is_not_taken_for_harmless(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "drop_before"
    step = start_payment(paying(order), plugins=plugins, now=now)
    gateway.fault = "refuse"
    again = look_up_payment(step.payment_id, plugins=plugins, now=now)

    assert again.operation_status == "PLANNED"
    with pytest.raises(errors.PaymentUndecided):
        start_payment(paying(order, code="pages"), plugins=plugins, now=now)


def test_a_charge_refused_again_and_again_leaves_the_choice_of_another_way(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "refuse"
    start_payment(paying(order), plugins=plugins, now=now)
    gateway.fault = "refuse"
    Operation.objects.update(due_at=now - timedelta(days=9))
    sweep_payments(plugins=plugins, now=now)

    other = start_payment(paying(order, code="pages"), plugins=plugins, now=now)

    assert other.operation_status == "NEEDS_CUSTOMER"
    assert gateway.ledger.posts == []


def test_a_worker_that_died_after_charging_is_found_out_by_the_sweeper(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    with override_settings(ORDERLOOM_CALL_DEADLINE_SECONDS=-10.0, ORDERLOOM_LEASE_SECONDS=0.0):
        start_payment(paying(order), plugins=plugins, now=now)
    operation = Operation.objects.get()
    gateway.ledger.charges[operation.payment_id.hex] = 900
    # The process died between the wire and its second transaction: the row still says SENT.
    Operation.objects.update(status="SENT", lease_until=now - timedelta(days=9))

    looked_at = sweep_payments(plugins=plugins, now=now)

    assert looked_at == 1
    assert Order.objects.get(pk=order.order_id).status == "PAID"
    assert len(gateway.ledger.charges) == 1


def webhook(plugins: Registry, now: datetime, body: bytes, headers: Mapping[str, str]) -> UUID:
    endpoint = webhook_endpoint(plugin="payment-pages", now=now)
    return receive_webhook(
        plugin="payment-pages", endpoint_id=endpoint, body=body, headers=headers, now=now
    )


def test_a_webhook_pays_an_order_whose_customer_never_came_back(
    shelf: TenantRef, plugins: Registry, sending: MemoryGateway, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    step = start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    sending.approve(step.payment_id.hex)
    sending.ledger.charges[step.payment_id.hex] = 900
    body = b'{"id": "evt", "payment": "%s"}' % step.payment_id.hex.encode()
    webhook(plugins, now, body, {"Signature": "memory"})

    settled = drain_inbox(plugins=plugins, now=now)

    assert settled == 1
    assert Order.objects.get(pk=order.order_id).status == "PAID"


def test_a_forged_webhook_is_kept_and_changes_nothing(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    before = kinds(order.order_id)
    webhook(plugins, now, b'{"id": "evt"}', {"Signature": "guess"})

    drain_inbox(plugins=plugins, now=now)

    assert InboxEntry.objects.get().status == "UNTRUSTED"
    assert kinds(order.order_id) == before


def test_a_plugin_that_is_gone_refuses_commands_by_name_and_history_renders(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    paid = start_payment(paying(order), plugins=plugins, now=now)
    tombstone = KnownPlugin(
        name="payment-memory", distribution="orderloom-payment-memory", version="1.0"
    )
    without = registry_of(known=(tombstone,))

    with pytest.raises(errors.PluginUnavailable, match="orderloom-payment-memory"):
        refund_payment(refunding(paid.payment_id), plugins=without, now=now)
    with pytest.raises(errors.PluginUnavailable):
        cancel_order(CancelOrder(order_id=order.order_id), plugins=without, now=now)

    page = order_page(order.order_id, plugins=without)
    assert (page.status, page.payments[0].label) == ("PAID", "Memory")
    assert Operation.objects.count() == 1


def test_a_pending_payment_whose_plugin_is_gone_names_the_package_and_leads_nowhere(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    start_payment(paying(order, code="pages"), plugins=plugins, now=now)
    tombstone = KnownPlugin(
        name="payment-pages", distribution="orderloom-payment-pages", version="1.0"
    )
    without = registry_of(known=(tombstone,))

    with pytest.raises(errors.PluginUnavailable, match="orderloom-payment-pages"):
        cancel_order(CancelOrder(order_id=order.order_id), plugins=without, now=now)

    assert isinstance(order_page(order.order_id, plugins=plugins).payments[0].action, Redirect)
    assert order_page(order.order_id, plugins=without).payments[0].action is None
    assert Order.objects.get().status == "CONFIRMED"


def test_a_plugin_that_is_switched_off_still_refunds(
    shelf: TenantRef, gateway: MemoryGateway, plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    paid = start_payment(paying(order), plugins=plugins, now=now)
    switched_off = registry_of(
        FakePlugin(name="payment-memory", strategies=(gateway,)), disabled=["payment-memory"]
    )
    another = placed(("tea", 1), plugins=plugins, now=now)

    with pytest.raises(errors.UnknownStrategy):
        start_payment(paying(another), plugins=switched_off, now=now)
    step = refund_payment(refunding(paid.payment_id), plugins=switched_off, now=now)

    assert step.order_payment_status == "REFUNDED"


def test_the_journal_of_a_whole_life_is_one_chain_without_gaps(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 2), plugins=plugins, now=now)
    paid = start_payment(paying(order), plugins=plugins, now=now)
    refund_payment(refunding(paid.payment_id), plugins=plugins, now=now)

    head = ""
    for seq, event in enumerate(Event.objects.filter(order_id=order.order_id).order_by("seq"), 1):
        said = link(
            previous=head,
            order_id=str(order.order_id),
            seq=seq,
            kind=event.kind,
            at=event.at,
            data=event.data,
        )
        assert (event.seq, event.previous_hash, event.hash) == (seq, head, said)
        head = said
    assert Order.objects.get(pk=order.order_id).log_head == head
