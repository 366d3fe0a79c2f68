"""Correct the stock to what somebody has counted, with a reason, once per key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from core.application.move_product import announce_products
from core.application.receive_stock import booked_before, find_product
from core.context import tenant
from core.domain.errors import InvalidInput
from core.domain.lines import MAX_QUANTITY
from core.models import Stock, StockReceipt


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectStock:
    """``counted`` units of a product lie on the shelf, those promised to orders included."""

    sku: str
    counted: int
    reason: str
    key: str


def correct_stock(command: CorrectStock, *, now: datetime) -> bool:
    """Book what a count found, as the difference to what was believed.

    The stock is locked while the difference is taken, so that a receipt or a shipment under way
    counts before or after, never half. Returns False if this key was booked before.

    Raises:
        NotFound: no product has this sku.
        InvalidInput: a count below zero or beyond all measure, no reason, or no key.
        OutOfStock: more is promised to orders than was found.
        IdempotencyConflict: the key was used for something else.
    """
    if not 0 <= command.counted <= MAX_QUANTITY:
        raise InvalidInput(f"A count is from 0 to {MAX_QUANTITY}.", field="counted")
    product = find_product(command.sku, reason=command.reason, key=command.key)
    receipt = StockReceipt(
        tenant_id=tenant().id,
        product_id=product.id,
        quantity=0,
        counted=command.counted,
        reason=command.reason,
        key=command.key,
        received_at=now,
    )
    try:
        with transaction.atomic(durable=True):
            stock = Stock.objects.select_for_update().get(product_id=product.id)
            receipt.quantity = command.counted - stock.on_hand
            receipt.save(force_insert=True)
            Stock.objects.receive(product.id, receipt.quantity)
            announce_products([command.sku], now=now)
    except IntegrityError as exc:
        return booked_before(exc, receipt, sku=command.sku)
    return True
