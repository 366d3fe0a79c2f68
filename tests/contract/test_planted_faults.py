"""The suite finds each of ten planted faults, and nothing where there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from hookspecs import API_VERSION
from tests.house.tree import ROOT

pytestmark = pytest.mark.once

FAULTS = {
    "NewKeyOnRetry": "test_the_same_key_twice_charges_once",
    "LostIsDeclined": "test_a_lost_answer_is_unknown",
    "OverRefund": "test_partial_refunds_add_up_and_never_pass_the_capture",
    "UnverifiedSignature": "test_a_forged_webhook_is_untrusted",
    "FutureTimestamp": "test_a_webhook_signed_in_the_future_is_untrusted[day]",
    "FloatAmount": "test_every_currency_is_charged_exactly[1999-EUR]",
    "WrongExponent": "test_every_currency_is_charged_exactly[500-JPY]",
    "ByReferenceOnly": "test_a_payment_is_found_without_the_providers_reference",
    "WritesState": "test_nothing_of_the_core_is_read_or_written",
    "BelievesWebhooks": "test_what_nobody_signed_brings_no_facts",
}
CONTROLS = ("Sound", "LooksUp")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the suite once over every copy, as an author would, and read what it wrote."""
    path = tmp_path_factory.mktemp("conformance") / "conformance.json"
    command = ["-m", "pytest", "tests/contract/planted.py", "-q", "-p", "no:randomly"]
    done = subprocess.run(
        [sys.executable, *command, "-p", "core.testing.conformance", "--conformance", str(path)],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if name != "DATABASE_URL"},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert path.is_file(), done.stdout + done.stderr
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return told


def suite(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in report["suites"] if one["suite"].endswith(f"::Test{name}"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(report: dict[str, Any], fault: str) -> None:
    found = suite(report, fault)

    assert FAULTS[fault] in found["failed"]
    assert found["compatible"] is False


@pytest.mark.parametrize("control", CONTROLS)
def test_without_a_fault_everything_passes(report: dict[str, Any], control: str) -> None:
    found = suite(report, control)

    assert found["failed"] == []
    assert found["compatible"] is True
    assert len(found["passed"]) >= 25


def test_the_report_says_against_what_and_what_did_not_apply(report: dict[str, Any]) -> None:
    found = suite(report, "LooksUp")

    assert report["api_version"] == API_VERSION
    assert "signs" in found["not_applicable"]["test_a_forged_webhook_is_untrusted"]
    every = [*found["passed"], *found["failed"], *found["not_applicable"]]
    assert len(every) == len(set(every)) == len({*suite(report, "Sound")["passed"]} | {*every})
