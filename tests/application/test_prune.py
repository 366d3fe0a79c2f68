"""What is forgotten after a while, and what never is."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from core.application.deliver_events import deliver_events
from core.application.fan_out_events import fan_out_events
from core.application.prune import Prune, Pruned, prune
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.context import TenantRef
from core.models import Delivery, Event, InboxEntry
from core.models.health import PluginCalls
from core.testing.registries import FakePlugin, registry_of
from tests.application.shelf import placed

LATER = timedelta(days=200)
STATES = ("STORED", "UNMATCHED", "APPLIED", "UNTRUSTED")


@pytest.fixture
def rows(shelf: TenantRef) -> datetime:
    """Lay down one row of each sort; return when."""
    now = timezone.now()
    plugins = registry_of(FakePlugin(name="listener", tells={"order_placed": lambda event: None}))
    placed(("tea", 1), plugins=plugins, now=now)
    fan_out_events(plugins=plugins)
    deliver_events(plugins=plugins)
    placed(("tea", 1), plugins=plugins, now=now)
    fan_out_events(plugins=plugins)
    endpoint = webhook_endpoint(plugin="listener", now=now)
    for state in STATES:
        entry = receive_webhook(
            plugin="listener", endpoint_id=endpoint, body=b"{}", headers={}, now=now
        )
        InboxEntry.objects.filter(pk=entry).update(status=state)
    PluginCalls.objects.create(
        day=now.date(),
        plugin="listener",
        version="1",
        hook="order_placed",
        offer="",
        bucket=1,
        calls=1,
        failures=0,
        seconds=0.1,
    )
    return now


def test_what_is_settled_and_old_goes_and_what_waits_stays(rows: datetime) -> None:
    done = Delivery.objects.filter(status="DONE").count()
    events = Event.objects.count()

    counted = prune(Prune(dry_run=True), now=rows + LATER)
    fresh = prune(Prune(), now=rows)
    gone = prune(Prune(), now=rows + LATER)
    again = prune(Prune(), now=rows + LATER)

    assert done > 0
    assert counted == gone == Pruned(webhooks=2, deliveries=done, calls=1)
    assert fresh == again == Pruned(webhooks=0, deliveries=0, calls=0)
    assert sorted(InboxEntry.objects.values_list("status", flat=True)) == ["STORED", "UNMATCHED"]
    assert set(Delivery.objects.values_list("status", flat=True)) == {"PENDING"}
    assert Event.objects.count() == events


def test_what_was_delivered_is_not_delivered_again_once_it_is_forgotten(rows: datetime) -> None:
    heard: list[str] = []
    again = registry_of(
        FakePlugin(name="listener", tells={"order_placed": lambda event: heard.append(event.id)})
    )
    prune(Prune(), now=rows + LATER)

    fan_out_events(plugins=again)
    deliver_events(plugins=again)

    assert len(heard) == 1  # the one that was still on its way


def test_a_round_takes_no_more_than_it_may(rows: datetime) -> None:
    told = prune(Prune(limit=1), now=rows + LATER)

    assert told == Pruned(webhooks=1, deliveries=1, calls=1)


def test_the_command_counts_or_forgets(rows: datetime) -> None:
    InboxEntry.objects.update(received_at=rows - LATER)
    dry, wet = StringIO(), StringIO()

    call_command("prune", "--dry-run", stdout=dry)
    call_command("prune", "--json", stdout=wet)

    assert dry.getvalue() == "Would forget 2 webhooks, 0 deliveries, 0 calls.\n"
    assert json.loads(wet.getvalue()) == {
        "webhooks": 2,
        "deliveries": 0,
        "calls": 0,
        "dry_run": False,
    }
    with pytest.raises(CommandError):
        call_command("prune", "--days", "0")
