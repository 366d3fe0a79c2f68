"""What the API answers, built from what is in memory and not validated once more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpResponse
from pydantic_core import to_json

from core.application.payment_step import PaymentStep, action_data
from core.application.place_order import Placed
from hookspecs import OrderPage, PaymentView, Product

__all__ = [
    "order_answer",
    "placed_answer",
    "product_answer",
    "products_answer",
    "reply",
    "step_answer",
]


def reply(
    said: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return an answer in JSON."""
    return HttpResponse(
        to_json(said, fallback=dict),
        status=status,
        content_type="application/json",
        headers=dict(headers or {}),
    )


def placed_answer(placed: Placed) -> dict[str, Any]:
    """Return what a customer keeps of a placed order; the same however often it is asked."""
    return {
        "order_id": placed.order_id,
        "number": placed.number,
        "token": placed.token,
        "total": placed.total,
    }


def order_answer(page: OrderPage) -> dict[str, Any]:
    """Return an order as its customer sees it."""
    order = page.order
    return {
        "order_id": page.order_id,
        "number": order.number,
        "status": page.status,
        "payment_status": page.payment_status,
        "placed_at": order.placed_at,
        "customer": order.customer,
        "lines": order.lines,
        "shipping": order.shipping,
        "fees": order.fees,
        "tax": order.tax,
        "rounding": order.rounding,
        "total": order.total,
        "bill_to": order.bill_to,
        "ship_to": order.ship_to,
        "payments": [_payment(payment) for payment in page.payments],
        "timeline": page.timeline,
        "steps": page.steps,
        "choices": page.choices,
        "undecided": page.undecided,
        "can_cancel": page.can_cancel,
    }


def _payment(payment: PaymentView) -> dict[str, Any]:
    return {
        "payment_id": payment.payment_id,
        "code": payment.code,
        "label": payment.label,
        "status": payment.status,
        "amount": payment.amount,
        "action": action_data(payment.action) if payment.action else None,
        "text": payment.text,
    }


def step_answer(step: PaymentStep) -> dict[str, Any]:
    """Return where a payment and its order stand after a step."""
    return {
        "order_id": step.order_id,
        "payment_id": step.payment_id,
        "order_status": step.order_status,
        "order_payment_status": step.order_payment_status,
        "status": step.payment_status,
        "operation_status": step.operation_status,
        "action": action_data(step.action) if step.action else None,
        "text": step.text,
    }


def product_answer(product: Product) -> dict[str, Any]:
    """Return a product, its categories in order."""
    return {
        "sku": product.sku,
        "name": product.name,
        "price": product.price,
        "available": product.available,
        "tax_class": product.tax_class,
        "categories": sorted(product.categories),
        "attributes": product.attributes,
        "description": product.description,
        "picture": product.picture,
    }


def products_answer(products: Iterable[Product], *, limit: int) -> dict[str, Any]:
    """Return a page of products, of which one more than ``limit`` was read."""
    found = [product_answer(product) for product in products]
    page = found[:limit]
    return {"items": page, "next": page[-1]["sku"] if len(found) > limit else None}
