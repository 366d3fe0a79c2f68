"""The last line of `make test` adds up what ran, and a pass that broke off is no success."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.totals import main

pytestmark = pytest.mark.once


def ran(folder: Path, kind: str, *, passed: int, failed: int = 0, error: int = 0) -> None:
    counts = {"passed": passed, "failed": failed, "error": error}
    (folder / f"{kind}.json").write_text(json.dumps(counts), encoding="utf-8")


def test_it_adds_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran(tmp_path, "sqlite", passed=3)
    ran(tmp_path, "postgres", passed=2)
    ran(tmp_path, "wheels", passed=1)

    code = main(tmp_path)

    assert code == 0
    assert capsys.readouterr().out.splitlines()[-1] == "6 passed, 0 failed"


def test_a_failure_or_an_error_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran(tmp_path, "sqlite", passed=3, error=1)
    ran(tmp_path, "postgres", passed=2, failed=1)

    code = main(tmp_path)

    assert code == 1
    assert capsys.readouterr().out.splitlines()[-1] == "5 passed, 2 failed"


def test_a_pass_that_broke_off_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran(tmp_path, "sqlite", passed=3)

    code = main(tmp_path)

    assert code == 1
    assert "postgres: broke off before its end" in capsys.readouterr().out
