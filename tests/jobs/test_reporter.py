"""What a process says of the work that it has in hand, and that it says it while there is some."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from core.application.pin_registry import in_hand, pin_registry
from core.application.refresh_registry import forget, refresh_registry
from core.application.report_worker import Worker, lagging_workers, report_worker
from core.jobs.reporter import Reporter, reporting
from core.models import PluginGeneration, PluginWorker

pytestmark = pytest.mark.django_db(transaction=True)
ME = Worker(id="me", process="here:1", versions={"one": "1.0"})


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Iterator[None]:
    settings.ORDERLOOM_WORKER_REPORT_SECONDS = 0.05
    forget()
    yield
    forget()


def moved() -> int:
    PluginGeneration.objects.update(generation=refresh_registry().generation + 1)
    forget()
    return refresh_registry().generation


def test_the_oldest_work_in_hand_is_what_counts() -> None:
    with pin_registry(tenant="default") as old:
        newer = moved()
        with pin_registry(tenant="default") as new:
            both = in_hand()
        report_worker(ME, generation=newer)
        late = lagging_workers(generation=newer)
    idle = report_worker(ME, generation=newer)

    assert (both.count, both.oldest, new.generation) == (2, old.generation, newer)
    assert late == ("here:1",)
    assert (idle, lagging_workers(generation=newer)) == (0, ())
    assert PluginWorker.objects.get().versions == {"one": "1.0"}


def test_work_that_raises_is_no_longer_in_hand() -> None:
    with pytest.raises(OSError, match="broken"), pin_registry(tenant="default"):
        raise OSError("broken")

    assert in_hand().count == 0


def test_who_has_gone_silent_keeps_nobody_waiting() -> None:
    with pin_registry(tenant="default"):
        report_worker(ME, generation=1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orderloom_pluginworker SET seen_at = '2026-01-01 00:00:00'")

    assert lagging_workers(generation=99_999) == ()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.postgres
def test_a_server_reports_by_itself_from_its_first_request_on() -> None:
    reporter, answered = Reporter(), []

    def shop(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        answered.append(environ)
        with pin_registry(tenant="default"):
            until(lambda: PluginWorker.objects.filter(in_hand=1).exists())
        return [b"served"]

    try:
        body = reporting(shop, reporter)({"n": 1}, lambda *_: None)
        until(lambda: PluginWorker.objects.filter(in_hand=0).exists())
    finally:
        reporter.stop()
        reporter.join()

    assert (body, answered) == ([b"served"], [{"n": 1}])
    assert PluginWorker.objects.count() == 1


def test_zero_seconds_mean_never(settings: Any) -> None:
    settings.ORDERLOOM_WORKER_REPORT_SECONDS = 0

    with Reporter():
        time.sleep(0.1)

    assert not PluginWorker.objects.exists()
