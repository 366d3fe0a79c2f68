"""Bad input over HTTP: the status, the stable code, and nothing written."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps

from core.domain import errors
from core.http.errors import PROBLEM, STATUS
from tests.http.conftest import Api, basket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shelf")]


@dataclass(frozen=True, kw_only=True)
class Bad:
    """A request that is refused; `%order` stands for an order's id, `%token` for its token."""

    status: int
    code: str
    path: str = "/orders"
    body: Any = None
    method: str = "POST"
    key: str | None = "k"
    scopes: tuple[str, ...] | None = None
    headers: dict[str, str] = field(default_factory=dict)


ONE = basket(("tea", 1))
LINE = {"sku": "tea", "quantity": 1}
MONEY = {"minor": 100, "currency": "EUR"}
PRODUCT = {"sku": "cup", "name": "A cup", "price": MONEY}
PAY = {"strategy": "nothing", "return_url": "https://a.test/", "cancel_url": "https://a.test/"}

ROWS = {
    "a body that is no JSON": Bad(status=400, code="MALFORMED_JSON", body=b'{"lines": ['),
    "a body that is no UTF-8": Bad(status=400, code="MALFORMED_JSON", body=b'{"lines": "\xff"}'),
    "a body with NaN": Bad(status=400, code="MALFORMED_JSON", body=b'{"lines": NaN}'),
    "a body a thousand levels deep": Bad(
        status=400, code="MALFORMED_JSON", body=b"[" * 1000 + b"]" * 1000
    ),
    "no body": Bad(status=422, code="INVALID_INPUT", body=b""),
    "a list where an object belongs": Bad(status=422, code="INVALID_INPUT", body=b"[]"),
    "a body that is too large": Bad(status=413, code="BODY_TOO_LARGE", body=b" " * 3_000_000),
    "a form": Bad(
        status=415,
        code="UNSUPPORTED_MEDIA_TYPE",
        body=b"sku=tea",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ),
    "an unknown field": Bad(status=422, code="INVALID_INPUT", body=ONE | {"total": 1}),
    "an unknown field of a line": Bad(
        status=422, code="INVALID_INPUT", body={"lines": [LINE | {"price": 1}]}
    ),
    "no lines": Bad(status=422, code="EMPTY_ORDER", body={"lines": []}),
    "more lines than an order has": Bad(
        status=422,
        code="TOO_MANY_LINES",
        body={"lines": [{"sku": f"s{n}", "quantity": 1} for n in range(10_001)]},
    ),
    "a quantity of zero": Bad(status=422, code="INVALID_QUANTITY", body=basket(("tea", 0))),
    "a negative quantity": Bad(status=422, code="INVALID_QUANTITY", body=basket(("tea", -1))),
    "an enormous quantity": Bad(status=422, code="INVALID_QUANTITY", body=basket(("tea", 10**30))),
    "half a piece": Bad(
        status=422, code="INVALID_INPUT", body={"lines": [LINE | {"quantity": 0.5}]}
    ),
    "a quantity in letters": Bad(
        status=422, code="INVALID_INPUT", body={"lines": [LINE | {"quantity": "two"}]}
    ),
    "a quantity that is true": Bad(
        status=422, code="INVALID_INPUT", body={"lines": [LINE | {"quantity": True}]}
    ),
    "an unknown product": Bad(status=422, code="UNKNOWN_PRODUCT", body=basket(("none", 1))),
    "a draft": Bad(status=409, code="PRODUCT_NOT_FOR_SALE", body=basket(("draft", 1))),
    "more than there is": Bad(status=409, code="OUT_OF_STOCK", body=basket(("rare", 2))),
    "a sku with a NUL in it": Bad(status=422, code="INVALID_INPUT", body=basket(("te\x00a", 1))),
    "half a surrogate": Bad(
        status=400, code="MALFORMED_JSON", body=b'{"lines":[{"sku":"\\ud800","quantity":1}]}'
    ),
    "a currency that is none": Bad(status=422, code="INVALID_INPUT", body=ONE | {"currency": "€"}),
    "a currency without a price": Bad(
        status=422, code="NO_PRICE_IN_CURRENCY", body=ONE | {"currency": "USD"}
    ),
    "an e-mail address that is none": Bad(
        status=422, code="INVALID_INPUT", body=ONE | {"contact": {"email": "nobody"}}
    ),
    "a total in another currency": Bad(
        status=422,
        code="INVALID_INPUT",
        body=ONE | {"confirmed_total": {"minor": 450, "currency": "USD"}},
    ),
    "a total that has changed": Bad(
        status=409, code="TOTAL_CHANGED", body=ONE | {"confirmed_total": MONEY}
    ),
    "terms of a line from a customer": Bad(
        status=403,
        code="TERMS_NOT_ALLOWED",
        body={"lines": [LINE | {"terms": {"unit_price": "0.01"}}]},
    ),
    "terms of an order from a customer": Bad(
        status=403, code="TERMS_NOT_ALLOWED", body=ONE | {"terms": {"shipping": "0"}}
    ),
    "terms of a key without the scope": Bad(
        status=403,
        code="TERMS_NOT_ALLOWED",
        body=ONE | {"terms": {"shipping": "0"}},
        scopes=("orders:read",),
    ),
    "agreed prices in letters": Bad(
        status=422,
        code="INVALID_INPUT",
        body={"lines": [LINE | {"terms": {"unit_price": "cheap"}}]},
        scopes=("orders:terms",),
    ),
    "somebody else's customer": Bad(
        status=403, code="NOT_ALLOWED", body=ONE | {"customer_ref": "ANNA"}
    ),
    "an unknown customer": Bad(
        status=422,
        code="UNKNOWN_CUSTOMER",
        body=ONE | {"customer_ref": "NOBODY"},
        scopes=("orders:write",),
    ),
    "no Idempotency-Key": Bad(status=400, code="IDEMPOTENCY_KEY_MISSING", body=ONE, key=None),
    "a blank Idempotency-Key": Bad(status=400, code="IDEMPOTENCY_KEY_MISSING", body=ONE, key=" "),
    "an endless Idempotency-Key": Bad(status=422, code="INVALID_INPUT", body=ONE, key="k" * 201),
    "a key used for something else": Bad(
        status=422, code="IDEMPOTENCY_KEY_REUSED", body=ONE, key="taken"
    ),
    "a key that opens nothing": Bad(
        status=401, code="UNAUTHENTICATED", body=ONE, headers={"Authorization": "Bearer ol_guess"}
    ),
    "another kind of authorization": Bad(
        status=401, code="UNAUTHENTICATED", body=ONE, headers={"Authorization": "Basic YTpi"}
    ),
    "an unknown tenant": Bad(
        status=404, code="NOT_FOUND", body=ONE, headers={"X-Orderloom-Tenant": "nobody"}
    ),
    "a foreign token": Bad(
        status=404,
        code="NOT_FOUND",
        path="/orders/%order/cancel",
        headers={"X-Order-Token": "AAAAAAAAAAAAAAAAAAAAAA"},
    ),
    "a guessed number": Bad(status=404, code="NOT_FOUND", path="/orders/AAAAA-AAAAA", method="GET"),
    "a payment without a key": Bad(
        status=400,
        code="IDEMPOTENCY_KEY_MISSING",
        path="/orders/%order/payments?token=%token",
        body=PAY,
        key=None,
    ),
    "an unknown way to pay": Bad(
        status=422,
        code="UNKNOWN_PAYMENT_STRATEGY",
        path="/orders/%order/payments?token=%token",
        body=PAY,
    ),
    "an address to return to that is a script": Bad(
        status=422,
        code="INVALID_INPUT",
        path="/orders/%order/payments?token=%token",
        body=PAY | {"return_url": "javascript:alert(1)"},
    ),
    "a payment that is none": Bad(
        status=404,
        code="NOT_FOUND",
        path=f"/orders/%order/payments/{uuid.uuid4()}/refund",
        scopes=("payments:refund",),
    ),
    "a refund without a key of ours": Bad(
        status=401, code="UNAUTHENTICATED", path=f"/orders/%order/payments/{uuid.uuid4()}/refund"
    ),
    "a product from anybody": Bad(
        status=401, code="UNAUTHENTICATED", path="/products", body=PRODUCT
    ),
    "a product from a key without the scope": Bad(
        status=403, code="NOT_ALLOWED", path="/products", body=PRODUCT, scopes=("orders:read",)
    ),
    "a product without a name": Bad(
        status=422,
        code="INVALID_INPUT",
        path="/products",
        body={"sku": "cup"},
        scopes=("products:write",),
    ),
    "a price in letters": Bad(
        status=422,
        code="INVALID_INPUT",
        path="/products",
        body=PRODUCT | {"price": {"minor": "ten", "currency": "EUR"}},
        scopes=("products:write",),
    ),
    "a price of nothing": Bad(
        status=422,
        code="PRICE_NOT_POSITIVE",
        path="/products",
        body=PRODUCT | {"price": {"minor": 0, "currency": "EUR"}},
        scopes=("products:write",),
    ),
    "a sku in use": Bad(
        status=409,
        code="NAME_TAKEN",
        path="/products",
        body=PRODUCT | {"sku": "tea"},
        scopes=("products:write",),
    ),
    "a product published twice": Bad(
        status=409, code="WRONG_STATE", path="/products/tea/publish", scopes=("products:write",)
    ),
    "a page that is too long": Bad(
        status=422, code="INVALID_INPUT", path="/products?limit=101", method="GET"
    ),
    "an unknown filter": Bad(
        status=422, code="INVALID_INPUT", path="/products?sort=price", method="GET"
    ),
    "a NUL in a query": Bad(
        status=422, code="INVALID_INPUT", path="/products?after=%00", method="GET"
    ),
    "a NUL in a path": Bad(status=404, code="NOT_FOUND", path="/products/%00", method="GET"),
    "an unknown address": Bad(status=404, code="NOT_FOUND", path="/nothing", method="GET"),
    "a method nobody answers": Bad(status=405, code="METHOD_NOT_ALLOWED", method="GET"),
}


