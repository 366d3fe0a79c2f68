"""Delivering what has happened: to whom, how often, and what when somebody fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import override_settings
from structlog.testing import capture_logs

from core import signals
from core.application.cancel_order import CancelOrder, cancel_order
from core.application.claim_deliveries import acknowledge, claim_deliveries
from core.application.deliver_events import deliver_events
from core.application.fan_out_events import fan_out_events
from core.application.place_order import Placed
from core.application.refresh_registry import record_plugins
from core.application.switch_plugin import SwitchPlugin, switch_plugin
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.hooks.registry import Registry
from core.models import Delivery, Event, Order, Subscription
from core.testing.registries import FakePlugin, registry_of
from hookspecs import NotSent, OrderEvent, ProductEvent, Undeliverable, Unknown
from tests.application.shelf import placed
from tests.application.telling import Listener, Postbox, work_off


@pytest.fixture
def quick(settings: Any) -> Any:
    """Retry at once, three times."""
    settings.ORDERLOOM_DELIVERY_RETRIES = [0.0, 0.0, 0.0]
    return settings


@pytest.fixture
def order(shelf: TenantRef, now: datetime) -> Placed:
    """An order placed, after all that happened before it was delivered to nobody."""
    work_off(registry_of())
    return placed(("tea", 2), plugins=registry_of(), now=now)


def delivery(receiver: str) -> Delivery:
    return Delivery.objects.get(receiver__startswith=receiver)


def test_a_plugin_hears_of_an_order_once(order: Placed) -> None:
    listener = Listener()
    plugins = registry_of(listener.plugin())

    count = work_off(plugins)
    again = work_off(plugins)

    (event,) = listener.heard
    row = Event.objects.get(kind="order_placed")
    assert isinstance(event, OrderEvent)
    assert (event.id, event.at, event.tenant) == (str(row.id), row.at, "default")
    assert event.order.number == order.number
    assert [(line.sku, line.quantity) for line in event.order.lines] == [("tea", 2)]
    assert delivery("tell:listener").status == "DONE"
    assert (count.events, again.events) == (1, 0)
    assert row.fanned_out


def test_a_plugin_hears_of_products(shelf: TenantRef) -> None:
    listener = Listener(hooks=("product_changed",))

    work_off(registry_of(listener.plugin()))

    assert [e.skus for e in listener.heard if isinstance(e, ProductEvent)] == [("tea",), ("pot",)]


def test_a_cancellation_says_why(order: Placed, now: datetime) -> None:
    listener = Listener(hooks=("order_cancelled",))
    plugins = registry_of(listener.plugin())

    cancel_order(
        CancelOrder(order_id=order.order_id, reason="changed my mind"), plugins=plugins, now=now
    )
    work_off(plugins)

    (event,) = listener.heard
    assert isinstance(event, OrderEvent)
    assert event.reason == "changed my mind"


def test_a_listener_that_fails_is_told_again_with_the_same_event_and_keeps_no_other_waiting(
    order: Placed, quick: Any
) -> None:
    broken, well = Listener(name="a-broken", broken=True), Listener(name="b-well")
    plugins = registry_of(broken.plugin(), well.plugin())

    deliver_events(plugins=plugins)
    broken.broken = False
    work_off(plugins)

    assert len(well.heard) == 1
    assert len(broken.heard) == 2
    assert broken.heard[0].id == broken.heard[1].id
    assert delivery("tell:a-broken").status == "DONE"
    assert delivery("tell:a-broken").attempt == 2


def test_what_keeps_failing_ends_as_a_dead_letter_with_its_cause(order: Placed, quick: Any) -> None:
    listener = Listener(broken=True)

    count = work_off(registry_of(listener.plugin()))

    row = delivery("tell:listener")
    assert (row.status, row.attempt, len(listener.heard)) == ("DEAD", 4, 4)
    assert "the listener is broken" in row.cause
    assert count.dead == 1


def test_retries_wait_longer_each_time_with_jitter(order: Placed, settings: Any) -> None:
    settings.ORDERLOOM_DELIVERY_RETRIES = [100.0, 1000.0]
    plugins = registry_of(Listener(broken=True).plugin())

    waits = []
    for _ in range(2):
        deliver_events(plugins=plugins)
        waits.append((delivery("tell:").due_at - database_now()).total_seconds())
        Delivery.objects.filter(receiver__startswith="tell:").update(due_at=Now())

    assert 79 < waits[0] < 121
    assert 799 < waits[1] < 1201


def database_now() -> datetime:
    return Event.objects.annotate(clock=Now()).values_list("clock", flat=True)[0]


def test_a_plugin_switched_off_when_it_happened_hears_nothing(order: Placed) -> None:
    listener = Listener()
    work_off(registry_of(listener.plugin(), disabled=["listener"]))

    work_off(registry_of(listener.plugin()))

    assert listener.heard == []


def test_a_plugin_that_was_missing_hears_of_it_when_it_is_back(
    order: Placed, now: datetime
) -> None:
    listener = Listener()
    record_plugins(registry_of(listener.plugin()), now=now)

    without = work_off(registry_of())
    waiting = delivery("tell:listener")
    Delivery.objects.update(due_at=Now())
    work_off(registry_of(listener.plugin()))

    assert without.waiting == 1
    assert (waiting.status, waiting.attempt) == ("PENDING", 0)
    assert waiting.due_at > database_now() + timedelta(seconds=50)
    assert len(listener.heard) == 1


def test_a_channel_that_was_missing_delivers_when_it_is_back(order: Placed, now: datetime) -> None:
    post = Postbox()
    work_off(registry_of(post.plugin()))
    record_plugins(registry_of(post.plugin()), now=now)
    placed(("tea", 1), plugins=registry_of(), now=now)

    work_off(registry_of())
    Delivery.objects.filter(status="PENDING").update(due_at=Now())
    work_off(registry_of(post.plugin()))

    assert len(post.messages) == 2


def switch(plugins: Registry, now: datetime, *, on: bool) -> None:
    command = SwitchPlugin(plugin="listener", on=on, who="ada")
    switch_plugin(command, plugins=plugins, now=now)


def test_a_missing_plugin_that_a_person_had_switched_off_gets_nothing(
    order: Placed, now: datetime
) -> None:
    known = registry_of(Listener().plugin())
    record_plugins(known, now=now)
    switch(known, now, on=False)

    work_off(registry_of())

    assert not Delivery.objects.filter(receiver="tell:listener").exists()


@pytest.mark.parametrize("kind", ["listener", "post"])
def test_the_switch_of_this_moment_decides_however_old_a_relays_knowledge_is(
    order: Placed, now: datetime, kind: str
) -> None:
    listener, post = Listener(), Postbox()
    plugin = post.plugin(name="listener") if kind == "post" else listener.plugin()
    was_on, was_off = registry_of(plugin), registry_of(plugin, disabled=["listener"])
    record_plugins(was_on, now=now)
    switch(was_on, now, on=False)
    work_off(was_on)
    told_while_off = Delivery.objects.filter(plugin="listener").count()
    switch(was_on, now, on=True)
    placed(("pot", 1), plugins=was_on, now=now)
    work_off(was_off)
    kept = Delivery.objects.filter(plugin="listener", status="PENDING").count()
    Delivery.objects.update(due_at=Now())
    work_off(was_on)

    assert (told_while_off, kept) == (0, 1)
    assert len(listener.heard) + len(post.messages) == 1


# Messages


def test_the_customer_is_told_once_in_words(order: Placed) -> None:
    post = Postbox()
    plugins = registry_of(post.plugin())

    work_off(plugins)
    work_off(plugins)

    (message,) = post.messages
    row = delivery("message:post:")
    assert message.to.address == "ada@example.org"
    assert message.subject == f"Your order {order.number}"
    assert "Dear Ada," in message.text
    assert "2 × The tea: 9.00 EUR" in message.text  # noqa: RUF001 - as customers read it
    assert (message.id, message.event, message.tenant) == (str(row.pk), "order_placed", "default")
    assert (row.status, row.reference) == ("DONE", f"ref-{row.pk}")


def test_what_a_channel_suggests_becomes_rows_that_a_person_may_switch_off(
    order: Placed, now: datetime
) -> None:
    post = Postbox()
    plugins = registry_of(post.plugin())
    work_off(plugins)
    Subscription.objects.filter(event="order_placed").update(active=False)

    placed(("tea", 1), plugins=plugins, now=now)
    work_off(plugins)

    assert Subscription.objects.count() == 5
    assert len(post.messages) == 1


def test_history_is_told_to_plugins_and_to_nobody_else(shelf: TenantRef, now: datetime) -> None:
    post, listener = Postbox(), Listener()
    plugins = registry_of(post.plugin(), listener.plugin())

    placed(("tea", 1), plugins=plugins, now=now, notify=False)
    work_off(plugins)

    assert len(listener.heard) == 1
    assert post.messages == []


def test_a_channel_that_needs_another_address_tells_nobody(order: Placed) -> None:
    pager = Postbox(code="pager", address="phone")

    work_off(registry_of(pager.plugin()))

    assert pager.messages == []


@pytest.mark.parametrize("answer", [NotSent(cause="busy"), Unknown(cause="silence")])
def test_a_message_that_may_not_have_arrived_is_sent_again_under_the_same_id(
    order: Placed, quick: Any, answer: NotSent | Unknown
) -> None:
    post = Postbox(answer=lambda _: answer)
    plugins = registry_of(post.plugin())

    count = work_off(plugins)

    assert len(post.messages) == 4
    assert len({message.id for message in post.messages}) == 1
    assert len({message.text for message in post.messages}) == 1
    assert post.attempts == [1, 2, 3, 4]
    assert (delivery("message:").status, delivery("message:").cause) == ("DEAD", answer.cause)
    assert count.dead == 1


def test_a_server_that_says_when_is_not_asked_before(order: Placed, quick: Any) -> None:
    later = NotSent(cause="busy", retry_after=timedelta(minutes=10))
    post = Postbox(answer=lambda _: later)

    work_off(registry_of(post.plugin()))

    assert len(post.messages) == 1
    assert delivery("message:").due_at > database_now() + timedelta(minutes=9)


def test_an_address_that_does_not_exist_is_a_dead_letter_at_once(order: Placed) -> None:
    post = Postbox(answer=lambda _: Undeliverable(cause="550 no such user"))

    count = work_off(registry_of(post.plugin()))

    row = delivery("message:")
    assert (row.status, row.cause, len(post.messages)) == ("DEAD", "550 no such user", 1)
    assert count.dead == 1


def test_a_channel_that_raises_touches_no_other(order: Placed, quick: Any) -> None:
    def explode(_: object) -> Any:
        raise SystemExit(3)

    broken, well = Postbox(code="a", answer=explode), Postbox(code="b")
    plugins = registry_of(broken.plugin("a-broken"), well.plugin("b-well"))

    work_off(plugins)

    assert len(well.messages) == 1
    assert delivery("message:a:").status == "DEAD"


def test_a_template_that_is_broken_touches_no_other(order: Placed, quick: Any) -> None:
    post = Postbox()
    plugins = registry_of(post.plugin(), Listener().plugin())
    fan_out_events(plugins=plugins)
    Delivery.objects.filter(channel="post").update(template="no_such_template")

    work_off(plugins)

    assert post.messages == []
    assert "TemplateDoesNotExist" in delivery("message:").cause
    assert delivery("tell:").status == "DONE"


def test_an_event_that_cannot_be_read_keeps_no_other_waiting(order: Placed, quick: Any) -> None:
    listener = Listener(hooks=("order_placed", "payment_captured"))
    Event(
        tenant_id=1, kind="payment_captured", order_id=order.order_id, at=database_now(), data={}
    ).save()

    count = work_off(registry_of(listener.plugin()))

    assert [type(event) for event in listener.heard] == [OrderEvent]
    assert Delivery.objects.get(receiver="tell:listener", status="DEAD").event.data == {}
    assert count.dead >= 1


# Signals


@pytest.fixture
def received() -> Iterator[list[dict[str, Any]]]:
    """Receivers of the two signals; the first of them always raises."""
    seen: list[dict[str, Any]] = []

    def explode(**_: Any) -> None:
        raise ValueError("a receiver of the project is broken")

    def remember(**given: Any) -> None:
        seen.append(given)

    for signal in (signals.order_placed, signals.payment_processed):
        signal.connect(explode)
        signal.connect(remember)
    yield seen
    for signal in (signals.order_placed, signals.payment_processed):
        signal.disconnect(explode)
        signal.disconnect(remember)


def test_a_signal_reaches_every_receiver_once_whatever_one_of_them_does(
    order: Placed, received: list[dict[str, Any]]
) -> None:
    work_off(registry_of())

    (given,) = received
    assert given["sender"] is Order
    assert given["order"].pk == order.order_id
    assert given["event_id"] == str(Event.objects.get(kind="order_placed").pk)
    assert delivery("signal:order_placed").status == "DONE"


# Leases and fences


def test_what_one_relay_holds_another_one_leaves_alone(order: Placed) -> None:
    fan_out_events(plugins=registry_of(Listener().plugin()))

    first = claim_deliveries(messages=False, limit=10)
    second = claim_deliveries(messages=False, limit=10)

    assert len(first) == 2
    assert second == []


def test_a_relay_that_comes_back_late_acknowledges_nothing(order: Placed, settings: Any) -> None:
    settings.ORDERLOOM_DELIVERY_LEASE_SECONDS = 0.05
    fan_out_events(plugins=registry_of(Listener().plugin()))
    late = claim_deliveries(messages=False, limit=10)
    time.sleep(0.1)

    other = claim_deliveries(messages=False, limit=10)
    written = acknowledge(late)

    assert {one.pk for one in other} == {one.pk for one in late}
    assert written == 0
    assert {Delivery.objects.get(pk=one.pk).status for one in late} == {"PENDING"}
    assert acknowledge(other) == 2


def test_what_a_dead_relay_held_is_delivered_when_its_lease_is_over(
    order: Placed, settings: Any
) -> None:
    listener = Listener()
    plugins = registry_of(listener.plugin())
    settings.ORDERLOOM_DELIVERY_LEASE_SECONDS = 0.3
    settings.ORDERLOOM_CALL_DEADLINE_SECONDS = 0.1
    fan_out_events(plugins=plugins)
    claim_deliveries(messages=False, limit=10)

    before = work_off(plugins)
    time.sleep(0.35)
    work_off(plugins)

    assert not before
    assert len(listener.heard) == 1


def test_a_batch_stops_before_its_lease_does(order: Placed, settings: Any, now: datetime) -> None:
    settings.ORDERLOOM_DELIVERY_LEASE_SECONDS = 1.0
    settings.ORDERLOOM_CALL_DEADLINE_SECONDS = 0.2
    post = Postbox(answer=lambda _: time.sleep(0.5) or Unknown(cause="slow"))
    placed(("tea", 1), plugins=registry_of(), now=now)
    placed(("tea", 1), plugins=registry_of(), now=now)

    count = deliver_events(plugins=registry_of(post.plugin()))

    untouched = Delivery.objects.filter(channel="post", attempt=0)
    assert count.put_off >= 1
    assert untouched.count() == 3 - count.put_off >= 1
    assert not untouched.filter(lease_until__isnull=False).exists()


@pytest.mark.parametrize("relays", [4])
def test_relays_side_by_side_tell_each_receiver_once(
    order: Placed, now: datetime, relays: int
) -> None:
    listener, post = Listener(), Postbox()
    plugins = registry_of(listener.plugin(), post.plugin())
    for _ in range(7):
        placed(("tea", 1), plugins=plugins, now=now)

    with ThreadPoolExecutor(relays) as pool:
        for round_ in [pool.submit(relay, plugins) for _ in range(relays)]:
            round_.result()

    assert len(listener.heard) == len({event.id for event in listener.heard}) == 8
    assert len(post.messages) == len({message.id for message in post.messages}) == 8
    assert Delivery.objects.count() == Delivery.objects.filter(status="DONE").count()


def relay(plugins: Registry) -> None:
    with acting_for(DEFAULT_TENANT):
        try:
            work_off(plugins)
        finally:
            connection.close()


def test_an_event_expanded_twice_has_one_delivery_per_receiver(order: Placed) -> None:
    plugins = registry_of(Listener().plugin(), Postbox().plugin())
    fan_out_events(plugins=plugins)
    before = Delivery.objects.count()
    Event.objects.filter(kind="order_placed").update(fanned_out=False)

    fan_out_events(plugins=plugins)

    assert Delivery.objects.count() == before


def test_nothing_is_delivered_inside_a_transaction(order: Placed) -> None:
    open_ones: list[bool] = []

    def listen(_: object) -> None:
        open_ones.append(connection.in_atomic_block)

    plugins = registry_of(
        FakePlugin(name="one", tells={"order_placed": listen}),
        Postbox(answer=lambda m: listen(m) or NotSent(cause="x")).plugin(),
    )

    deliver_events(plugins=plugins)

    assert open_ones == [False, False]


def test_another_tenant_s_events_are_left_alone(order: Placed) -> None:
    listener = Listener()
    plugins = registry_of(listener.plugin())

    with acting_for(TenantRef(id=2, slug="other")):
        count = work_off(plugins)

    assert not count
    assert listener.heard == []


def test_an_order_that_was_rolled_back_is_told_to_nobody(shelf: TenantRef, now: datetime) -> None:
    work_off(registry_of())
    listener = Listener()
    with transaction.atomic():
        Event(tenant_id=1, kind="product_changed", at=now, data={"skus": ["tea"]}).save()
        transaction.set_rollback(True)

    work_off(registry_of(listener.plugin()))

    assert listener.heard == []


@override_settings(ORDERLOOM_STAFF_EMAILS=["till@shop.example", "boss@shop.example"])
def test_the_staff_hear_of_what_is_told_to_them(shelf: TenantRef, now: datetime) -> None:
    post = Postbox(audience="staff")
    plugins = registry_of(post.plugin())
    placed(("tea", 1), plugins=plugins, now=now)

    deliver_events(plugins=plugins)

    assert {message.to.address for message in post.messages} == {
        "till@shop.example",
        "boss@shop.example",
    }


def test_what_reaches_nobody_is_said_in_the_log(shelf: TenantRef, now: datetime) -> None:
    post = Postbox(address="phone")
    plugins = registry_of(post.plugin())
    placed(("tea", 1), plugins=plugins, now=now)

    with capture_logs() as said:
        deliver_events(plugins=plugins)

    assert [one["address"] for one in said if one["event"] == "message.nobody"] == ["phone"]
    assert post.messages == []
