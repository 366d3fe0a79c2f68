"""What people do in a shop, over its API, each round in a process of that shop."""

from __future__ import annotations

import json
import uuid
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import Count
from django.test import Client
from django.utils import timezone

from core.application.create_product import CreateProduct, create_product
from core.application.publish_product import publish_product
from core.application.queries import order_page
from core.application.receive_webhook import webhook_endpoint
from core.application.refresh_registry import refresh_registry
from core.context import DEFAULT_TENANT
from core.infrastructure.tokens import digest_of, new_api_key
from core.models import ApiKey, Delivery, InboxEntry, Operation, Payment
from hookspecs import Money

CUPS = {"lines": [{"sku": "cup", "quantity": 3}]}


def prepare() -> dict[str, Any]:
    """Sell one order that is paid, and one whose customer is still at the provider's."""
    now, secret = timezone.now(), new_api_key()
    create_product(
        CreateProduct(sku="cup", name="Cup", price=Money(1000, "EUR"), on_hand=100), now=now
    )
    publish_product(sku="cup", now=now)
    ApiKey(
        tenant_id=DEFAULT_TENANT.id,
        label="desk",
        digest=digest_of(secret),
        scopes=["payments:refund"],
        created_at=now,
    ).save()
    orders = {"paid": _sold("ledger"), "begun": _sold("ledger-later")}
    return {"orders": orders, "key": secret}


def furnish() -> dict[str, str]:
    """Put cups on the shelf; return a key for programs, a session of the staff, an endpoint."""
    now, secret = timezone.now(), new_api_key()
    create_product(
        CreateProduct(sku="cup", name="Cup", price=Money(1000, "EUR"), on_hand=1000), now=now
    )
    publish_product(sku="cup", now=now)
    scopes = ["payments:refund", "payments:capture", "payments:void", "orders:write", "orders:read"]
    ApiKey(
        tenant_id=DEFAULT_TENANT.id,
        label="desk",
        digest=digest_of(secret),
        scopes=scopes,
        created_at=now,
    ).save()
    staff = Client()
    staff.force_login(User.objects.create_superuser("boss"))
    endpoint = webhook_endpoint(plugin="pay-ledger", now=now)
    return {"key": secret, "session": staff.cookies["sessionid"].value, "endpoint": endpoint}


def inspect(forget: str = "") -> dict[str, Any]:
    """Say what commands say of the plugin, and count what there is, by state.

    The charge in doubt of the payment `forget` is taken for declined, as where Unknown is no value.
    """

    def by(rows: Any, column: str) -> dict[str, int]:
        return dict(rows.values_list(column).annotate(Count("pk")).order_by())

    told, code = _said("plugins", "uninstall", "pay-ledger", "--plan", "--json")
    listed = json.loads(_said("plugins", "list", "--json")[0])
    orders = [json.loads(row) for row in _exported()]
    seen = {
        "payments": by(Payment.objects, "status"),
        "operations": by(Operation.objects, "status"),
        "mails": by(Delivery.objects.exclude(channel=""), "status"),
        "webhooks": by(InboxEntry.objects, "status"),
        "plan": json.loads(told) | {"exit": code},
        "row": next(row for row in listed if row["name"] == "pay-ledger"),
        "exported": {
            row["number"]: [one["distribution"] for one in row["payments"]] for row in orders
        },
    }
    if forget:
        seen["forgotten"] = Operation.objects.filter(payment_id=forget, status="UNKNOWN").update(
            status="DECLINED", due_at=None
        )
    return seen


def _exported() -> list[str]:
    """Return the lines of `export orders`."""
    with TemporaryDirectory() as folder:
        _said("export", "orders", f"{folder}/orders.jsonl")
        return Path(folder, "orders.jsonl").read_text(encoding="utf-8").splitlines()


def _said(*command: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command(*command, stdout=out)
    except SystemExit as ended:
        return out.getvalue(), int(str(ended.code))
    return out.getvalue(), 0


def look(orders: dict[str, Any], key: str) -> dict[str, Any]:
    """Try everything that has to do with the plugin, and what hasn't."""
    paid, begun = orders["paid"], orders["begun"]
    strategies = _get("/payment-strategies?currency=EUR")
    placed = _post("/orders", CUPS)
    return {
        "choices": [one["code"] for one in strategies["items"]],
        "quote": _brief(_post("/quotes", CUPS)),
        "placed": placed["status_code"],
        "started": _brief(_start(placed, "ledger")),
        "pages": {name: _page(order) for name, order in orders.items()},
        "shown": {name: _shown(order) for name, order in orders.items()},
        "resumed": _brief(_post(f"{_payment(begun)}/resume", **_holding(begun))),
        "refunded": _brief(_post(f"{_payment(paid)}/refund", Authorization=f"Bearer {key}")),
    }


def quote() -> dict[str, Any]:
    """Price three cups."""
    return _brief(_post("/quotes", CUPS))


def _sold(code: str) -> dict[str, Any]:
    placed = _post("/orders", CUPS)
    started = _start(placed, code)
    assert started["status_code"] == 201, started
    return {**placed, "payment_id": started["payment_id"]}


def _start(placed: dict[str, Any], code: str) -> dict[str, Any]:
    back = "https://shop.example/back"
    body = {"strategy": code, "return_url": back, "cancel_url": back}
    return _post(f"/orders/{placed['order_id']}/payments", body, **_holding(placed))


def _page(order: dict[str, Any]) -> list[Any]:
    page = order_page(UUID(order["order_id"]), plugins=refresh_registry())
    return [page.status, *(each for one in page.payments for each in (one.label, one.status))]


def _shown(order: dict[str, Any]) -> list[Any]:
    shown = _get(f"/orders/{order['order_id']}", **_holding(order))
    return [shown["status_code"], shown["status"], shown["payments"][0]["label"]]


def _payment(order: dict[str, Any]) -> str:
    return f"/orders/{order['order_id']}/payments/{order['payment_id']}"


def _holding(order: dict[str, Any]) -> dict[str, str]:
    return {"X-Order-Token": order["token"]}


def _brief(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what matters of an answer: a problem's words, an amount, what a payment came to."""
    words = ("status_code", "code", "detail", "plugin", "distribution", "order_payment_status")
    said = {name: answer[name] for name in words if name in answer}
    return said | ({"total": answer["total"]["minor"]} if "total" in answer else {})


def _get(path: str, **headers: str) -> dict[str, Any]:
    return _answer(Client().get(f"/api/v1{path}", headers=headers))


def _post(path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    headers = {"Idempotency-Key": uuid.uuid4().hex, **headers}
    return _answer(
        Client().post(
            f"/api/v1{path}",
            data=json.dumps(body or {}),
            content_type="application/json",
            headers=headers,
        )
    )


def _answer(response: Any) -> dict[str, Any]:
    return {**response.json(), "status_code": response.status_code}
