"""Stock over the API: what came, what went, what somebody counted."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from ninja import Router

from core.application.correct_stock import CorrectStock, correct_stock
from core.application.receive_stock import ReceiveStock, receipt_under, receive_stock
from core.http.answers import receipt_answer, reply
from core.http.auth import DoorRequest, Key
from core.http.catalogue_schemas import AskedCount, AskedReceipt, ReceiptAnswer
from core.http.orders import IDEMPOTENT, idempotency_key

router = Router(tags=["stock"])

_WRITES = Key("stock:write")


@router.post(
    "/products/{path:sku}/stock/receipts",
    auth=_WRITES,
    response={201: ReceiptAnswer},
    openapi_extra=IDEMPOTENT,
)
def receive(request: DoorRequest, sku: str, asked: AskedReceipt) -> HttpResponse:
    """Book units in or, negative, out of the shelf, with a reason."""
    key = _key(request)
    command = ReceiveStock(sku=sku, quantity=asked.quantity, reason=asked.reason, key=key)
    receive_stock(command, now=timezone.now())
    return reply(receipt_answer(sku, receipt_under(key)), status=201)


@router.post(
    "/products/{path:sku}/stock/counts",
    auth=_WRITES,
    response={201: ReceiptAnswer},
    openapi_extra=IDEMPOTENT,
)
def count(request: DoorRequest, sku: str, asked: AskedCount) -> HttpResponse:
    """Correct the stock to what somebody has counted, with a reason."""
    key = _key(request)
    command = CorrectStock(sku=sku, counted=asked.counted, reason=asked.reason, key=key)
    correct_stock(command, now=timezone.now())
    return reply(receipt_answer(sku, receipt_under(key)), status=201)


def _key(request: DoorRequest) -> str:
    return f"{request.auth.principal}:{idempotency_key(request)}"
