"""Progress of long commands: a bar on a terminal, lines elsewhere, nothing if so wished."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from core.management.progress import show_progress
from tests.house.tree import ROOT

pytestmark = pytest.mark.once

WORK = """
from core.management.progress import show_progress
with show_progress() as told:
    for done in range(1, 4):
        told("things done", done, 3)
print("the outcome")
"""


def test_a_terminal_gets_a_bar_on_stderr_alone() -> None:
    mine, theirs = pty.openpty()

    done = subprocess.run(
        [sys.executable, "-c", WORK],
        cwd=ROOT,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        check=True,
    )
    os.close(theirs)
    seen = os.read(mine, 100_000).decode()
    os.close(mine)

    assert done.stdout == "the outcome\n"
    assert "things done" in seen
    assert "3/3" in seen


def test_it_says_nothing_if_so_wished(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress(quiet=True) as told:
        told("things done", 3, 3)

    assert capsys.readouterr().err == ""


def test_a_line_says_how_far_it_is_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress() as told:
        told("things done", 1, 2000)
        told("things done", 2000, 2000)

    assert capsys.readouterr().err == "things done: 2,000 of 2,000\n"
