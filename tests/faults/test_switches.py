"""Switches under faults: a worker held back on purpose, and a process killed half way."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from core.application.refresh_registry import forget, refresh_registry
from core.application.switch_plugin import SwitchPlugin, switch_plugin
from core.context import TenantRef
from core.models import PluginChange, PluginGeneration, PluginSwitch, PluginWorker
from tests.faults.invariants import broken
from tests.faults.judging import TOTAL, buying, finished
from tests.faults.outside import Nursery, Outside

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(120)]

CARD = "payment-stripe-like"
POINTS = {"plugin.switching": False, "plugin.switched": True}


def bought(nursery: Nursery, outside: Outside, until: str) -> str:
    (result,) = nursery.run(buying("stripe", uuid.uuid4().hex, outside, until=until))
    return str(next(one["order"] for one in result["said"] if "order" in one))


def switched_off_meanwhile(_: list[int]) -> None:
    """Wait until the worker has pinned its registry, then commit the switch."""
    until = time.monotonic() + 20
    while not PluginWorker.objects.filter(in_hand=1).exists() and time.monotonic() < until:
        time.sleep(0.01)
    command = SwitchPlugin(plugin=CARD, on=False, who="ada")
    forget()
    assert switch_plugin(command, plugins=refresh_registry(), now=datetime.now(UTC)).changed


def starting(nursery: Nursery, outside: Outside, **more: Any) -> list[dict[str, Any]]:
    """A worker is held back between pinning its registry and pressing pay."""
    given = {"order": bought(nursery, outside, "placed"), "code": "stripe", "key": uuid.uuid4().hex}
    child = {"act": "held_back", "given": given} | more
    (result,) = nursery.run(child, meanwhile=switched_off_meanwhile)
    return list(result["said"])


def sending(nursery: Nursery, outside: Outside, **more: Any) -> list[dict[str, Any]]:
    """A worker is held back between pinning its registry and sending what another has planned."""
    outside.sandbox.control(
        "POST faults", match="POST /v1/payment_intents", do="429", when="before"
    )
    bought(nursery, outside, "started")
    assert outside.charges() == []
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orderloom_operation SET due_at = now() RETURNING status")
        assert cursor.fetchall() == [("PLANNED",)]
    child = {"act": "held_back", "given": {"key": uuid.uuid4().hex}} | more
    (result,) = nursery.run(child, meanwhile=switched_off_meanwhile)
    return list(result["said"])


Waiting = Callable[..., list[dict[str, Any]]]


@pytest.mark.parametrize("waiting", [starting, sending])
def test_a_worker_held_back_starts_no_payment_with_what_is_off(
    shop: TenantRef, nursery: Nursery, outside: Outside, waiting: Waiting
) -> None:
    said = waiting(nursery, outside)
    finished(nursery)

    assert not [one for one in said if "broke" in one], said
    assert outside.charges() == []
    if waiting is starting:
        assert said == [{"refused": "UNKNOWN_PAYMENT_STRATEGY"}]
    with connection.cursor() as cursor:
        assert broken(cursor) == {}


@pytest.mark.parametrize("waiting", [starting, sending])
def test_without_the_fence_a_worker_held_back_charges(
    shop: TenantRef, nursery: Nursery, outside: Outside, waiting: Waiting
) -> None:
    said = waiting(nursery, outside, without=["the_fence_of_switches"])

    assert outside.charges() == [TOTAL], said


def standing() -> tuple[list[bool], int, list[str]]:
    return (
        list(PluginSwitch.objects.values_list("is_on", flat=True)),
        PluginGeneration.objects.get().generation,
        list(PluginChange.objects.values_list("kind", flat=True)),
    )


@pytest.mark.parametrize(("point", "done"), POINTS.items())
def test_a_switch_that_is_killed_is_thrown_or_is_not(
    shop: TenantRef, nursery: Nursery, point: str, done: bool
) -> None:
    nursery.run()
    switches, generation, changes = standing()

    child = {"act": "switch", "given": {"plugin": CARD, "on": False}, "crash": point}
    (died,) = nursery.run(child)
    after = standing()
    (again,) = nursery.run(child | {"crash": ""})

    assert died["signal"] == signal.SIGKILL, died
    assert (switches, changes) == ([], [])
    assert after == (([False], generation + 1, ["OFF"]) if done else ([], generation, []))
    assert again["said"] == [{"generation": generation + 1}]
    assert standing() == ([False], generation + 1, ["OFF"])


def test_without_its_one_transaction_a_switch_is_thrown_half(
    shop: TenantRef, nursery: Nursery
) -> None:
    nursery.run()
    _, generation, _ = standing()

    child = {"act": "switch", "given": {"plugin": CARD, "on": False}, "crash": "plugin.switching"}
    nursery.run(child | {"without": ["the_one_transaction_of_a_switch"]})

    # Off in the table, and no worker would ever look.
    assert standing() == ([False], generation, [])
