"""Every way a plugin can go wrong while it runs: contained, named, and the others still work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.prefix import Done, Prefix, Shop, made_once, sqlite
from tests.rogues.shelf import write
from tests.rogues.table import BY_CLASS, EVERYBODY, HONEST, ROGUES, SECRET

pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]

QUICK = {
    "ORDERLOOM_CALL_GRACE_SECONDS": "0.05",
    "ORDERLOOM_TELL_SECONDS": "0.3",
    "ORDERLOOM_WARM_SECONDS": "0.5",
    "ORDERLOOM_IMPORT_SECONDS": "0.4",
    "ORDERLOOM_PLUGIN_THREADS": "4",
    "ORDERLOOM_ROGUE_PAY_TELLS__KEY": SECRET,
    "LOG_LEVEL": "INFO",
    "LOG_FORMAT": "json",
}


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Prefix:
    """Return an environment with the whole gallery in it, installed once."""
    with made_once(tmp_path_factory, "rogues") as (folder, is_empty):
        if not is_empty:
            return Prefix(folder / "prefix")
        prefix = Prefix.made(folder / "prefix")
        prefix.install(write(EVERYBODY.values(), folder / "gallery"))
        return prefix


def shop(prefix: Prefix, folder: Path, *names: str) -> Shop:
    environ = QUICK | {"ORDERLOOM_PLUGINS": ",".join((*names, *(each.name for each in HONEST)))}
    return Shop(prefix=prefix, data=folder, database=sqlite(folder), environ=environ)


@pytest.fixture(scope="module")
def tried(prefix: Prefix, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Try the whole gallery in one process: whoever gets through spoils it for all that follow."""
    everybody = shop(prefix, tmp_path_factory.mktemp("rogues"), *ROGUES)
    done = everybody.python("tests.rogues.acts:run", {"names": list(ROGUES)})
    assert done.returncode == 0, done.stderr[-4000:]
    return done


@pytest.fixture(scope="module")
def found(tried: Done) -> dict[str, Any]:
    """Return what came of each rogue."""
    told: dict[str, Any] = json.loads(tried.stdout.splitlines()[-1])
    return told


def check(name: str, found: dict[str, Any]) -> None:
    rogue = ROGUES[name]
    assert found["state"] == rogue.state, found
    if rogue.ends:
        assert (found["ends"], rogue.says in found["says"]) == (rogue.ends, True), found
        assert len(found["says"]) < 500
        assert found["seconds"] < 3 * rogue.within
    else:
        assert rogue.says in found["why"]
    assert found["left"] == []
    assert found["others"] == []


@pytest.mark.parametrize("name", ROGUES)
def test_a_rogue_harms_nobody_else(name: str, found: dict[str, Any]) -> None:
    check(name, found[name])


@pytest.mark.full
@pytest.mark.parametrize("name", ROGUES)
def test_a_rogue_alone_in_its_process_harms_nobody_else(
    name: str, prefix: Prefix, tmp_path: Path
) -> None:
    alone = shop(prefix, tmp_path, name)

    tried = alone.ask("tests.rogues.acts:run", {"names": [name]})

    check(name, tried[name])


def test_control_without_a_guard_a_rogue_ends_its_process(prefix: Prefix, tmp_path: Path) -> None:
    alone = shop(prefix, tmp_path, "rogue-pay-exits")

    done = alone.python("tests.rogues.acts:bare", {"name": "rogue-pay-exits"})

    assert done.returncode == 3


def test_the_gallery_is_large_and_covers_every_class_and_kind() -> None:
    kinds = {rogue.kind for rogue in ROGUES.values()}

    assert len(ROGUES) >= 75
    assert min(len(rogues) for rogues in BY_CLASS.values()) >= 9
    assert kinds == {"pay", "price", "mail", "tell", "warm", "start"}


def test_who_dawdles_at_import_is_named_with_its_seconds(found: dict[str, Any]) -> None:
    [problem] = found["rogue-start-dawdles"]["problems"]

    assert problem.startswith("rogue-start-dawdles: importing it took 0.")


def test_no_secret_of_a_rogue_reaches_the_log(tried: Done) -> None:
    assert "plugin.call.failed" in tried.stderr
    assert "rogue-pay-tells" in tried.stderr
    assert SECRET not in tried.stdout + tried.stderr
