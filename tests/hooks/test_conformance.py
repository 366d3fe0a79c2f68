"""What a report in a package is worth: computed, bound to code, version and contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.hooks.conformance import FILE, Standing, digest_of, read_conformance
from core.hooks.discovery import Found
from hookspecs import API_VERSION
from tests.hooks.gallery import Gallery

pytestmark = pytest.mark.once

PLUGIN = "pay"


@pytest.fixture
def found(gallery: Gallery) -> Found:
    gallery.add(PLUGIN, "def x(): ...", hooks=("payment_strategies",), version="1.2")
    (found,) = gallery.discover().found
    return found


def report(found: Found, **changed: Any) -> dict[str, Any]:
    suite = {
        "suite": "tests/test_contract.py::TestMine",
        "kind": "payment",
        "plugin": PLUGIN,
        "version": "1.2",
        "digest": digest_of(Path(found.folder)),
        "passed": ["test_a", "test_b"],
        "failed": [],
        "not_applicable": {"test_c": "it has no refund"},
        "not_run": [],
        "compatible": True,
    }
    return {"api_version": API_VERSION, "api_status": "draft", "suites": [suite | changed]}


def written(found: Found, told: Any) -> tuple[Standing, str]:
    text = told if isinstance(told, str) else json.dumps(told)
    (Path(found.folder) / FILE).write_text(text, encoding="utf-8")
    seen = read_conformance(found)
    return seen.standing, seen.text


def test_without_a_report_nothing_is_known(found: Found) -> None:
    assert read_conformance(found).standing is Standing.NONE


def test_a_report_of_this_code_and_contract_counts(found: Found) -> None:
    assert written(found, report(found)) == (
        Standing.PASSED,
        "2 cases passed, 1 did not apply",
    )


@pytest.mark.parametrize(
    ("changed", "standing", "text"),
    [
        ({"failed": ["test_x", "test_y"]}, Standing.FAILED, "test_x, test_y failed"),
        ({"failed": list("abcde")}, Standing.FAILED, "a, b, c and 2 more failed"),
        ({"version": "1.1"}, Standing.STALE, "made with version 1.1, and this is 1.2"),
        ({"digest": "0"}, Standing.STALE, "its code has changed since"),
        ({"digest": "0", "failed": ["x"]}, Standing.STALE, "its code has changed since"),
        ({"not_run": ["test_d"]}, Standing.PARTLY, "1 were not run"),
        ({"passed": []}, Standing.PARTLY, "nothing was tried"),
        ({"kind": "pricing"}, Standing.PARTLY, "nothing was tried of payment"),
        ({"plugin": "another"}, Standing.NONE, "says nothing of pay"),
        ({"passed": None}, Standing.UNREADABLE, "no report: TypeError"),
        ({"not_applicable": 7}, Standing.UNREADABLE, "no report: TypeError"),
    ],
)
def test_what_else_it_may_be_worth(
    found: Found, changed: dict[str, Any], standing: Standing, text: str
) -> None:
    seen = written(found, report(found, **changed))

    assert (seen[0], text in seen[1]) == (standing, True), seen


def test_a_report_for_another_contract_is_stale(found: Found) -> None:
    seen = written(found, report(found) | {"api_version": "0.9"})

    assert seen == (Standing.STALE, f"made for the contract 0.9, and this is {API_VERSION}")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "null", '{"suites": 7}', '{"suites": [7]}', "[" * 100_000]
)
def test_what_is_no_report_is_said_and_breaks_nothing(found: Found, text: str) -> None:
    assert written(found, text)[0] is Standing.UNREADABLE


def test_a_report_without_end_is_not_read(found: Found) -> None:
    assert written(found, json.dumps(report(found)) + " " * 1_000_001)[0] is Standing.UNREADABLE


def test_the_digest_is_of_code_and_manifest_alone(found: Found) -> None:
    folder = Path(found.folder)
    before = digest_of(folder)

    (folder / FILE).write_text("{}")
    (folder / "letter.html").write_text("<p>")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "plugin.cpython-311.pyc").write_bytes(b"0")
    same = digest_of(folder)
    (folder / "more.py").write_text("")
    more = digest_of(folder)
    (folder / "more.py").rename(folder / "other.py")

    assert before == same
    assert len({before, more, digest_of(folder)}) == 3
