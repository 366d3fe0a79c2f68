"""What we ask of PayPal, made from the request and the settings alone: the same at every attempt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hookspecs import RefundRequest, StartRequest
from payment_paypal_like.settings import Settings
from payment_paypal_like.wording import to_wire

Params = dict[str, Any]


def order(request: StartRequest, settings: Settings, amount: Mapping[str, str]) -> Params:
    """Create an order of one unit, for the buyer to approve on PayPal's page."""
    context = {
        "return_url": request.return_url,
        "cancel_url": request.cancel_url,
        "user_action": "PAY_NOW",
        "shipping_preference": "NO_SHIPPING",
    }
    if settings.brand_name:
        context["brand_name"] = settings.brand_name
    unit = {
        "amount": amount,
        "custom_id": request.payment_id,
        "description": f"Order {request.order.number}"[:127],
    }
    return {
        "intent": "CAPTURE" if request.capture_now else "AUTHORIZE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": context}},
    }


def refund(request: RefundRequest) -> Params:
    """Give back part or all of a capture; ``custom_id`` names the payment and the operation."""
    body: Params = {
        "amount": to_wire(request.amount),
        "custom_id": f"{request.payment_id}/{request.operation_id}",
    }
    if request.reason:
        body["note_to_payer"] = request.reason[:255]
    return body
