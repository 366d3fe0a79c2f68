"""Who may take a command over, for how long, and what becomes of one that came too late."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from core.application.claim_operation import claim_operation
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.hooks.registry import Registry
from core.models import Operation, Order, PluginSwitch, Tenant
from tests.application.shelf import paying, placed
from tests.application.wire import Wire, offering, seconds_until

OFF = "its plugin was switched off before it was sent"
TOO_LATE = "its key has expired before it reached the gateway"
KEPT = timedelta(hours=24)
IN_DOUBT: dict[str, Any] = {"cause": "?", "never_sent": False}


@pytest.fixture
def gateway() -> Wire:
    return Wire()


@pytest.fixture
def plugins(gateway: Wire) -> Registry:
    return offering(gateway)


def charge(gateway: Wire, plugins: Registry, now: datetime, **columns: Any) -> Operation:
    """Plan a charge that the gateway refused to take in, and that was moved on like this."""
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "refuse"
    step = start_payment(paying(order), plugins=plugins, now=now)
    return standing(step.operation_id, **columns)


def refund(gateway: Wire, plugins: Registry, now: datetime, **columns: Any) -> Operation:
    """Plan a refund that the gateway refused to take in, and that was moved on like this."""
    order = placed(("tea", 2), plugins=plugins, now=now)
    paid = start_payment(paying(order), plugins=plugins, now=now)
    gateway.fault = "refuse"
    command = RefundPayment(payment_id=paid.payment_id, principal="staff", key=uuid.uuid4().hex)
    step = refund_payment(command, plugins=plugins, now=now)
    return standing(step.operation_id, **columns)


def standing(operation_id: object, **columns: Any) -> Operation:
    if columns:
        Operation.objects.filter(pk=operation_id).update(**columns)
    return Operation.objects.get(pk=operation_id)


def switched(plugin: str, tenant: int | None, *, on: bool, now: datetime) -> None:
    PluginSwitch.objects.create(
        plugin=plugin, tenant_id=tenant, is_on=on, who="ada", changed_at=now
    )


@pytest.mark.parametrize(("plan", "lease"), [(charge, 20), (refund, 25)])
def test_who_claims_has_a_call_and_a_while_before_another_may(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime, plan: Any, lease: int
) -> None:
    operation = plan(gateway, plugins, now)

    claimed = claim_operation(operation, plugins=plugins, now=now)

    assert claimed is not None
    assert (claimed.status, claimed.attempt, claimed.fence) == ("SENT", 2, operation.fence + 1)
    assert claimed.sent_at == operation.sent_at
    for column in ("lease_until", "due_at"):
        left = seconds_until(claimed, column)
        assert left is not None
        assert lease - 2 < left <= lease


def test_what_was_never_sent_is_sent_from_now_on(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    operation = charge(gateway, plugins, now, sent_at=None, attempt=0, outcome=None)

    claimed = claim_operation(operation, plugins=plugins, now=now)

    assert claimed is not None
    assert claimed.attempt == 1
    left = seconds_until(claimed, "sent_at")
    assert left is not None
    assert -2 < left <= 0


@pytest.mark.parametrize(
    ("status", "lease", "free"),
    [
        ("PLANNED", None, True),
        ("UNKNOWN", None, True),
        ("SENT", -1, True),
        ("SENT", 60, False),
        ("SENT", None, False),
        ("IN_PROGRESS", -1, False),
        ("NEEDS_CUSTOMER", -1, False),
        ("DONE", -1, False),
        ("DECLINED", -1, False),
        ("ABANDONED", -1, False),
    ],
)
def test_only_what_nobody_holds_is_claimed(
    shelf: TenantRef,
    gateway: Wire,
    plugins: Registry,
    now: datetime,
    status: str,
    lease: int | None,
    free: bool,
) -> None:
    until = None if lease is None else Now() + timedelta(seconds=lease)
    operation = charge(gateway, plugins, now, status=status, lease_until=until)

    claimed = claim_operation(operation, plugins=plugins, now=now)

    operation.refresh_from_db(fields=["status", "attempt"])
    assert (claimed is not None) == free
    assert (operation.status, operation.attempt) == (("SENT", 2) if free else (status, 1))


def test_one_of_two_workers_claims_it(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    operation = charge(gateway, plugins, now)

    first = claim_operation(operation, plugins=plugins, now=now)
    Operation.objects.update(status="PLANNED")
    second = claim_operation(operation, plugins=plugins, now=now)

    assert first is not None
    assert second is None
    assert standing(operation.pk).attempt == 2


def test_a_claim_takes_one_command_and_leaves_the_others(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    one, other = (charge(gateway, plugins, now) for _ in range(2))

    claimed = claim_operation(one, plugins=plugins, now=now)

    assert claimed is not None
    assert claimed.pk == one.pk
    assert (standing(other.pk).status, standing(other.pk).fence) == ("PLANNED", other.fence)


def test_what_the_settings_file_switches_off_begins_no_charge(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    operation = charge(gateway, plugins, now)
    without = offering(gateway, disabled=["payment-memory"])

    claimed = claim_operation(operation, plugins=without, now=now)

    operation.refresh_from_db()
    assert claimed is None
    assert (operation.status, operation.outcome) == ("ABANDONED", {"cause": OFF})
    assert (operation.due_at, Order.objects.get().payment_status) == (None, "NONE")


def test_what_the_settings_file_switches_off_still_gives_back(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    operation = refund(gateway, plugins, now)
    without = offering(gateway, disabled=["payment-memory"])

    assert claim_operation(operation, plugins=without, now=now) is not None


def test_a_plugin_that_is_gone_gives_nothing_up(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    operation = charge(gateway, plugins, now)

    claimed = claim_operation(operation, plugins=offering(), now=now)

    assert claimed is not None
    assert claimed.status == "SENT"


@pytest.mark.parametrize(
    ("switches", "begins"),
    [
        ([], True),
        ([("payment-memory", None, True)], True),
        ([("payment-memory", None, False)], False),
        ([("payment-memory", 1, False)], False),
        ([("payment-memory", 1, False), ("payment-memory", None, True)], False),
        ([("payment-memory", 1, True), ("payment-memory", None, False)], True),
        ([("payment-memory", 2, False)], True),
        ([("payment-memory", 2, True), ("payment-memory", None, False)], False),
        ([("payment-other", None, False), ("payment-other", 1, False)], True),
    ],
)
def test_the_tenants_switch_goes_before_the_installations(
    shelf: TenantRef,
    gateway: Wire,
    plugins: Registry,
    now: datetime,
    switches: list[tuple[str, int | None, bool]],
    begins: bool,
) -> None:
    Tenant.objects.create(id=2, slug="acme")
    operation = charge(gateway, plugins, now)
    for plugin, tenant, on in switches:
        switched(plugin, tenant, on=on, now=now)

    claimed = claim_operation(operation, plugins=plugins, now=now)

    operation.refresh_from_db()
    assert (claimed is not None) == begins
    assert operation.status == ("SENT" if begins else "ABANDONED")
    assert begins or operation.outcome == {"cause": OFF}


@pytest.mark.parametrize(
    ("columns", "begins"),
    [
        ({"attempt": 0, "outcome": None}, True),
        ({"attempt": 1, "outcome": {"never_sent": True}}, True),
        ({"attempt": 3, "outcome": {"never_sent": True}}, True),
        ({"attempt": 2, "outcome": {"not_there": True}}, True),
        ({"attempt": 1, "outcome": None}, False),
        ({"attempt": 2, "outcome": IN_DOUBT}, False),
        ({"attempt": 1, "outcome": {"never_sent": True}, "status": "UNKNOWN"}, False),
        ({"attempt": 0, "outcome": None, "verb": "RESUME"}, False),
    ],
)
def test_what_may_have_begun_is_served_whatever_the_switch_says(
    shelf: TenantRef,
    gateway: Wire,
    plugins: Registry,
    now: datetime,
    columns: dict[str, Any],
    begins: bool,
) -> None:
    operation = charge(gateway, plugins, now, **columns)
    switched("payment-memory", None, on=False, now=now)

    claimed = claim_operation(operation, plugins=plugins, now=now)

    assert (claimed is None) == begins
    assert standing(operation.pk).status == ("ABANDONED" if begins else "SENT")


def test_what_is_being_sent_is_not_given_up_for_want_of_a_claim(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    operation = charge(gateway, plugins, now)
    standing(operation.pk, status="SENT", lease_until=Now() + timedelta(hours=1))

    assert claim_operation(operation, plugins=plugins, now=now) is None
    assert standing(operation.pk).status == "SENT"


def test_who_lost_the_race_gives_nothing_up(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    operation = charge(gateway, plugins, now)
    claim_operation(operation, plugins=plugins, now=now)
    switched("payment-memory", None, on=False, now=now)
    seq = Order.objects.get().log_seq

    assert claim_operation(operation, plugins=plugins, now=now) is None
    assert standing(operation.pk).status == "SENT"
    assert Order.objects.get().log_seq == seq


@pytest.mark.parametrize(
    ("columns", "late", "status", "outcome"),
    [
        ({}, timedelta(microseconds=-1), "SENT", None),
        ({}, timedelta(0), "ABANDONED", {"cause": TOO_LATE}),
        ({"attempt": 0, "outcome": None}, timedelta(0), "ABANDONED", {"cause": TOO_LATE}),
        ({"outcome": {"not_there": True}}, timedelta(0), "ABANDONED", {"cause": TOO_LATE}),
        ({"outcome": IN_DOUBT}, timedelta(0), "UNKNOWN", IN_DOUBT),
        ({"outcome": None}, timedelta(0), "UNKNOWN", None),
        ({"outcome": IN_DOUBT}, timedelta(microseconds=-1), "SENT", None),
        ({"outcome": IN_DOUBT, "status": "UNKNOWN"}, timedelta(0), "SENT", None),
        ({"retry_safe_until": None}, timedelta(days=9), "SENT", None),
    ],
)
def test_a_charge_that_outlived_its_key_is_given_up_or_looked_up(
    shelf: TenantRef,
    gateway: Wire,
    plugins: Registry,
    now: datetime,
    columns: dict[str, Any],
    late: timedelta,
    status: str,
    outcome: dict[str, Any] | None,
) -> None:
    operation = charge(gateway, plugins, now, **columns)

    claimed = claim_operation(operation, plugins=plugins, now=now + KEPT + late)

    operation.refresh_from_db()
    assert (claimed is not None) == (status == "SENT")
    assert operation.status == status
    assert status == "SENT" or operation.outcome == outcome


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        ({"attempt": 0, "outcome": None}, "SENT"),
        ({"attempt": 1, "outcome": {"never_sent": True}}, "SENT"),
        ({"attempt": 2, "outcome": {"not_there": True}}, "SENT"),
        ({"attempt": 1, "outcome": None}, "UNKNOWN"),
        ({"attempt": 2, "outcome": IN_DOUBT}, "UNKNOWN"),
    ],
)
def test_giving_back_late_is_sent_unless_it_may_have_happened(
    shelf: TenantRef,
    gateway: Wire,
    plugins: Registry,
    now: datetime,
    columns: dict[str, Any],
    status: str,
) -> None:
    operation = refund(gateway, plugins, now, **columns)

    claimed = claim_operation(operation, plugins=plugins, now=now + KEPT)

    assert (claimed is not None) == (status == "SENT")
    assert standing(operation.pk).status == status


def test_what_is_left_to_a_look_up_is_due_at_once_under_a_new_fence(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime
) -> None:
    later = Now() + timedelta(hours=1)
    operation, other = (
        refund(gateway, plugins, now, outcome=IN_DOUBT, due_at=later) for _ in range(2)
    )

    claim_operation(operation, plugins=plugins, now=now + KEPT)

    left, kept = seconds_until(operation), seconds_until(other)
    assert left is not None
    assert kept is not None
    assert -2 < left <= 0
    assert kept > 3000
    assert standing(operation.pk).fence == operation.fence + 1
    assert (standing(other.pk).status, standing(other.pk).fence) == ("PLANNED", other.fence)


@pytest.mark.parametrize(
    "moved", [{"fence": F("fence") + 1}, {"status": "SENT"}], ids=["claimed", "sent"]
)
def test_what_another_worker_took_over_is_not_left_to_a_look_up(
    shelf: TenantRef, gateway: Wire, plugins: Registry, now: datetime, moved: dict[str, Any]
) -> None:
    operation = refund(gateway, plugins, now, outcome=IN_DOUBT)
    before = standing(operation.pk, **moved)

    assert claim_operation(operation, plugins=plugins, now=now + KEPT) is None
    after = standing(operation.pk)
    assert (after.status, after.fence) == (before.status, before.fence)
