"""What tests of the web doors begin with: a shelf, a key, and a client that speaks JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.application.create_product import CreateProduct, create_product
from core.application.publish_product import publish_product
from core.context import DEFAULT_TENANT, acting_for
from core.infrastructure.tokens import digest_of, new_api_key
from core.models import ApiKey
from hookspecs import Money


class Api:
    """A client of the API: paths below /api/v1, bodies and answers in JSON."""

    def __init__(self) -> None:
        self.client = Client(raise_request_exception=False)

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content_type = named.pop("Content-Type", "application/json")
        return self.client.generic(
            method, f"/api/v1{path}", data=raw, content_type=content_type, headers=named
        )


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def tenant() -> Iterator[None]:
    with acting_for(DEFAULT_TENANT):
        yield


@pytest.fixture
def shelf(tenant: None) -> None:
    """Put three products up for sale, of which one is scarce, and one draft."""
    now = timezone.now()
    for sku, price, on_hand in (("tea", 450, 100), ("pot", 1999, 100), ("rare", 99_00, 1)):
        product = CreateProduct(
            sku=sku, name=f"A {sku}", price=Money(price, "EUR"), on_hand=on_hand
        )
        create_product(product, now=now)
        publish_product(sku=sku, now=now)
    create_product(CreateProduct(sku="draft", name="A draft", price=Money(5, "EUR")), now=now)


@pytest.fixture
def key(tenant: None) -> Callable[..., dict[str, str]]:
    """Make keys: `key("orders:read")` returns the header to send."""

    def make(*scopes: str, **columns: Any) -> dict[str, str]:
        secret = new_api_key()
        ApiKey(
            tenant_id=DEFAULT_TENANT.id,
            label="test",
            digest=digest_of(secret),
            scopes=list(scopes),
            created_at=timezone.now(),
            **columns,
        ).save()
        return {"Authorization": f"Bearer {secret}"}

    return make


def basket(*lines: tuple[str, int], **more: Any) -> dict[str, Any]:
    """Return the body of a quote or an order."""
    return {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines], **more}
