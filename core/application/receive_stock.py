"""Book units in or out of the shelf, with a reason, once per key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from core.application.move_product import announce_products
from core.context import tenant
from core.domain.errors import IdempotencyConflict, InvalidInput, NotFound, OutOfStock
from core.domain.lines import MAX_QUANTITY
from core.models import Product, Stock, StockReceipt
from core.models.sheet import violated_rule

LONGEST_REASON: Final = 200


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
        InvalidInput: a quantity of zero or beyond all measure, no reason, or no key.
        OutOfStock: fewer units would be left than are promised to orders.
        IdempotencyConflict: the key was used for something else.
    """
    if command.quantity == 0 or abs(command.quantity) > MAX_QUANTITY:
        raise InvalidInput(
            f"A stock receipt needs a quantity of up to {MAX_QUANTITY}.", field="quantity"
        )
    product = find_product(command.sku, reason=command.reason, key=command.key)
    receipt = StockReceipt(
        tenant_id=tenant().id,
        product_id=product.id,
        quantity=command.quantity,
        reason=command.reason,
        key=command.key,
        received_at=now,
    )
    try:
        with transaction.atomic(durable=True):
            receipt.save(force_insert=True)
            Stock.objects.receive(product.id, command.quantity)
            announce_products([command.sku], now=now)
    except IntegrityError as exc:
        return booked_before(exc, receipt, sku=command.sku)
    return True


def receipt_under(key: str) -> StockReceipt:
    """Return what was booked under a key.

    Raises:
        NotFound: nothing was.
    """
    receipt = StockReceipt.objects.filter(key=key).first()
    if receipt is None:
        raise NotFound("There is no such receipt.")
    return receipt


def find_product(sku: str, *, reason: str, key: str) -> Product:
    """Return the product whose stock is booked, with a reason and a key.

    Raises:
        InvalidInput: no reason or no key.
        NotFound: no product has this sku.
    """
    if not reason.strip() or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise InvalidInput(
            f"Stock moves for a reason of 1 to {LONGEST_REASON} characters.", field="reason"
        )
    if not key:
        raise InvalidInput("A stock receipt needs a key.", field="key")
    product = Product.objects.filter(sku=sku).only("id").first()
    if product is None:
        raise NotFound(f"There is no product {sku}.", sku=sku)
    return product


def booked_before(exc: IntegrityError, wanted: StockReceipt, *, sku: str) -> bool:
    """Say, of a receipt that couldn't be written, that its like was written before: False.

    Raises:
        OutOfStock: fewer units would be left than are promised to orders.
        IdempotencyConflict: the key was used for something else.
    """
    match violated_rule(exc):
        case "stock_receipt_key_unique":
            there = StockReceipt.objects.get(key=wanted.key)
            same = [
                (one.product_id, one.reason, one.counted)
                + (() if one.counted is not None else (one.quantity,))
                for one in (there, wanted)
            ]
            if same[0] != same[1]:
                raise IdempotencyConflict("This key was used for another receipt.") from exc
            return False
        case "stock_reserved_within_on_hand":
            raise OutOfStock(
                f"More of {sku} is promised to orders than would be left.", skus=[sku]
            ) from exc
    raise exc
