"""Book units in or out of the shelf, with a reason, once per key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from core.context import tenant
from core.domain.errors import InvalidInput, NotFound, OutOfStock
from core.models import Product, Stock, StockReceipt
from core.models.sheet import violated_rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveStock:
    """``quantity`` units more (or, negative, fewer) of a product, booked once under ``key``."""

    sku: str
    quantity: int
    reason: str
    key: str


def receive_stock(command: ReceiveStock, *, now: datetime) -> bool:
    """Book a stock receipt; return False if this key was booked before.

    Raises:
        NotFound: no product has this sku.
        InvalidInput: a quantity of zero, or no key.
        OutOfStock: fewer units would be left than are promised to orders.
    """
    if command.quantity == 0 or not command.key:
        raise InvalidInput("A stock receipt needs a quantity and a key.", field="quantity")
    product = Product.objects.filter(sku=command.sku).only("id").first()
    if product is None:
        raise NotFound(f"There is no product {command.sku}.", sku=command.sku)
    try:
        with transaction.atomic(durable=True):
            StockReceipt(
                tenant_id=tenant().id,
                product_id=product.id,
                quantity=command.quantity,
                reason=command.reason,
                key=command.key,
                received_at=now,
            ).save(force_insert=True)
            Stock.objects.receive(product.id, command.quantity)
    except IntegrityError as exc:
        match violated_rule(exc):
            case "stock_receipt_key_unique":
                return False
            case "stock_reserved_within_on_hand":
                raise OutOfStock(
                    f"More of {command.sku} is promised to orders than would be left.",
                    skus=[command.sku],
                ) from exc
        raise
    return True
