"""A real sandbox process, an order, and the requests that a core would make."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.testing.payment_requests import a_start, about_a_payment
from hookspecs import Call, Secret, StartRequest
from payment_stripe_like.gateway import Gateway
from payment_stripe_like.settings import Settings
from payment_stripe_like.strategy import StripeStrategy
from sandbox_gateways.process import SandboxProcess


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox") / "ledger.sqlite3") as running:
        yield running


@pytest.fixture
def sandbox(running_sandbox: SandboxProcess) -> Iterator[SandboxProcess]:
    yield running_sandbox
    running_sandbox.tidy()


@pytest.fixture
def make_strategy(sandbox: SandboxProcess) -> Callable[..., StripeStrategy]:
    def make(**settings: Any) -> StripeStrategy:
        given = {"base": sandbox.base, "webhook_secrets": (Secret("whsec_sandbox"),), **settings}
        filled = Settings(api_key=Secret("sk_sandbox"), **given)
        return StripeStrategy(filled, Gateway(filled))

    return make


@pytest.fixture
def strategy(make_strategy: Callable[..., StripeStrategy]) -> StripeStrategy:
    return make_strategy()


@pytest.fixture
def call() -> Call:
    return Call(deadline=time.monotonic() + 15)


@pytest.fixture
def common() -> dict[str, Any]:
    """What every command about one payment bears."""
    return about_a_payment()


@pytest.fixture
def start_request(common: dict[str, Any]) -> Callable[..., StartRequest]:
    def make(*, payment_method: str = "", **changes: Any) -> StartRequest:
        inputs = {"payment_method": payment_method} if payment_method else {}
        return a_start(common, **{"inputs": inputs, **changes})

    return make
