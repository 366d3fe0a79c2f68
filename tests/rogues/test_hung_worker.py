"""A rule that never returns ends with its process: named, and told to the others before."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread

import pytest

from tests.lifecycle.running import Running
from tests.prefix import Prefix
from tests.rogues.test_gallery import prefix, shop

__all__ = ["prefix"]

SERVER = ("--workers", "2", "--blocking-threads", "2", "--respawn-failed-workers")

pytestmark = [pytest.mark.once, pytest.mark.full, pytest.mark.timeout(240)]


@pytest.mark.parametrize(
    ("limit", "ends", "named"), [("0.5", 70, True), ("0", 0, False)], ids=["watched", "control"]
)
def test_a_rule_that_never_returns_ends_with_its_process(
    prefix: Prefix, tmp_path: Path, limit: str, ends: int, named: bool
) -> None:
    """Control: where nobody looks, the process goes on for ever with a thread less."""
    alone = shop(prefix, tmp_path, "rogue-price-never")
    watch = {"ORDERLOOM_HANG_SECONDS": limit, "ORDERLOOM_WORKER_REPORT_SECONDS": "0.2"}

    done = alone.python("tests.rogues.acts:hang", {"seconds": 8}, **watch)

    assert done.returncode == ends, done.stderr[-2000:]
    assert ("plugin.call.hangs" in done.stderr and "rogue-price-never" in done.stderr) is named


def test_a_server_replaces_the_process_and_the_others_serve(prefix: Prefix, tmp_path: Path) -> None:
    alone = shop(prefix, tmp_path, "rogue-price-never")
    watch = {"ORDERLOOM_HANG_SECONDS": "1", "ORDERLOOM_WORKER_REPORT_SECONDS": "0.2"}
    alone.manage("migrate", "--verbosity", "0")
    alone.ask("tests.authors.acts:stock_up")
    basket = {"lines": [{"sku": "cup", "quantity": 1}]}
    answers = []

    def hang() -> None:
        hung = running.post("/api/v1/quotes", basket | {"shipping_method": "hang"})
        answers.append(hung.status)

    with Running(shop=alone, variables=watch, server=SERVER) as running:
        thread = Thread(target=hang)
        thread.start()
        meanwhile = [running.post("/api/v1/quotes", basket).status for _ in range(12)]
        thread.join(35)
        until = time.monotonic() + 30
        while running.log("server").count("Started worker") < 3 and time.monotonic() < until:
            time.sleep(0.2)
        afterwards = [running.post("/api/v1/quotes", basket).status for _ in range(12)]
        log = running.log("server")

    assert answers == [0]
    assert "plugin.call.hangs" in log
    assert log.count("Started worker") == 3
    assert meanwhile.count(200) >= 6
    assert afterwards == [200] * 12
