"""What plugins did for an order, told without saying what was said."""

from __future__ import annotations

import json
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.application.deliver_events import deliver_events
from core.application.fan_out_events import fan_out_events
from core.application.start_payment import start_payment
from core.application.trace_orders import trace_orders
from core.context import TenantRef
from core.domain.errors import NotFound
from core.hooks.registry import Registry
from core.models import Tenant
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from tests.application.shelf import Less, paying, placed


@pytest.fixture
def plugins() -> Registry:
    return registry_of(
        FakePlugin(name="pay-memory", strategies=(MemoryGateway(fault="drop_after"),)),
        FakePlugin(name="pricing-less", rules=(Less(),), version="3.1"),
        FakePlugin(name="listener", tells={"order_placed": lambda event: None}),
    )


@pytest.fixture
def number(shelf: TenantRef, plugins: Registry, now: datetime) -> str:
    order = placed(("tea", 1), plugins=plugins, now=now)
    start_payment(paying(order), plugins=plugins, now=now)
    fan_out_events(plugins=plugins)
    deliver_events(plugins=plugins)
    return order.number


def test_each_plugin_is_named_with_what_it_was_asked_and_how_it_ended(number: str) -> None:
    (order,) = trace_orders(named=number)

    seen = {(call.plugin, call.version, call.call, call.outcome) for call in order.calls}
    assert seen == {
        ("pricing-less", "3.1", "price LINE less", "APPLIED"),
        ("pay-memory", "1.0", "start memory", "UNKNOWN"),
        ("listener", "", "tell order_placed", "DONE"),
    }
    assert all(call.at for call in order.calls)
    assert [call.attempts for call in order.calls] == [1, 1, 1]


def test_what_has_not_happened_yet_stands_last(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    order = placed(("tea", 1), plugins=plugins, now=now)
    fan_out_events(plugins=plugins)

    (traced,) = trace_orders(named=str(order.order_id))

    assert (traced.calls[-1].plugin, traced.calls[-1].at) == ("listener", None)
    assert traced.calls[-1].outcome == "PENDING"


def test_the_last_orders_come_newest_first(number: str, plugins: Registry, now: datetime) -> None:
    newer = placed(("pot", 1), plugins=plugins, now=now).number

    assert [one.number for one in trace_orders(last=5)] == [newer, number]
    assert [one.number for one in trace_orders()] == [newer]


def test_the_command_tells_people_and_programs_and_nothing_personal(number: str) -> None:
    table, told = StringIO(), StringIO()

    call_command("plugins", "trace", number, stdout=table)
    call_command("plugins", "trace", "--last", "1", "--json", stdout=told)

    assert "start memory" in table.getvalue()
    (order,) = json.loads(told.getvalue())
    assert (order["number"], len(order["calls"])) == (number, 3)
    assert "ada@example.org" not in table.getvalue() + told.getvalue()


def test_nobody_traces_another_tenants_order(number: str) -> None:
    Tenant.objects.create(id=2, slug="other")

    with pytest.raises(CommandError, match="NOT_FOUND"):
        call_command("plugins", "trace", number, "--tenant", "other")
    with pytest.raises(NotFound):
        trace_orders(named="no such order")
