"""The requests that a core makes of one payment, for the contract suite."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from core.testing.orders import ANNA, order_of
from hookspecs import (
    CaptureRequest,
    Customer,
    InquireRequest,
    Money,
    OrderSnapshot,
    RefundRequest,
    ResumeRequest,
    StartRequest,
    Verb,
    VoidRequest,
)

_PRICE: Final = Money(1999, "EUR")


def new_key() -> str:
    """Return an idempotency key, as long and as odd as the core's may be."""
    return f"op_{uuid.uuid4()}"


def about_a_payment(amount: Money = _PRICE) -> dict[str, Any]:
    """Return what every request about one new payment bears, to be filled up by hand."""
    return {"payment_id": uuid.uuid4().hex, "amount": amount, "order": order_of(amount)}


def a_start(about: Mapping[str, Any], **changes: Any) -> StartRequest:
    """Return the request that begins a payment, under a key of its own."""
    return StartRequest(
        **{
            **about,
            "operation_id": f"op-{uuid.uuid4().hex}",
            "return_url": "http://127.0.0.1:9/back?state=signed",
            "cancel_url": "http://127.0.0.1:9/cancel",
            "webhook_url": "http://127.0.0.1:9/hook",
            **changes,
        }
    )


@dataclass(slots=True)
class Asking:
    """One payment: its ids stay, the reference is what the provider has told so far."""

    amount: Money
    inputs: Mapping[str, str] = field(default_factory=dict)
    payment_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    reference: str | None = None
    customer: Customer = ANNA
    order: OrderSnapshot = field(init=False)

    def __post_init__(self) -> None:
        self.order = order_of(self.amount, customer=self.customer)

    def start(self, *, capture_now: bool = True) -> StartRequest:
        """Begin."""
        return StartRequest(
            **self._common(self.amount) | {"reference": None},
            return_url=f"https://shop.example/back/{self.payment_id}?state=signed",
            cancel_url="https://shop.example/cancel",
            webhook_url="https://shop.example/webhooks/plugin/endpoint",
            capture_now=capture_now,
            inputs=self.inputs,
        )

    def resume(self, *, capture_now: bool = True) -> ResumeRequest:
        """Go on."""
        return ResumeRequest(**self._common(self.amount), capture_now=capture_now)

    def capture(self, authorization_id: str, amount: Money) -> CaptureRequest:
        """Take what is held."""
        return CaptureRequest(**self._common(amount), authorization_id=authorization_id)

    def void(self, authorization_id: str | None) -> VoidRequest:
        """Give it back untaken."""
        return VoidRequest(**self._common(self.amount), authorization_id=authorization_id)

    def refund(self, capture_id: str, amount: Money) -> RefundRequest:
        """Give it back."""
        return RefundRequest(**self._common(amount), capture_id=capture_id, reason="returned")

    def inquire(
        self, verb: Verb = Verb.START, *, operation_id: str = "", blind: bool = False
    ) -> InquireRequest:
        """Look it up; ``blind`` is without the provider's reference."""
        common = self._common(self.amount)
        return InquireRequest(
            **common
            | {
                "operation_id": operation_id or common["operation_id"],
                "reference": None if blind else self.reference,
            },
            verb=verb,
            sent_at=datetime.now(UTC),
        )

    def _common(self, amount: Money) -> dict[str, Any]:
        return {
            "operation_id": new_key(),
            "payment_id": self.payment_id,
            "amount": amount,
            "order": self.order,
            "reference": self.reference,
        }
