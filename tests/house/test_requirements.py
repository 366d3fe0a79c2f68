"""What we build on: few packages, with lower bounds, locked with hashes and without addresses."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.tree import ROOT, shelf

pytestmark = pytest.mark.once

ELEVEN = {
    *("django", "pluggy", "importlib-metadata", "django-environ", "django-ninja", "pydantic"),
    *("uuid-utils", "cryptography", "rich", "structlog", "whitenoise"),
}
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
ADDRESS = ":" + "//"


def project(folder: Path) -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))[
        "project"
    ]
    return found


def needs(folder: Path) -> list[Requirement]:
    """Return what the distribution at `folder` depends on, extras included."""
    found = project(folder)
    extras = found.get("optional-dependencies", {})
    assert isinstance(extras, dict)
    listed = [*found.get("dependencies", []), *(one for extra in extras.values() for one in extra)]  # type: ignore[misc]
    return [Requirement(line) for line in listed]


def listed(path: Path) -> list[Requirement]:
    """Return the requirements written in the `.in` file at `path`."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [Requirement(line) for line in lines if line]


def locked(path: Path) -> dict[str, str]:
    """Return name and version of everything pinned in the lock at `path`."""
    return dict(
        re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==(\S+)", path.read_text("utf-8"), re.MULTILINE)
    )


def bounded_below(requirement: Requirement) -> bool:
    return any(one.operator in {">=", "~=", "=="} for one in requirement.specifier)


def test_the_core_depends_on_eleven_packages() -> None:
    names = {canonicalize_name(Requirement(line).name) for line in project(ROOT)["dependencies"]}  # type: ignore[attr-defined]

    assert names == ELEVEN


def test_every_dependency_has_a_lower_bound() -> None:
    found = [need for folder in (ROOT, *shelf()) for need in needs(folder)]
    found += [need for path in (ROOT / "requirements").glob("*.in") for need in listed(path)]

    own = {"orderloom"}
    unbounded = [str(need) for need in found if not bounded_below(need) and need.name not in own]

    assert not unbounded


def test_a_requirement_without_lower_bound_is_found() -> None:
    assert not bounded_below(Requirement("celery<6"))


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_hashes_and_no_address(path: Path) -> None:
    text = path.read_text("utf-8")

    assert ADDRESS not in text
    assert len(locked(path)) <= text.count("--hash=sha256:")
    assert not re.search(r"^-e|^\./|^/|file:", text, re.MULTILINE)


def test_no_lock_of_another_kind_lies_about() -> None:
    assert {path.stem for path in LOCKS} == {"run", "test", "dev"}
    assert not [
        name for name in ("uv.lock", "pylock.toml", "poetry.lock") if (ROOT / name).exists()
    ]


def test_the_locks_agree() -> None:
    run, test, dev = (locked(ROOT / f"requirements/{name}.txt") for name in ("run", "test", "dev"))

    assert run.items() <= test.items()
    assert test.items() <= dev.items()


@pytest.mark.parametrize("plugin", shelf(), ids=lambda path: path.name)
def test_the_run_lock_holds_what_a_bundled_plugin_needs(plugin: Path) -> None:
    lock = locked(ROOT / "requirements/run.txt")
    required = [Requirement(line) for line in project(plugin)["dependencies"]]  # type: ignore[attr-defined]

    missing = [
        str(need)
        for need in required
        if need.name != "orderloom"
        and (
            (pinned := lock.get(canonicalize_name(need.name))) is None
            or not need.specifier.contains(pinned)
        )
    ]

    assert not missing, "add it to requirements/run.in and run `make lock`"
