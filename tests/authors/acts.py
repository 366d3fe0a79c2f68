"""What is done in a shop with an author's plugin in it, each in a process of that shop."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from core.application.compose_order import Composition
from core.application.create_product import CreateProduct, create_product
from core.application.drain_inbox import drain_inbox
from core.application.expire_orders import expire_orders
from core.application.place_order import PlaceOrder, place_order
from core.application.publish_product import publish_product
from core.application.queries import order_page, payment_choices
from core.application.quote_order import QuoteOrder, quote_order
from core.application.read_cached import read_cached
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.application.refresh_registry import refresh_registry
from core.application.start_payment import StartPayment, start_payment
from core.application.warm_caches import warm_caches
from core.domain.order import Wanted
from core.domain.receipt import Step
from core.models import InboxEntry
from hookspecs import Customer, Money

PRICES = {"cup": 1000, "jug": 2500, "spoon": 333}


def stock_up() -> None:
    """Put three products on the shelf."""
    now = timezone.now()
    for sku, minor in PRICES.items():
        product = CreateProduct(sku=sku, name=sku.title(), price=Money(minor, "EUR"), on_hand=50)
        create_product(product, now=now)
        publish_product(sku=sku, now=now)


def quote(**pieces: int) -> dict[str, Any]:
    """Price an order of so many pieces."""
    command = QuoteOrder(composition=_composition(pieces))
    priced = quote_order(command, plugins=refresh_registry(), now=timezone.now()).priced
    return {"total": priced.total_minor, "steps": [_said(step) for step in priced.steps]}


def _said(step: Step) -> dict[str, Any]:
    proposals = [asdict(proposal) for proposal in step.proposals]
    return {**step._asdict(), "proposals": proposals}


def place(**pieces: int) -> dict[str, str]:
    """Place an order of so many pieces."""
    command = PlaceOrder(
        composition=_composition(pieces), principal="guest", key=uuid.uuid4().hex, source="TEST"
    )
    placed = place_order(command, plugins=refresh_registry(), now=timezone.now())
    return {"order_id": str(placed.order_id), "number": placed.number}


def pay(code: str, **pieces: int) -> dict[str, Any]:
    """Place an order, begin to pay it, and say what its customer sees."""
    plugins, now = refresh_registry(), timezone.now()
    order = place(**pieces)
    choices = payment_choices(plugins=plugins, currency="EUR", total_minor=1000)
    command = StartPayment(
        order_id=UUID(order["order_id"]),
        strategy_code=code,
        principal="guest",
        key=uuid.uuid4().hex,
        return_url="https://shop.example/back",
        cancel_url="https://shop.example/back",
    )
    start_payment(command, plugins=plugins, now=now)
    return {**order, "choices": {one.code: one.label for one in choices}, **_seen(order)}


def _seen(order: dict[str, str]) -> dict[str, Any]:
    page = order_page(UUID(order["order_id"]), plugins=refresh_registry())
    action = page.payments[0].action
    return {
        "status": page.status,
        "payment_status": page.payment_status,
        "payments": [one.status for one in page.payments],
        "action": asdict(action) if action else None,
        "undecided": page.undecided,
    }


def book(order: dict[str, str], bookings: list[dict[str, Any]], key: str) -> dict[str, Any]:
    """Send bookings to the plugin's address, signed, and work them off."""
    plugin, now = "payment-invoice", timezone.now()
    endpoint = webhook_endpoint(plugin=plugin, now=now)
    entries = []
    for booking in bookings:
        body = json.dumps(booking).encode()
        signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        entries.append(
            receive_webhook(
                plugin=plugin,
                endpoint_id=endpoint,
                body=body,
                headers={"X-Signature": signature},
                now=now,
            )
        )
    drain_inbox(plugins=refresh_registry(), now=timezone.now())
    rows = InboxEntry.objects.in_bulk(entries)
    return {**_seen(order), "inbox": [rows[entry].status for entry in entries]}


def wait(order: dict[str, str], days: float) -> dict[str, Any]:
    """Let days pass, and whatever nobody paid expire."""
    expire_orders(plugins=refresh_registry(), now=timezone.now() + timedelta(days=days))
    return _seen(order)


def warm() -> dict[str, Any]:
    """Warm the caches, then read what is warm without letting anybody load."""
    plugins = refresh_registry()
    rounds = warm_caches(plugins=plugins, namespaces=["bargains"])
    return {
        "loaded": [one.loaded for one in rounds],
        "complete": [one.complete for one in rounds],
        "cached": dict(read_cached("bargains", ["EUR"], plugins=plugins)),
    }


def _composition(pieces: dict[str, int]) -> Composition:
    return Composition(
        lines=tuple(Wanted(sku=sku, quantity=count) for sku, count in pieces.items()),
        contact=Customer(ref="", email="anna@example.com", name="Anna"),
    )
