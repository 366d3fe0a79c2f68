"""What we ask of Stripe, made from the request and the settings alone: the same at every attempt."""

from __future__ import annotations

from typing import Any

from hookspecs import RefundRequest, StartRequest
from payment_stripe_like.settings import Settings
from payment_stripe_like.wording import to_wire

Params = dict[str, Any]


def intent(request: StartRequest, settings: Settings) -> Params:
    """Charge a payment method at once; 3-D Secure by redirect."""
    return {
        "amount": to_wire(request.amount),
        "currency": request.amount.currency.lower(),
        "confirm": True,
        "payment_method": request.inputs["payment_method"],
        "payment_method_types": ["card"],
        "return_url": request.return_url,
        **_both(request, settings),
    }


def session(request: StartRequest, settings: Settings) -> Params:
    """Open a hosted card page for the whole amount, as one line."""
    price = {
        "currency": request.amount.currency.lower(),
        "unit_amount": to_wire(request.amount),
        "product_data": {"name": f"Order {request.order.number}"},
    }
    joint = "&" if "?" in request.return_url else "?"
    return {
        "mode": "payment",
        "client_reference_id": request.payment_id,
        "line_items": [{"price_data": price, "quantity": 1}],
        "payment_method_types": ["card"],
        "payment_intent_data": _both(request, settings),
        "metadata": _metadata(request),
        "success_url": f"{request.return_url}{joint}session_id={{CHECKOUT_SESSION_ID}}",
        "cancel_url": request.cancel_url,
    }


def refund(request: RefundRequest) -> Params:
    """Give back part or all of a charge."""
    return {
        "charge": request.capture_id,
        "amount": to_wire(request.amount),
        "metadata": {
            "payment_id": request.payment_id,
            "operation_id": request.operation_id,
            "reason": request.reason[:500],
        },
    }


def _both(request: StartRequest, settings: Settings) -> Params:
    params: Params = {
        "capture_method": "automatic" if request.capture_now else "manual",
        "description": f"Order {request.order.number}",
        "metadata": _metadata(request),
    }
    if settings.statement_suffix:
        params["statement_descriptor_suffix"] = settings.statement_suffix
    return params


def _metadata(request: StartRequest) -> dict[str, str]:
    return {
        "payment_id": request.payment_id,
        "operation_id": request.operation_id,
        "order": request.order.number,
    }
