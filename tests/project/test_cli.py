"""The command line says in plain sentences what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.application.folders import PRODUCTS, write
from tests.house.tree import ROOT

pytestmark = pytest.mark.once


def manage(*arguments: str, python: tuple[str, ...] = (), **variables: str) -> tuple[int, str]:
    """Run manage.py with nothing but `variables` set; return its exit code and all it printed."""
    done = subprocess.run(
        [sys.executable, *python, str(ROOT / "manage.py"), *arguments],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_without_django_it_names_the_command_that_helps() -> None:
    code, said = manage("check", python=("-S",))  # -S: without site-packages

    assert code == 1
    assert "run `make run`" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("variables", "missing"),
    [({}, "SECRET_KEY"), ({"SECRET_KEY": "k" * 60}, "ALLOWED_HOSTS")],
)
def test_a_missing_setting_is_one_plain_sentence(
    tmp_path: Path, variables: dict[str, str], missing: str
) -> None:
    code, said = manage("check", ORDERLOOM_DATA=str(tmp_path), **variables)

    assert code == 1
    assert said.startswith(f"{missing} is not set: ")
    assert said.count("\n") == 1


def test_with_debug_nothing_else_is_needed(tmp_path: Path) -> None:
    code, said = manage("check", ORDERLOOM_DATA=str(tmp_path), DEBUG="1")

    assert code == 0, said


@pytest.mark.parametrize(
    "command", [("import_products", "products.csv"), ("relay", "--once"), ("warm_caches",)]
)
def test_a_fresh_database_is_one_sentence_that_names_migrate(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    if command[0] == "import_products":
        write(tmp_path / "products.csv", *PRODUCTS)
        command = (command[0], str(tmp_path / command[1]))

    code, said = manage(*command, ORDERLOOM_DATA=str(tmp_path), DEBUG="1", LOG_LEVEL="ERROR")

    assert code == 1
    assert "run `manage.py migrate` first. [NOT_MIGRATED]" in said
    assert "Traceback" not in said


def test_in_a_wheel_it_names_the_command_that_is_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("orderloom"), "relay", "--once"],
        env={"PATH": os.environ["PATH"], "ORDERLOOM_DATA": str(tmp_path), "DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "run `orderloom migrate` first. [NOT_MIGRATED]" in done.stderr


def test_programs_are_told_a_code(tmp_path: Path) -> None:
    code, said = manage(
        "payments", "show", "--at-risk", "--json", ORDERLOOM_DATA=str(tmp_path), DEBUG="1"
    )

    assert code == 1
    assert '"code": "NOT_MIGRATED"' in said
