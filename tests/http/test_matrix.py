"""Every endpoint against everybody who may not: refused, and nothing of an order gets out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from core.http.api import api as described
from core.http.auth import SCOPES, Anyone, Key, OrderHolder, Policy
from core.models import Order, Tenant
from tests.http.conftest import Api, basket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shelf")]

Keys = Callable[..., dict[str, str]]
CANARY = "canary-7d20@shop.test"
BODIES: dict[str, Any] = {
    "/products": {"sku": "cup", "name": "Cup", "price": {"minor": 1, "currency": "EUR"}},
    "/coupons": {"code": "SPRING"},
    "/products/{path:sku}/prices": {"prices": []},
    "/products/{path:sku}/stock/receipts": {"quantity": 1, "reason": "found"},
    "/products/{path:sku}/stock/counts": {"counted": 1, "reason": "counted"},
    "/categories": {"name": "Tea"},
    "/families": {"name": "Tea", "options": ["Size"]},
    "/orders/{order_id}/payments": {
        "strategy": "memory",
        "return_url": "https://a.test/",
        "cancel_url": "https://a.test/",
    },
}


def endpoints(kind: type[Policy]) -> list[tuple[str, str, str]]:
    """Return method, path and scope of every endpoint under a kind of policy."""
    return [
        (method, f"/{path.strip('/')}", getattr(policy, "scope", ""))
        for bound in described._get_bound_routers()
        for path, view in bound.path_operations.items()
        for operation in view.operations
        for method in operation.methods
        for policy in operation.auth_callbacks
        if type(policy) is kind
    ]


def fill(path: str, order: dict[str, Any]) -> str:
    plain = path.replace("{path:sku}", "draft").replace("{payment_id}", str(uuid.uuid4()))
    plain = plain.replace("{code}", "SPRING").replace("{slug}", "tea")
    return plain.replace("{order_id}", order["order_id"])


def ask(method: str, path: str, order: dict[str, Any], **headers: str) -> Any:
    api, filled = Api(), fill(path, order)
    if method == "GET":
        return api.get(filled, **headers)
    key = uuid.uuid4().hex
    return api.send(method, filled, BODIES.get(path), Idempotency_Key=key, **headers)


@pytest.fixture
def order(api: Api) -> dict[str, Any]:
    body = basket(("tea", 1), contact={"email": CANARY, "name": "Anna"})
    placed: dict[str, Any] = api.post("/orders", body, Idempotency_Key="mine").json()
    return placed


@pytest.fixture
def strangers(key: Keys) -> dict[str, dict[str, str]]:
    """Return the headers of keys that open nothing here."""
    Tenant.objects.create(id=2, slug="other")
    now = timezone.now()
    return {
        "expired": key(*SCOPES, expires_at=now - timedelta(seconds=1)),
        "revoked": key(*SCOPES, revoked_at=now),
        "another tenant's": key(*SCOPES) | {"X-Orderloom-Tenant": "other"},
        "guessed": {"Authorization": "Bearer ol_guessed"},
    }


def refused(answer: Any, status: int) -> None:
    assert answer.status_code == status, answer.content
    assert CANARY not in answer.content.decode()


@pytest.mark.parametrize(("method", "path", "scope"), endpoints(Key))
def test_what_needs_a_key_is_closed(
    method: str,
    path: str,
    scope: str,
    order: dict[str, Any],
    key: Keys,
    strangers: dict[str, dict[str, str]],
) -> None:
    without = key(*(set(SCOPES) - {scope}))

    refused(ask(method, path, order), 401)
    refused(ask(method, path, order, **without), 403)
    for headers in strangers.values():
        refused(ask(method, path, order, **headers), 401)
    assert Order.objects.get().status == "CONFIRMED"


@pytest.mark.parametrize(("method", "path", "scope"), endpoints(OrderHolder))
def test_an_order_is_closed_to_everybody_else(
    method: str,
    path: str,
    scope: str,
    order: dict[str, Any],
    api: Api,
    key: Keys,
    strangers: dict[str, dict[str, str]],
) -> None:
    other = api.post("/orders", basket(("tea", 1)), Idempotency_Key="other").json()
    without = key(*(set(SCOPES) - {scope}))

    refused(ask(method, path, order), 404)
    refused(ask(method, path, order, **{"X-Order-Token": other["token"]}), 404)
    refused(ask(method, path, order, **without), 403)
    for headers in strangers.values():
        refused(ask(method, path, order, **headers), 401)
    assert {order.status for order in Order.objects.all()} == {"CONFIRMED"}


@pytest.mark.parametrize(("method", "path", "scope"), endpoints(OrderHolder) + endpoints(Key))
def test_staff_without_the_permission_are_refused(
    method: str, path: str, scope: str, order: dict[str, Any]
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_user("anna", is_staff=True))

    answer = client.generic(
        method,
        f"/api/v1{fill(path, order)}",
        data="" if method == "GET" else json.dumps(BODIES.get(path, {})),
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )

    refused(answer, 403)


def test_only_these_are_open_to_everybody() -> None:
    assert {(method, path) for method, path, _ in endpoints(Anyone)} == {
        ("POST", "/quotes"),
        ("POST", "/orders"),
        ("GET", "/products"),
        ("GET", "/products/{path:sku}"),
        ("GET", "/categories"),
        ("GET", "/payment-strategies"),
    }
