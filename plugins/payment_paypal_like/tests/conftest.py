"""A real sandbox process, an order, and the requests that a core would make."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from hookspecs import Call, Customer, Money, OrderSnapshot, Secret, StartRequest
from payment_paypal_like.gateway import Gateway
from payment_paypal_like.settings import Settings
from payment_paypal_like.strategy import PaypalStrategy
from sandbox_gateways.process import SandboxProcess


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox") / "ledger.sqlite3") as running:
        yield running


@pytest.fixture
def sandbox(running_sandbox: SandboxProcess) -> Iterator[SandboxProcess]:
    yield running_sandbox
    running_sandbox.control("DELETE faults")
    running_sandbox.control("DELETE webhooks")
    running_sandbox.control("POST options", refund_status="SUCCEEDED")


@pytest.fixture
def make_strategy(sandbox: SandboxProcess) -> Callable[..., PaypalStrategy]:
    def make(**settings: Any) -> PaypalStrategy:
        given = {"base": sandbox.base, "webhook_id": "WH-SANDBOX", **settings}
        filled = Settings(client_id="sandbox", client_secret=Secret("sandbox"), **given)
        return PaypalStrategy(filled, Gateway(filled))

    return make


@pytest.fixture
def strategy(make_strategy: Callable[..., PaypalStrategy]) -> PaypalStrategy:
    return make_strategy()


@pytest.fixture
def call() -> Call:
    return Call(deadline=time.monotonic() + 15)


@pytest.fixture
def common() -> dict[str, Any]:
    """What every command about one payment bears."""
    amount = Money(1999, "EUR")
    nothing = Money(0, "EUR")
    order = OrderSnapshot(
        number="1001",
        tenant="default",
        placed_at=datetime.now(UTC),
        customer=Customer(ref="", email="anna@example.org"),
        lines=(),
        shipping=nothing,
        fees=nothing,
        tax=nothing,
        rounding=nothing,
        total=amount,
    )
    payment_id = uuid.uuid4().hex
    return {"payment_id": payment_id, "amount": amount, "order": order}


@pytest.fixture
def start_request(common: dict[str, Any]) -> Callable[..., StartRequest]:
    def make(**changes: Any) -> StartRequest:
        return StartRequest(
            **{
                **common,
                "operation_id": f"op-{uuid.uuid4().hex}",
                "return_url": "http://127.0.0.1:9/back?state=signed",
                "cancel_url": "http://127.0.0.1:9/cancel",
                "webhook_url": "http://127.0.0.1:9/hook",
                **changes,
            }
        )

    return make
