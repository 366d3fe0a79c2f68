"""`plugins diff`: from a commit, a snapshot or a page, for people and for programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.house.tree import ROOT

pytestmark = pytest.mark.once

PAGE = (ROOT / "hookspecs.py").read_text(encoding="utf-8")
SNAPSHOT = str(ROOT / "tests/hooks/snapshot.json")


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A page of the next version without a field that some bundled plugins read."""
    path = tmp_path / "hookspecs.py"
    text = PAGE.replace("    name: str\n    price: Money\n", "    price: Money\n")
    assert text != PAGE
    path.write_text(text.replace('API_VERSION: Final = "1.0"', 'API_VERSION: Final = "2.0"'))
    return str(path)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    call_command("plugins", "diff", *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def test_against_its_own_snapshot_nothing_has_changed(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, SNAPSHOT)

    assert (said["changes"], said["plugins"], said["disagreement"]) == ([], {}, "")


def test_it_names_the_installed_plugins_that_use_what_breaks(
    capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    said = told(capsys, SNAPSHOT, "--to", broken)

    assert said["changes"] == [
        {
            "name": "Product",
            "what": "name was removed",
            "verdict": "BREAKING",
            "whom": "who use it",
        }
    ]
    whys = {name: whys[1:] for name, whys in said["plugins"].items() if len(whys) > 1}
    assert whys["warm-catalogue"] == ["Product: name was removed"]
    assert "pricing-discounts" not in whys
    assert said["plugins"]["pricing-discounts"] == [
        "it wants the contract >=1.0,<2, and that is 2.0"
    ]


def test_people_read_a_table(capsys: pytest.CaptureFixture[str], broken: str) -> None:
    call_command("plugins", "diff", SNAPSHOT, "--to", broken)

    said = capsys.readouterr().out
    assert "BREAKING  who use it  Product  name was removed" in said
    assert "warm-catalogue may break: Product: name was removed" in said


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "no snapshot"), ("[1]", "no snapshot"), ('{"A": ["class ("]}', "no snapshot")],
)
def test_what_is_no_snapshot_is_refused(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_text(text)

    with pytest.raises(CommandError, match=why):
        call_command("plugins", "diff", str(path))


@pytest.mark.parametrize("ref", ["no-such-commit", "--output=x", "HEAD:nowhere", ""])
def test_what_is_neither_file_nor_commit_is_refused(ref: str) -> None:
    with pytest.raises((CommandError, SystemExit)):
        call_command("plugins", "diff", ref)


def test_a_page_that_is_no_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text("def (")

    with pytest.raises(CommandError, match="no Python"):
        call_command("plugins", "diff", str(tmp_path / "page.py"))


@pytest.mark.parametrize(("version", "code"), [("1.0", 1), ("1.1", 0)])
def test_a_commit_and_check_is_what_ci_asks(version: str, code: int, tmp_path: Path) -> None:
    page = tmp_path / "hookspecs.py"
    page.write_text(PAGE)
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    grown = PAGE.replace('API_VERSION: Final = "1.0"', f'API_VERSION: Final = "{version}"')
    page.write_text(grown + "\n@hookspec\ndef order_seen(event: OrderEvent) -> None: ...\n")
    (tmp_path / "core").symlink_to(ROOT / "core")
    shutil.copy(ROOT / "manage.py", tmp_path)

    done = subprocess.run(
        [sys.executable, "manage.py", "plugins", "diff", "HEAD", "--check"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code, done.stdout + done.stderr
    assert "order_seen" in done.stdout
    assert ("The version doesn't agree" in done.stdout) is bool(code)
