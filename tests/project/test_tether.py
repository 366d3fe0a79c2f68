"""A tethered program and its workers end with whoever holds the tether."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.house.tree import ROOT

pytestmark = pytest.mark.once

MASTER = """
import os, subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(os.getpid(), worker.pid, flush=True)
time.sleep(60)
"""

Tethered = tuple[subprocess.Popen[bytes], int, int]


@pytest.fixture
def tethered() -> Iterator[Tethered]:
    """Run a program with a worker on a tether; yields the tether, and both pids."""
    tether = subprocess.Popen(
        [sys.executable, "-m", "core.project.tether", sys.executable, "-c", MASTER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert tether.stdin is not None
    assert tether.stdout is not None
    master, worker = map(int, tether.stdout.readline().split())
    yield tether, master, worker
    tether.stdin.close()
    tether.wait(10)
    tether.stdout.close()


def gone(pid: int, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: PTH123
            if stat.read().rpartition(")")[2].split()[0] == "Z":
                return True  # nobody reaps orphans here
        time.sleep(0.05)
    return False


def test_it_ends_with_all_its_workers_when_the_input_does(tethered: Tethered) -> None:
    tether, master, worker = tethered
    assert tether.stdin is not None

    tether.stdin.close()

    assert gone(master)
    assert gone(worker)


def test_workers_end_when_their_master_is_killed(tethered: Tethered) -> None:
    tether, master, worker = tethered

    os.kill(master, signal.SIGKILL)

    assert tether.wait(10) != 0
    assert gone(worker)


def test_ctrl_c_is_left_to_whoever_holds_the_input(tethered: Tethered) -> None:
    tether, master, _ = tethered

    tether.send_signal(signal.SIGINT)
    time.sleep(0.3)

    assert tether.poll() is None
    assert not gone(master, 0.1)
