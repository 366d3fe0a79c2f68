"""What a plugin's package says that its contract suites found, and whether that still holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from core.hooks.discovery import Found
from hookspecs import API_VERSION

__all__ = ["FILE", "Conformance", "Standing", "SuiteResult", "digest_of", "read_conformance"]

FILE: Final = "conformance.json"
"""Where a package holds its report: beside its `plugin.toml`, so that it goes into the wheel."""

_KINDS: Final = {
    "payment_strategies": "payment",
    "pricing_rules": "pricing",
    "notification_channels": "notification",
    "cache_warmers": "warmer",
}
_LONGEST: Final = 1_000_000
_SHOWN: Final = 3


class Standing(StrEnum):
    """What a report is worth."""

    PASSED = "PASSED"
    """Every case that applies passed, with this code, this version and this contract."""
    PARTLY = "PARTLY"
    """What was tried passed, and not everything was tried."""
    FAILED = "FAILED"
    STALE = "STALE"
    """Made with another version, with other code, or for another contract."""
    UNREADABLE = "UNREADABLE"
    NONE = "NONE"
    """The package brings none: no fault, and nothing known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """What came of one suite: how many cases passed or didn't apply, and which failed."""

    name: str
    kind: str
    passed: int
    not_applicable: int
    failed: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformance:
    """A report as people see it: its worth, one plain line, and the suites behind it."""

    standing: Standing
    text: str
    suites: tuple[SuiteResult, ...] = ()


def read_conformance(found: Found, *, api: str = API_VERSION) -> Conformance:
    """Return what the report in a plugin's package is worth to this shop.

    The report is the package's own: it is read as data, and whatever is odd in it makes it
    UNREADABLE.
    """
    if not found.folder or found.manifest is None:
        return Conformance(standing=Standing.NONE, text="its package can't be looked into")
    path = Path(found.folder) / FILE
    if not path.is_file():
        return Conformance(standing=Standing.NONE, text=f"its package brings no {FILE}")
    try:
        told = json.loads(_text(path))
        mine = [one for one in told["suites"] if one["plugin"] == found.name]
        made = [(str(told["api_version"]), str(one["version"]), str(one["digest"])) for one in mine]
        suites = tuple(_suite(one) for one in mine)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        text = f"{FILE} is no report: {type(error).__name__}"
        return Conformance(standing=Standing.UNREADABLE, text=text)
    standing, text = _worth(found, suites, _aged(found, made, api))
    return Conformance(standing=standing, text=text, suites=suites)


def _text(path: Path) -> str:
    if path.stat().st_size > _LONGEST:
        raise ValueError(f"more than {_LONGEST} bytes")
    return path.read_text(encoding="utf-8")


def digest_of(folder: Path) -> str:
    """Return a digest of a package's code and manifest: the same for a wheel and a checkout."""
    hashed = hashlib.sha256()
    for path in sorted(_code(folder), key=lambda path: path.relative_to(folder).as_posix()):
        hashed.update(path.relative_to(folder).as_posix().encode() + b"\0")
        hashed.update(hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()


def _code(folder: Path) -> Iterator[Path]:
    yield from folder.rglob("*.py")
    yield from folder.glob("plugin.toml")


def _suite(told: Any) -> SuiteResult:
    return SuiteResult(
        name=str(told["suite"]),
        kind=str(told["kind"]),
        passed=len([str(case) for case in told["passed"]]),
        not_applicable=len(dict(told["not_applicable"])),
        failed=tuple(str(case) for case in told["failed"]),
        not_run=tuple(str(case) for case in told["not_run"]),
    )


def _aged(found: Found, made: Sequence[tuple[str, str, str]], api: str) -> str:
    """Return why a report is about something else than what is here, or ''."""
    for contract, version, digest in made:
        if contract != api:
            return f"made for the contract {contract}, and this is {api}"
        if version != found.version:
            return f"made with version {version}, and this is {found.version}"
        if digest != digest_of(Path(found.folder)):
            return "its code has changed since"
    return ""


def _worth(found: Found, suites: tuple[SuiteResult, ...], aged: str) -> tuple[Standing, str]:
    failed = [case for suite in suites for case in suite.failed]
    if not suites:
        return Standing.NONE, f"{FILE} says nothing of {found.name}"
    if aged:
        return Standing.STALE, aged
    if failed:
        more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        return Standing.FAILED, f"{', '.join(failed[:_SHOWN])}{more} failed"
    passed = sum(suite.passed for suite in suites)
    aside = sum(suite.not_applicable for suite in suites)
    text = f"{passed} cases passed, {aside} did not apply"
    untried = _untried(found, suites)
    if untried or not passed:
        return Standing.PARTLY, f"{text}; {untried or 'nothing was tried'}"
    return Standing.PASSED, text


def _untried(found: Found, suites: tuple[SuiteResult, ...]) -> str:
    assert found.manifest is not None
    wanted = {_KINDS[hook] for hook in found.manifest.hooks if hook in _KINDS}
    absent = sorted(wanted - {suite.kind for suite in suites})
    if absent:
        return f"nothing was tried of {' and '.join(absent)}"
    not_run = sum(len(suite.not_run) for suite in suites)
    return f"{not_run} were not run" if not_run else ""