def rows() -> dict[str, int]:
    """Count every row that there is."""
    return {model.__name__: model._base_manager.count() for model in apps.get_models()}


@pytest.mark.parametrize("bad", ROWS.values(), ids=ROWS.keys())
def test_bad_input_is_refused_and_writes_nothing(
    bad: Bad, api: Api, key: Callable[..., dict[str, str]]
) -> None:
    placed = api.post("/orders", basket(("pot", 1)), Idempotency_Key="taken").json()
    path = bad.path.replace("%order", placed["order_id"]).replace("%token", placed["token"])
    headers = dict(bad.headers)
    headers |= key(*bad.scopes) if bad.scopes is not None else {}
    headers |= {"Idempotency-Key": bad.key} if bad.key is not None else {}
    before = rows()

    send = api.post if bad.method == "POST" else lambda path, _, **given: api.get(path, **given)
    answer = send(path, bad.body, **headers)

    problem = json.loads(answer.content)
    assert (answer.status_code, problem["code"]) == (bad.status, bad.code), problem
    assert (problem["status"], answer["Content-Type"]) == (bad.status, PROBLEM)
    assert {"type", "title", "detail"} <= problem.keys()
    assert rows() == before


def test_each_refusal_has_a_status() -> None:
    found = [errors.OrderloomError]
    for kind in found:
        found.extend(own for own in kind.__subclasses__() if own.__module__ == errors.__name__)

    assert {kind.code for kind in found} <= STATUS.keys()


def test_enough_bad_inputs_are_tried() -> None:
    assert len(ROWS) >= 25
