"""What the API answers, built from what is in memory and not validated once more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from django.http import HttpResponse
from pydantic_core import to_json

from core.application.payment_step import PaymentStep, action_data
from core.application.place_order import Placed
from core.domain.prices import ListedPrice
from core.models import StockReceipt
from hookspecs import Money, OrderPage, PaymentView, Product


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
    return {
        **_fields(page.order, without="tenant"),
        **_fields(page, without="order"),
        "payments": [step_answer(payment) for payment in page.payments],
    }


def product_answer(product: Product) -> dict[str, Any]:
    """Return a product, its categories in order."""
    return _fields(product) | {"categories": sorted(product.categories)}


def products_answer(products: Iterable[Product], *, limit: int) -> dict[str, Any]:
    """Return a page of products, of which one more than ``limit`` was read."""
    found = [product_answer(product) for product in products]
    page = found[:limit]
    return {"items": page, "next": page[-1]["sku"] if len(found) > limit else None}


def prices_answer(sku: str, prices: Iterable[ListedPrice]) -> dict[str, Any]:
    """Return what a product costs beside its own price."""
    shown = [
        {
            "price": Money(one.minor, one.currency),
            "from_quantity": one.from_quantity,
            "valid_from": one.valid_from,
            "valid_until": one.valid_until,
        }
        for one in prices
    ]
    return {"sku": sku, "prices": shown}


def receipt_answer(sku: str, receipt: StockReceipt) -> dict[str, Any]:
    """Return what was booked; the same however often it is asked."""
    names = ("quantity", "counted", "reason", "received_at")
    return {"sku": sku} | {name: getattr(receipt, name) for name in names}


def step_answer(said: PaymentView | PaymentStep) -> dict[str, Any]:
    """Return where a payment stands, and what its customer does next."""
    return _fields(said) | {"action": action_data(said.action) if said.action else None}


def _fields(said: Any, *, without: str = "") -> dict[str, Any]:
    return {one.name: getattr(said, one.name) for one in fields(said) if one.name != without}
