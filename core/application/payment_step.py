"""Where a payment stands after a step, in words that doors can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.domain.errors import NotFound
from core.models import Operation, Payment
from hookspecs import ClientConfirm, NeedsCustomer, PaymentInfo, Redirect, Show

Action = Redirect | ClientConfirm | Show


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStep:
    """A payment and its last command. ``action`` is the customer's part, if it's their turn."""

    order_id: UUID
    payment_id: UUID
    operation_id: UUID | None
    order_status: str
    order_payment_status: str
    payment_status: str
    operation_status: str
    action: Action | None
    text: str


def payment_step(payment_id: UUID) -> PaymentStep:
    """Read where a payment stands.

    Raises:
        NotFound: there is no such payment.
    """
    payment = Payment.objects.select_related("order").filter(pk=payment_id).first()
    if payment is None:
        raise NotFound("There is no such payment.")
    last = Operation.objects.filter(payment_id=payment_id).order_by("-created_at", "-id").first()
    return PaymentStep(
        order_id=payment.order_id,
        payment_id=payment.id,
        operation_id=last.id if last else None,
        order_status=payment.order.status,
        order_payment_status=payment.order.payment_status,
        payment_status=payment.status,
        operation_status=last.status if last else "",
        action=last_action(last) if last else None,
        text=str((last.outcome or {}).get("text", "")) if last else "",
    )


def last_action(operation: Operation) -> Action | None:
    """Return what the customer has to do for a command, while it waits for them."""
    if operation.status != "NEEDS_CUSTOMER" or operation.action is None:
        return None
    return action_from(operation.action)


def action_data(action: Action) -> dict[str, Any]:
    """Turn an action into what is stored of it."""
    match action:
        case Redirect(url=url, fields=fields):
            return {"kind": "redirect", "url": url, "fields": dict(fields)}
        case ClientConfirm(script=script, data=data):
            return {"kind": "confirm", "script": script, "data": dict(data)}
        case Show(text=text, details=details):
            return {"kind": "show", "text": text, "details": dict(details)}


def waits_until(needed: NeedsCustomer, info: PaymentInfo, *, since: datetime) -> NeedsCustomer:
    """Say when a customer's time to act is over, where the gateway doesn't: by its info."""
    if needed.expires_at is not None or info.approval_lasts is None:
        return needed
    return replace(needed, expires_at=since + info.approval_lasts)


def waiting_data(needed: NeedsCustomer) -> dict[str, Any]:
    """Turn what a gateway wants of a customer into what a command stores of it."""
    until = needed.expires_at
    return action_data(needed.action) | {"expires_at": until.isoformat() if until else None}


def action_from(data: Mapping[str, Any]) -> Action:
    """Turn what is stored back into an action."""
    if data["kind"] == "redirect":
        return Redirect(url=data["url"], fields=data["fields"])
    if data["kind"] == "confirm":
        return ClientConfirm(script=data["script"], data=data["data"])
    return Show(text=data["text"], details=data["details"])
