"""The ledger in a real database, and the requests that a core would make."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from hookspecs import Call, Customer, Money, OrderSnapshot, StartRequest
from payment_gift_card.ledger import issue
from payment_gift_card.settings import Settings
from payment_gift_card.strategy import GiftCardStrategy


@pytest.fixture(autouse=True)
def _real_transactions(transactional_db: None) -> None:
    """A durable transaction can't be part of a test's."""


@pytest.fixture
def strategy() -> GiftCardStrategy:
    return GiftCardStrategy(Settings())


@pytest.fixture
def call() -> Call:
    return Call(deadline=time.monotonic() + 15)


@pytest.fixture
def card() -> str:
    """A card worth 50.00 EUR."""
    return issue(Money(5000, "EUR"), tenant="default", now=timezone.now())


@pytest.fixture
def common() -> Callable[..., dict[str, Any]]:
    """What every command about one payment bears."""

    def make(minor: int = 1999, currency: str = "EUR", tenant: str = "default") -> dict[str, Any]:
        nothing = Money(0, currency)
        sums = dict.fromkeys(("shipping", "fees", "tax", "rounding"), nothing)
        order = OrderSnapshot(
            number="1001",
            tenant=tenant,
            placed_at=datetime.now(UTC),
            customer=Customer(ref=""),
            lines=(),
            total=Money(minor, currency),
            **sums,
        )
        return {
            "operation_id": f"op-{uuid.uuid4().hex}",
            "payment_id": uuid.uuid4().hex,
            "amount": Money(minor, currency),
            "order": order,
        }

    return make


@pytest.fixture
def starting(common: Callable[..., dict[str, Any]]) -> Callable[..., StartRequest]:
    urls = dict.fromkeys(("return_url", "cancel_url", "webhook_url"), "http://127.0.0.1:9/")

    def make(code: str, *, capture_now: bool = True, **about: Any) -> StartRequest:
        return StartRequest(
            **common(**about), **urls, capture_now=capture_now, inputs={"code": code}
        )

    return make
