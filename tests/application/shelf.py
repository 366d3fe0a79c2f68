"""Products, orders and payments for tests, made through the use cases."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from core.application.compose_order import Composition
from core.application.create_product import CreateProduct, create_product
from core.application.place_order import Placed, PlaceOrder, place_order
from core.application.publish_product import publish_product
from core.application.start_payment import StartPayment
from core.domain.lines import Wanted
from core.hooks.registry import Registry
from core.models import Stock
from hookspecs import Adjustment, Customer, Money, Phase, Quote, RuleInfo


def put(
    sku: str,
    minor: int,
    on_hand: int,
    *,
    now: datetime,
    publish: bool = True,
    currency: str = "EUR",
) -> None:
    create_product(
        CreateProduct(sku=sku, name=f"The {sku}", price=Money(minor, currency), on_hand=on_hand),
        now=now,
    )
    if publish:
        publish_product(sku=sku, now=now)


def wanting(*lines: tuple[str, int], **more: Any) -> Composition:
    wanted = tuple(Wanted(sku=sku, quantity=quantity) for sku, quantity in lines)
    contact = Customer(ref="", email="ada@example.org", name="Ada")
    return Composition(lines=wanted, **{"contact": contact, **more})


_COMPOSED = (
    *("terms", "terms_allowed", "currency", "customer_ref", "contact", "coupons"),
    *("shipping_method", "payment_strategy", "ship_to"),
)


def ordering(*lines: tuple[str, int], key: str = "", **more: Any) -> PlaceOrder:
    composed = {k: more.pop(k) for k in tuple(more) if k in _COMPOSED}
    return PlaceOrder(
        composition=wanting(*lines, **composed),
        principal="guest",
        key=key or uuid.uuid4().hex,
        source="test",
        **more,
    )


def placed(*lines: tuple[str, int], plugins: Registry, now: datetime, **more: Any) -> Placed:
    return place_order(ordering(*lines, **more), plugins=plugins, now=now)


def paying(order: Placed, *, code: str = "memory", key: str = "", **more: Any) -> StartPayment:
    return StartPayment(
        order_id=order.order_id,
        strategy_code=code,
        principal="guest",
        key=key or uuid.uuid4().hex,
        return_url="https://shop.example/return/{payment_id}",
        cancel_url="https://shop.example/cancel/{payment_id}",
        **more,
    )


def stock(sku: str) -> tuple[int, int]:
    """Return what is on hand and what is reserved."""
    row = Stock.objects.get(product__sku=sku)
    return row.on_hand, row.reserved


class Less:
    """One cent less on the first line."""

    info = RuleInfo(key="less", label="Less", phase=Phase.LINE)

    def propose(self, quote: Quote, /) -> list[Adjustment]:
        line = quote.lines[0].line_id
        return [Adjustment(target=line, amount=Money(-1, quote.currency), reason="a cent")]
