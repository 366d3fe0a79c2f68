"""What uninstalling a plugin would meet, told before anybody does it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from django.db import connection

from core.application.deliver_events import deliver_events
from core.application.export_plugin import export_plugin
from core.application.fan_out_events import fan_out_events
from core.application.plan_uninstall import plan_uninstall
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.domain.errors import InvalidInput, NotFound
from core.hooks.registry import Registry
from core.hooks.states import KnownPlugin
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from tests.application.shelf import paying, placed
from tests.application.till import Tills

NAME = "pay-memory"


def listening(gateway: MemoryGateway) -> Registry:
    return registry_of(
        FakePlugin(name=NAME, strategies=(gateway,), tells={"order_placed": lambda event: None})
    )


def lose() -> Registry:
    """Return what a process sees once the package is gone."""
    known = KnownPlugin(name=NAME, distribution=f"orderloom-{NAME}", version="1.0", title="Memory")
    return registry_of(known=(known,))


def leave_things_open(now: datetime) -> Registry:
    """One paid order, one that is being paid, one that nobody knows of, a tell and a webhook."""
    gateway = MemoryGateway()
    plugins = listening(gateway)
    start_payment(paying(placed(("tea", 1), plugins=plugins, now=now)), plugins=plugins, now=now)
    gateway.fault = "drop_after"
    start_payment(paying(placed(("tea", 1), plugins=plugins, now=now)), plugins=plugins, now=now)
    gateway.way, gateway.fault = "redirect", ""
    start_payment(paying(placed(("tea", 1), plugins=plugins, now=now)), plugins=plugins, now=now)
    fan_out_events(plugins=plugins)
    endpoint = webhook_endpoint(plugin=NAME, now=now)
    receive_webhook(plugin=NAME, endpoint_id=endpoint, body=b"{}", headers={}, now=now)
    return plugins


@pytest.mark.parametrize("gone", [False, True], ids=["installed", "gone"])
def test_it_counts_what_only_this_plugin_can_finish(
    shelf: TenantRef, now: datetime, gone: bool
) -> None:
    plugins = leave_things_open(now)

    plan = plan_uninstall(NAME, plugins=lose() if gone else plugins)

    assert (plan.open_payments, plan.undecided, plan.refundable) == (2, 1, 1)
    assert (plan.undelivered, plan.dead_letters) == (3, 0)
    assert (plan.webhooks_kept, plan.endpoints) == (1, 1)
    assert sorted(one.status for one in plan.payments) == ["REQUIRES_ACTION", "UNRESOLVED"]
    assert {one.tenant for one in plan.payments} == {"default"}
    assert plan.is_open
    told = " ".join(plan.consequences)
    assert "answer 409, naming orderloom-pay-memory" in told
    assert "kept raw and answered 503" in told
    assert (f"pip uninstall orderloom-{NAME}" in plan.steps) is not gone
    assert (f"pip install orderloom-{NAME}" in plan.steps) is gone


def test_with_nothing_open_it_says_so(shelf: TenantRef, now: datetime) -> None:
    plugins = listening(MemoryGateway())
    start_payment(paying(placed(("tea", 1), plugins=plugins, now=now)), plugins=plugins, now=now)
    fan_out_events(plugins=plugins)
    deliver_events(plugins=plugins)

    plan = plan_uninstall(NAME, plugins=plugins)

    assert (plan.open_payments, plan.undelivered, plan.refundable) == (0, 0, 1)
    assert not plan.is_open


def test_a_mandatory_price_is_a_reason_to_wait(shelf: TenantRef) -> None:
    known = KnownPlugin(name="pricing-x", distribution="orderloom-pricing-x", prices=True)

    plan = plan_uninstall("pricing-x", plugins=registry_of(known=(known,)))

    assert plan.is_open
    assert any("PRICING_UNAVAILABLE" in text for text in plan.consequences)


def test_its_tables_are_its_own_and_outlive_it(
    shelf: TenantRef, tmp_path: Path, now: datetime
) -> None:
    with connection.cursor() as cursor:
        for table in ("pay_memory_row", "pay_memory_plus_row"):
            cursor.execute(f"CREATE TABLE {table} (id integer, sku varchar(10))")
        cursor.execute("INSERT INTO pay_memory_row VALUES (1, 'tea'), (2, NULL)")
    other = KnownPlugin(name="pay-memory-plus", distribution="orderloom-pay-memory-plus")
    known = KnownPlugin(name=NAME, distribution=f"orderloom-{NAME}")
    plugins = registry_of(known=(known, other))

    try:
        plan = plan_uninstall(NAME, plugins=plugins)
        exported = export_plugin(NAME, folder=tmp_path / "out", plugins=plugins, now=now)
    finally:
        with connection.cursor() as cursor:
            for table in ("pay_memory_row", "pay_memory_plus_row"):
                cursor.execute(f"DROP TABLE {table}")

    assert [(left.name, left.rows) for left in plan.tables] == [("pay_memory_row", 2)]
    assert exported.files == {"pay_memory_row.jsonl": 2}
    rows = (tmp_path / "out" / "pay_memory_row.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(row) for row in rows] == [{"id": 1, "sku": "tea"}, {"id": 2, "sku": None}]


def test_settings_are_exported_without_their_secrets(
    tills: Tills, tmp_path: Path, now: datetime
) -> None:
    tills.given = type(tills.given)(
        environ={"ORDERLOOM_TILL__API_KEY": "sk_canary", "ORDERLOOM_TILL__PORT": "26"}
    )

    export_plugin("till", folder=tmp_path / "out", plugins=tills.registry(), now=now)

    text = (tmp_path / "out" / "plugin.json").read_text(encoding="utf-8")
    settings = {each["name"]: each for each in json.loads(text)["settings"]}
    assert "canary" not in text
    assert settings["api_key"] == {"name": "api_key", "value": None, "source": "environment"}
    assert settings["port"] == {"name": "port", "value": "26", "source": "environment"}
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0


def test_it_writes_into_no_folder_that_holds_something(
    shelf: TenantRef, tmp_path: Path, now: datetime
) -> None:
    (tmp_path / "mine").write_text("here", encoding="utf-8")

    with pytest.raises(InvalidInput):
        export_plugin(NAME, folder=tmp_path, plugins=lose(), now=now)

    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_of_a_plugin_that_nobody_knows_there_is_no_plan(shelf: TenantRef, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        plan_uninstall("nobody", plugins=registry_of())
