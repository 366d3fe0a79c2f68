"""A rule that never returns ends with its process: named, and told to the others before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.prefix import Prefix
from tests.rogues.test_gallery import prefix, shop

__all__ = ["prefix"]

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
