"""The shelf of tests/application, a sandbox per module, and durations in tenths of a second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.context import TenantRef
from core.hooks.registry import Registry
from sandbox_gateways.process import SandboxProcess
from tests.application.conftest import shelf, shop
from tests.application.shelf import put
from tests.gateways.till import clock, paypal_at, registry_at, stripe_at

__all__ = ["shelf", "shop"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox") / "ledger.sqlite3") as running:
        yield running


@pytest.fixture
def sandbox(running: SandboxProcess) -> Iterator[SandboxProcess]:
    yield running
    running.control("DELETE faults")
    running.control("DELETE requests")
    running.control("DELETE webhooks")
    running.control("POST webhooks", alter={}, forge=False, drop=0)
    running.control("POST options", stripe_keys_kept=86_400, paypal_keys_kept=21_600)


@pytest.fixture
def tenths(settings: Any) -> Any:
    """Let what takes seconds or hours take tenths of a second."""
    settings.ORDERLOOM_CALL_DEADLINE_SECONDS = 0.5
    settings.ORDERLOOM_LEASE_SECONDS = 0.2
    settings.ORDERLOOM_LOOK_UPS = [0.1] * 60
    return settings


@pytest.fixture
def patient(tenths: Any) -> None:
    """Give calls that nothing holds up the time that a busy computer needs."""
    tenths.ORDERLOOM_CALL_DEADLINE_SECONDS = 5.0


@pytest.fixture
def mugs(shop: TenantRef, tenths: Any) -> TenantRef:
    """Put more mugs on the shelf than any test sells, and one vase."""
    put("mug", 1000, 100_000, now=clock())
    put("vase", 5000, 1, now=clock())
    return shop


@pytest.fixture
def plugins(sandbox: SandboxProcess) -> Registry:
    return registry_at(stripe_at(sandbox.base), paypal_at(sandbox.base))
