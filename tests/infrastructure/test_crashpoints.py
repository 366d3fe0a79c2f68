"""Crash points: nothing at all, unless the variable was set when the shop started."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.infrastructure.crashpoints import NAMES, crashpoint

pytestmark = pytest.mark.once

CORE = Path(__file__).resolve().parents[2] / "core"
PASSED = "from core.infrastructure.crashpoints import crashpoint as c; {}; print('alive')"


def passing(*names: str, asked: str | None) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "ORDERLOOM_CRASHPOINT"}
    if asked is not None:
        environment["ORDERLOOM_CRASHPOINT"] = asked
    program = PASSED.format("; ".join(f"c({name!r})" for name in names))
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=CORE.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_nothing_where_the_variable_was_not_set_at_the_start() -> None:
    ended = passing("order.committed", asked=None)

    assert ended.stdout == "alive\n"
    assert crashpoint.__name__ == "_nothing"


@pytest.mark.parametrize(
    ("asked", "lives"),
    [
        ("order.committed", False),
        ("order.committed:2", False),
        ("order.committed:3", True),
        ("mail.accepted", True),
        ("", True),
    ],
)
def test_it_kills_at_the_pass_that_is_asked_for(asked: str, lives: bool) -> None:
    ended = passing("order.committed", "order.committed", asked=asked)

    assert ended.returncode == (0 if lives else -signal.SIGKILL)


def test_every_name_stands_somewhere_and_nothing_else_does() -> None:
    placed = {
        name
        for path in CORE.rglob("*.py")
        for name in re.findall(r'crashpoint\("([a-z_.]+)"\)', path.read_text(encoding="utf-8"))
    }

    assert placed == NAMES
