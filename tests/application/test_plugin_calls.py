"""What calls took: counted in memory, kept in sums by day, read as figures."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import cast

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, connections
from django.test.utils import CaptureQueriesContext

from core.application.read_plugin_calls import read_plugin_calls
from core.application.record_plugin_calls import forget_old_calls, record_plugin_calls
from core.application.start_payment import start_payment
from core.apps import OrderloomConfig
from core.context import TenantRef
from core.hooks.guard import Called, CallReport, Ended
from core.hooks.tally import CHECKOUT, Tally, bucket_of, seconds_within
from core.jobs.reporter import tell_of_plugins
from core.models import PluginCalls
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from tests.application.shelf import paying, placed

START = Called("till", "1.0", "start", "card")
RULE = Called("rules", "2.1", "propose", "ten-percent")


def report(
    called: Called,
    seconds: float,
    ended: Ended = Ended.ANSWERED,
    *,
    overran: bool = False,
    answer: str = "Done",
) -> CallReport:
    return CallReport(called, seconds, ended, overran, answer)


def recorded(now: datetime, *reports: CallReport) -> None:
    tally = Tally()
    for each in reports:
        tally(each)
    record_plugin_calls(tally=tally, now=now)


@pytest.mark.parametrize("seconds", [0.0, 1e-6, 1.5e-6, 3e-5, 0.001, 0.05, 1.0, 15.0, 9999.0])
def test_a_bucket_holds_what_falls_into_it(seconds: float) -> None:
    least, most = seconds_within(bucket_of(seconds))

    assert least <= seconds < most


def test_figures_tell_calls_failures_and_quantiles(shop: TenantRef, now: datetime) -> None:
    recorded(
        now,
        *[report(START, 0.010) for _ in range(90)],
        *[report(START, 1.0, answer="Unknown") for _ in range(8)],
        report(START, 15.5, Ended.ABANDONED, overran=True),
        report(START, 0.2, Ended.RAISED),
        report(START, 0.0, Ended.NOT_ASKED),
    )

    [figures] = read_plugin_calls(now=now)

    assert (figures.plugin, figures.version, figures.hook, figures.offer) == START
    assert (figures.calls, figures.failures) == (100, 10)
    assert 0.008 <= figures.p50 <= 0.017
    assert 0.5 <= figures.p95 <= 1.1
    assert figures.seconds == pytest.approx(0.9 + 8 + 15.5 + 0.2)


def test_a_share_is_the_part_of_checkouts(shop: TenantRef, now: datetime) -> None:
    tell = Called("log", "1.0", "order_placed")
    recorded(now, report(CHECKOUT, 2.0), report(START, 0.5), report(RULE, 0.1), report(tell, 9.0))

    shares = {each.plugin: each.share for each in read_plugin_calls(now=now)}

    assert shares == {"till": pytest.approx(0.25), "rules": pytest.approx(0.05), "log": None}


def test_sums_add_up_in_one_statement(shop: TenantRef, now: datetime) -> None:
    recorded(now, report(START, 0.01), report(RULE, 0.0001))
    tally = Tally()
    for seconds in (0.01, 0.01, 3.0):
        tally(report(START, seconds))

    with CaptureQueriesContext(connection) as asked:
        rows = record_plugin_calls(tally=tally, now=now)
    with CaptureQueriesContext(connection) as nothing:
        record_plugin_calls(tally=tally, now=now)

    assert (rows, len(asked), len(nothing)) == (2, 1, 0)
    assert [each.calls for each in read_plugin_calls(now=now, plugin="till")] == [4]
    assert PluginCalls.objects.filter(plugin="till").count() == 2


def test_many_processes_write_at_once(shop: TenantRef, now: datetime) -> None:
    def write() -> None:
        try:
            for _ in range(5):
                recorded(now, report(START, 0.01), report(RULE, 0.01), report(CHECKOUT, 0.01))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [each.calls for each in read_plugin_calls(now=now)] == [20, 20]


def test_what_a_database_that_is_away_doesn_t_take_is_counted_again(
    shop: TenantRef, now: datetime
) -> None:
    tally = Tally()
    tally(report(Called("x" * 20, "1", "start\x00", "c"), 0.01))
    tally(report(START, 0.01))

    def refused(*_: object) -> None:
        raise DatabaseError("away")

    with connection.execute_wrapper(refused), pytest.raises(DatabaseError):
        record_plugin_calls(tally=tally, now=now)
    tally(report(START, 0.01))

    assert {called: kept[0] for (called, _), kept in tally.take().items()}[START] == 2


def test_old_days_are_forgotten_and_not_read(shop: TenantRef, now: datetime) -> None:
    recorded(now - timedelta(days=31), report(START, 0.01))
    recorded(now - timedelta(days=8), report(START, 0.01))
    recorded(now, report(START, 0.01))

    [figures] = read_plugin_calls(now=now)
    forgotten = forget_old_calls(now=now)

    assert figures.calls == 1
    assert forgotten == 1
    assert PluginCalls.objects.count() == 2


def test_a_checkout_is_counted_with_what_its_plugins_took(shelf: TenantRef, now: datetime) -> None:
    tally = Tally()
    gateway = MemoryGateway(way="at_once", code="memory")
    plugins = registry_of(FakePlugin(name="pay", strategies=(gateway,)), report=tally)
    order = placed(("tea", 1), plugins=plugins, now=now)
    start_payment(paying(order), plugins=plugins, now=now)

    record_plugin_calls(tally=tally, now=now)

    [start] = [each for each in read_plugin_calls(now=now) if each.hook == "start"]
    checkouts = PluginCalls.objects.filter(plugin="", hook="checkout")
    assert sum(checkouts.values_list("calls", flat=True)) == 2
    assert start.share is not None
    assert 0 < start.share < 1


def test_a_process_tells_what_it_has_counted(shop: TenantRef, now: datetime) -> None:
    ours = cast(OrderloomConfig, apps.get_app_config("orderloom"))
    ours.tally.take()
    ours.tally(report(START, 0.01))

    tell_of_plugins()

    assert [each.calls for each in PluginCalls.objects.filter(plugin="till")] == [1]
