"""What a running `up` shares is seen while it runs, by its owner alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.project.sharing import share, shared
from tests.house.tree import ROOT

pytestmark = pytest.mark.once

SHARER = """
import sys
from pathlib import Path
from core.project.sharing import share
print(share(Path(sys.argv[1]), {"ORDERLOOM_A__BASE": "http://x", "SECRET_KEY": "s"}), flush=True)
sys.stdin.read()
"""


def sharer(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SHARER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_it_is_seen_while_the_sharer_runs_and_no_longer_even_if_it_was_killed(
    tmp_path: Path,
) -> None:
    with sharer(tmp_path) as process:
        during = shared(tmp_path)
        process.kill()

    assert during == {"ORDERLOOM_A__BASE": "http://x"}
    assert shared(tmp_path) == {}
    assert (tmp_path / "sandbox.json").stat().st_mode & 0o077 == 0


def test_a_second_sharer_leaves_the_first_ones_alone(tmp_path: Path) -> None:
    with sharer(tmp_path) as process:
        second = share(tmp_path, {"ORDERLOOM_A__BASE": "http://y"})
        seen = shared(tmp_path)
        process.kill()

    assert second is False
    assert seen == {"ORDERLOOM_A__BASE": "http://x"}


def test_nothing_is_shared_where_nobody_runs(tmp_path: Path) -> None:
    assert shared(tmp_path) == {}
