"""The suite finds the ten faults in copies of the Stripe-like plugin as well."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.planted_stripe import PLANTED
from tests.contract.test_planted_faults import FAULTS, reported, suite

pytestmark = [pytest.mark.once, pytest.mark.full, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    to = tmp_path_factory.mktemp("conformance")
    return reported("tests/contract/planted_stripe.py", to=to, seconds=590)


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(report: dict[str, Any], fault: str) -> None:
    found = suite(report, fault)

    assert FAULTS[fault] in found["failed"]
    assert found["compatible"] is False


@pytest.mark.parametrize("control", ["Sound", "LooksUp"])
def test_without_a_fault_everything_passes(report: dict[str, Any], control: str) -> None:
    found = suite(report, control)

    assert found["failed"] == []
    assert found["compatible"] is True
    assert len(found["passed"]) >= 25
