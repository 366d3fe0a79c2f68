"""One sandbox for all the cases of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox_gateways.process import SandboxProcess


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    path = tmp_path_factory.mktemp("sandbox") / "ledger.sqlite3"
    with SandboxProcess(path) as running:
        yield running
