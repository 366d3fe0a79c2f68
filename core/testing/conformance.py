"""A pytest plugin that writes what came of contract suites: computed, never self-declared.

Load it by name, with ``-p core.testing.conformance`` or ``pytest_plugins``.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from core.hooks.conformance import FILE, digest_of
from core.hooks.discovery import Found, discover
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
    parser.addoption(
        "--conformance-in-packages",
        action="store_true",
        help="write it into the package of each plugin that was tried, beside its plugin.toml",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect where a report is asked for, in the process that sees every result."""
    asked = config.getoption("--conformance")
    packages = bool(config.getoption("--conformance-in-packages"))
    if (asked or packages) and not hasattr(config, "workerinput"):
        path = config.rootpath / asked if asked else None
        config.pluginmanager.register(Conformance(path, packages=packages), "orderloom-conformance")


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
            "cases": [name for name in dir(suite) if name.startswith("test_")],
        }
        report.user_properties.append((_KEY, belongs))
    return report


class Conformance:
    """Adds up results by suite and writes them at the end."""

    def __init__(self, path: Path | None, *, packages: bool = False) -> None:
        self._path, self._packages = path, packages
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
                "cases": belongs["cases"],
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
        installed = discover(allow=None, safe_mode=False, sandbox=True).found
        by_name = {each.name: each for each in installed}
        suites = [
            self._told(self._suites[name], by_name.get(self._suites[name]["plugin"]))
            for name in sorted(self._suites)
        ]
        if self._path is not None:
            _write(self._path, suites)
        for name, found in by_name.items() if self._packages else ():
            mine = [suite for suite in suites if suite["plugin"] == name]
            if mine and found.folder:
                _write(Path(found.folder) / FILE, mine)

    def _told(self, suite: dict[str, Any], found: Found | None) -> dict[str, Any]:
        passed = sorted(set(suite["passed"]) - set(suite["failed"]))
        failed = sorted(suite["failed"])
        run = {case.partition("[")[0] for case in (*passed, *failed, *suite["not_applicable"])}
        not_run = sorted(set(suite.pop("cases")) - run)
        return {
            **suite,
            "version": found.version if found else "",
            "digest": digest_of(Path(found.folder)) if found and found.folder else "",
            "passed": passed,
            "failed": failed,
            "not_run": not_run,
            "compatible": bool(passed) and not failed and not not_run,
        }


def _write(path: Path, suites: list[dict[str, Any]]) -> None:
    told = {"api_version": API_VERSION, "api_status": API_STATUS, "suites": suites}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _why(report: pytest.TestReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ").removeprefix("not applicable: ")
