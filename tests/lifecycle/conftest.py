"""Shops of which each has its own copy of one database, with plugins from wheels."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connections

from tests.authors.blocks import HERE as AUTHORS
from tests.prefix import Prefix, Shop, made_once, sqlite

HERE = Path(__file__).parent
ACTS = "tests.lifecycle.acts"


class Databases:
    """Databases of the kind that this run tests, each a copy of another one or empty."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._made: list[str] = []

    def make(self, folder: Path, *, like: Path | None = None) -> str:
        """Return the address of a new one for the shop in `folder`."""
        if not self._server:
            for path in like.glob("shop.sqlite3*") if like else ():
                shutil.copy(path, folder)
            return sqlite(folder)
        name = f"lifecycle_{uuid.uuid4().hex}"
        template = f" TEMPLATE {(like / 'database').read_text()}" if like else ""
        self._do(f"CREATE DATABASE {name}{template}")
        self._made.append(name)
        (folder / "database").write_text(name)
        return urlsplit(self._server)._replace(path=f"/{name}").geturl()

    def drop(self) -> None:
        for name in self._made:
            self._do(f"DROP DATABASE {name} WITH (FORCE)")

    def _do(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement.encode())


@dataclass(frozen=True, slots=True)
class Ground:
    """A shop with history: a paid order, one that is being paid, and a key for refunds."""

    folder: Path
    history: dict[str, Any]
    ledger: Path


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    """Return what makes databases, and drop them in the end."""
    postgres = connections["default"].vendor == "postgresql"
    made = Databases(os.environ["DATABASE_URL"] if postgres else "")
    yield made
    made.drop()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the wheels of a way to pay and of a rule for prices."""
    with made_once(tmp_path_factory, "wheels") as (folder, is_empty):
        if is_empty:
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
            sources = [
                shutil.copytree(source, folder / source.name, ignore=ignored)
                for source in (HERE / "pay_ledger", AUTHORS / "pricing")
            ]
            Prefix.made(folder / "builder").build(folder, *sources)
    return sorted(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Prefix:
    """Return an environment with both plugins."""
    with made_once(tmp_path_factory, "installed") as (folder, is_empty):
        if not is_empty:
            return Prefix(folder)
        prefix = Prefix.made(folder)
        prefix.install(*wheels)
        return prefix


@pytest.fixture(scope="module")
def ground(
    installed: Prefix, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Ground:
    """Return a shop in which the way to pay has been used."""
    folder = tmp_path_factory.mktemp("ground")
    ledger = folder / "ledger.jsonl"
    environ = {"ORDERLOOM_PLUGINS": "pay-ledger", "ORDERLOOM_PAY_LEDGER__PATH": str(ledger)}
    shop = Shop(prefix=installed, data=folder, database=databases.make(folder), environ=environ)
    migrated = shop.manage("migrate", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
    return Ground(folder, shop.ask(f"{ACTS}:prepare"), ledger)


Opens = Callable[..., Shop]


@pytest.fixture
def opens(ground: Ground, databases: Databases, tmp_path: Path) -> Opens:
    """Return what opens the shop anew, with its own copy of the data, in an environment."""
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(ground.ledger, data)
    database = databases.make(data, like=ground.folder)

    def opened(prefix: Prefix, **environ: str) -> Shop:
        ledger = {"ORDERLOOM_PAY_LEDGER__PATH": str(data / ground.ledger.name)}
        return Shop(prefix=prefix, data=data, database=database, environ=ledger | environ)

    return opened
