"""Who may import whom, written for import-linter from the rooms and plugins that exist."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# From the top of the staircase down. A room in brackets may be missing; a room that stands in no
# line fails the contract, so that each new one is given a floor. "|": don't open into each other.
# Migrations name functions of the models (defaults), so Django puts them above.
FLOORS = (
    "(testing)",
    "(project) : (apps) : (checks)",
    "(management)",
    "(admin) | (http) | (jobs)",
    "(application)",
    "(migrations)",
    "(models) | (hooks) | (infrastructure)",
    "(context) : (conf) : (signals)",
    "(domain)",
)
ASKS_PLUGGY = ("hooks",)
READ_WITH_SETTINGS = ("core.hooks.manifest", "core.hooks.discovery")


def rooms(root: Path) -> tuple[str, ...]:
    """Return the modules and packages directly inside `core`."""
    found = {path.stem for path in (root / "core").glob("*.py")}
    found |= {path.parent.name for path in (root / "core").glob("*/__init__.py")}
    return tuple(sorted(found - {"__init__"}))


def plugins(root: Path) -> tuple[str, ...]:
    """Return the import packages of the plugins on the shelf."""
    return tuple(sorted(path.parent.name for path in root.glob("plugins/*/src/*/__init__.py")))


def existing(root: Path, modules: Iterable[str]) -> tuple[str, ...]:
    """Return those of `modules` that are there."""
    paths = {name: root.joinpath(*name.split(".")) for name in modules}
    return tuple(
        name
        for name, path in paths.items()
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()
    )


def contracts(root: Path) -> dict[str, dict[str, str | Iterable[str]]]:
    """Return import-linter's contracts, by name, for the tree at `root`."""
    shelf = plugins(root)
    written: dict[str, dict[str, str | Iterable[str]]] = {
        "imports go down the staircase": {
            "type": "layers",
            "containers": ["core"],
            "layers": FLOORS,
            "exhaustive": "true",
        },
        "no circles among neighbours": {"type": "acyclic_siblings", "ancestors": ["core"]},
        "only core.hooks touches pluggy": {
            "type": "forbidden",
            "source_modules": [f"core.{room}" for room in rooms(root) if room not in ASKS_PLUGGY],
            "forbidden_modules": ["pluggy"],
            "allow_indirect_imports": "true",
        },
        "core is a private name": {
            "type": "protected",
            "protected_modules": ["core"],
            "allowed_importers": ["core"],
        },
    }
    if existing(root, ["core.domain"]):
        written["the rules know no framework"] = {
            "type": "forbidden",
            "source_modules": ["core.domain"],
            "forbidden_modules": ["django", "ninja", "pydantic", "environ"],
        }
    if read := existing(root, READ_WITH_SETTINGS):
        written["what runs while settings are read knows no settings"] = {
            "type": "forbidden",
            "source_modules": read,
            "forbidden_modules": ["django", *existing(root, ["core.conf"])],
        }
    if len(shelf) > 1:
        written["plugins don't know each other"] = {"type": "independence", "modules": shelf}
    return written


def write(path: Path, *, root: Path) -> None:
    """Write import-linter's configuration for the tree at `root`."""
    ini = ConfigParser()
    ini["importlinter"] = {
        "root_packages": lines(["core", *plugins(root)]),
        "include_external_packages": "true",
    }
    for number, (name, contract) in enumerate(contracts(root).items(), 1):
        ini[f"importlinter:contract:{number}"] = {"name": name} | {
            key: value if isinstance(value, str) else lines(value)
            for key, value in contract.items()
        }
    with path.open("w", encoding="utf-8") as file:
        ini.write(file)


def lines(values: Iterable[str]) -> str:
    return "\n" + "\n".join(values)


def check(root: Path, *, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the tree at `root`; its exit code is 0 where every contract holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contracts.ini"
        write(path, root=root)
        sources = [str(root), *(str(source) for source in root.glob("plugins/*/src"))]
        return subprocess.run(
            [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", path],
            cwd=root,
            env=dict(environment) | {"PYTHONPATH": ":".join(sources)},
            capture_output=True,
            text=True,
            check=False,
        )


if __name__ == "__main__":
    import os

    result = check(ROOT, environment=os.environ)
    print(result.stdout, result.stderr, sep="")
    sys.exit(result.returncode)
