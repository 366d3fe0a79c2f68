"""A pytest plugin that writes what came of contract suites: computed, never self-declared.

Load it by name, with ``-p core.testing.conformance`` or ``pytest_plugins``.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from hookspecs import API_STATUS, API_VERSION

pytest.register_assert_rewrite(
    *(f"core.testing.payment_{part}" for part in ("adapter", "doubts", "manners", "moves", "news")),
    *(f"core.testing.{kind}_adapter" for kind in ("pricing", "notification", "warmer")),
    *(f"core.testing.{kind}_contract" for kind in ("payment", "pricing", "notification", "warmer")),
    "core.testing.plugin_cases",
)

_KEY = "conformance"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that asks for a report."""
    parser.addoption(
        "--conformance",
        metavar="FILE",
        default=None,
        help="write what came of contract suites into FILE of the project, as JSON",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect where a report is asked for, in the process that sees every result."""
    asked = config.getoption("--conformance")
    if asked and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Conformance(config.rootpath / asked), "orderloom-conformance")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Say of each case which suite it belongs to."""
    report: Any = yield
    suite: Any = getattr(item, "cls", None)
    if getattr(suite, "contract", None) and hasattr(suite, "plugin"):
        belongs = {
            "suite": f"{item.nodeid.rpartition('::')[0]}",
            "kind": suite.contract,
            "plugin": suite.plugin,
            "case": item.name,
        }
        report.user_properties.append((_KEY, belongs))
    return report


class Conformance:
    """Adds up results by suite and writes them at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._suites: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one result; a case that fails while setting up or tearing down has failed."""
        belongs: Any = dict(report.user_properties).get(_KEY)
        if not belongs:
            return
        suite = self._suites.setdefault(
            belongs["suite"],
            {
                "suite": belongs["suite"],
                "kind": belongs["kind"],
                "plugin": belongs["plugin"],
                "version": _version_of(belongs["plugin"]),
                "passed": [],
                "failed": [],
                "not_applicable": {},
            },
        )
        case = belongs["case"]
        if report.failed and case not in suite["failed"]:
            suite["failed"].append(case)
        elif report.skipped:
            suite["not_applicable"][case] = _why(report)
        elif report.when == "call" and report.passed:
            suite["passed"].append(case)

    def pytest_sessionfinish(self) -> None:
        """Write the report."""
        suites = [self._told(self._suites[name]) for name in sorted(self._suites)]
        told = {"api_version": API_VERSION, "api_status": API_STATUS, "suites": suites}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", encoding="utf-8")

    def _told(self, suite: dict[str, Any]) -> dict[str, Any]:
        passed = sorted(set(suite["passed"]) - set(suite["failed"]))
        failed = sorted(suite["failed"])
        return {
            **suite,
            "passed": passed,
            "failed": failed,
            "compatible": bool(passed) and not failed,
        }


def _why(report: pytest.TestReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ").removeprefix("not applicable: ")


def _version_of(plugin: str) -> str:
    for found in entry_points(group="orderloom.plugins", name=plugin):
        if found.dist is not None:
            return found.dist.version
    return ""
