"""What a wheel holds, and that the core's works alone in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from pathlib import Path

import pytest

from tests.house.tree import ROOT, shelf

pytestmark = [pytest.mark.wheels, pytest.mark.once, pytest.mark.timeout(400)]


@cache
def build(source: Path, folder: Path) -> Path:
    """Build the wheel of the distribution at `source` into `folder`, offline."""
    before = set(folder.glob("*.whl"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    source_copy = str(copy(source, folder))
    run([*pip, "--no-index", "--wheel-dir", str(folder), source_copy], folder=folder)
    return next(iter(set(folder.glob("*.whl")) - before))


def run(command: list[str | Path], *, folder: Path) -> None:
    """Run `command` in `folder`; what it printed is shown only where it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def copy(source: Path, folder: Path) -> Path:
    """Copy what git knows or would add, so that a build leaves nothing behind in the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."],
        cwd=source,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    target = folder / "sources" / source.name
    for name in filter(None, listed):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((source / name).read_bytes())
    return target


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture(scope="module")
def core_wheel(folder: Path) -> Path:
    return build(ROOT, folder)


def test_the_core_ships_all_its_modules_and_the_page_twice(core_wheel: Path) -> None:
    held = names(core_wheel)

    source = core_wheel.parent / "sources" / ROOT.name
    expected = {str(path.relative_to(source)) for path in (source / "core").rglob("*.py")}
    assert expected | {"hookspecs.py", "core/py.typed", "hookspecs-stubs/__init__.pyi"} <= held
    assert not {name for name in held if name.startswith(("tests/", "plugins/", "docs/"))}


def test_the_core_ships_its_templates_and_static_files(core_wheel: Path) -> None:
    held = names(core_wheel)

    source = core_wheel.parent / "sources" / ROOT.name
    for kind in ("templates", "static", "locale"):
        files = {path for path in (source / "core").rglob(f"{kind}/**/*") if path.is_file()}
        wanted = {str(path.relative_to(source)) for path in files if path.suffix != ".po"}
        assert wanted <= held


def test_the_stubs_are_the_page(core_wheel: Path) -> None:
    with zipfile.ZipFile(core_wheel) as archive:
        page, stubs = archive.read("hookspecs.py"), archive.read("hookspecs-stubs/__init__.pyi")

    assert page == stubs


@pytest.mark.parametrize("plugin", shelf(), ids=lambda path: path.name)
def test_a_plugin_ships_its_manifest_and_everything_beside_it(plugin: Path, folder: Path) -> None:
    wheel = build(plugin, folder)

    held = names(wheel)
    source = folder / "sources" / plugin.name
    packages = [path.parent for path in source.glob("src/*/__init__.py")]
    files = {path for package in packages for path in package.rglob("*") if path.is_file()}
    kept = {
        path
        for path in files
        if not {"__pycache__", "build"} & set(path.parts) and path.suffix != ".po"
    }
    assert {str(path.relative_to(source / "src")) for path in kept} <= held
    assert {f"{package.name}/plugin.toml" for package in packages} <= held
    assert {f"{package.name}/py.typed" for package in packages} <= held
    assert not {name for name in held if name.split("/")[0] == "tests"}


def test_a_plugin_names_the_core_without_an_upper_bound() -> None:
    for plugin in shelf():
        project = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))["project"]

        needs = [need for need in project["dependencies"] if need.startswith("orderloom")]

        assert needs, f"{plugin.name} does not depend on orderloom"
        assert not any("<" in need or "==" in need for need in needs), needs


def test_the_core_works_alone_where_only_its_wheel_is_installed(
    core_wheel: Path, tmp_path: Path
) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv/bin/python", "-m", "pip", "--quiet", "install"]
    lock = ROOT / "requirements/run.txt"
    run([*pip, "--require-hashes", "-r", lock], folder=tmp_path)
    run([*pip, "--no-deps", "--no-index", core_wheel], folder=tmp_path)
    environment = {"PATH": os.environ["PATH"], "DEBUG": "1"}

    for command in (["check"], ["migrate", "--verbosity", "0"]):
        done = subprocess.run(
            [tmp_path / "venv/bin/orderloom", *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    assert (tmp_path / "var/orderloom.sqlite3").is_file()


def test_the_plugins_keep_their_promises_on_the_built_core(
    core_wheel: Path, folder: Path, tmp_path: Path
) -> None:
    wheels = [core_wheel, *(build(plugin, folder) for plugin in shelf())]
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv/bin/python", "-m", "pip", "--quiet", "install"]
    lock = ROOT / "requirements/test.txt"
    run([*pip, "--require-hashes", "-r", lock], folder=tmp_path)
    run([*pip, "--no-deps", "--no-index", *wheels], folder=tmp_path)
    checkout = tmp_path / "checkout"
    lay_out_tests(checkout)

    done = subprocess.run(
        [tmp_path / "venv/bin/python", "-m", "pytest", "-q", "plugins"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-4000:]


def lay_out_tests(checkout: Path) -> None:
    """Copy the plugins' tests and what a session needs, and nothing that a wheel should bring."""
    wanted = [ROOT / "pyproject.toml", ROOT / "conftest.py", *(ROOT / "tests").rglob("*.py")]
    wanted += [path for path in ROOT.glob("plugins/*/tests/**/*") if path.is_file()]
    for path in wanted:
        if "__pycache__" not in path.parts:
            target = checkout / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
