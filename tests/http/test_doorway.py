"""What every request meets on its way in and out."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache.backends.locmem import LocMemCache
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.context import TenantRef, acting_for, request_id, tenant
from core.http.errors import PROBLEM
from core.http.middleware import Doorway
from core.models import ApiKey, Order, Tenant
from tests.http.conftest import Api, basket

pytestmark = pytest.mark.django_db(transaction=True)

Keys = Callable[..., dict[str, str]]


class Broken(LocMemCache):
    """A cache whose server is gone."""

    def get(self, *args: object, **kwargs: object) -> object:
        raise ConnectionError("nobody there")


def test_a_request_is_bound_to_its_tenant_registry_and_id() -> None:
    seen: dict[str, object] = {}

    def view(request: HttpRequest) -> object:
        seen.update(vars(request), tenant=tenant().slug, id=request_id())
        return Client().get("/livez")

    Doorway(view)(RequestFactory().get("/", headers={"X-Request-ID": "abcdefgh"}))

    assert (seen["tenant"], seen["id"]) == ("default", "abcdefgh")
    assert {"registry", "shop", "now"} <= seen.keys()


def test_an_answer_bears_its_id_and_a_policy_without_inline_code(api: Api) -> None:
    answer = api.get("/products")

    assert len(answer["X-Request-ID"]) == 32
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_an_id_that_is_none_is_replaced(api: Api) -> None:
    answer = api.get("/products", **{"X-Request-ID": "evil\tid"})

    assert answer["X-Request-ID"] != "evil\tid"


def test_people_get_pages_and_programs_get_problems() -> None:
    page, problem = Client().get("/nowhere/at/all"), Client().get("/api/nowhere")

    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert (problem.status_code, problem["Content-Type"]) == (404, PROBLEM)


def test_a_method_nobody_answers_names_those_that_are(api: Api) -> None:
    answer = api.client.put("/api/v1/quotes")

    assert (answer.status_code, answer["Allow"]) == (405, "POST")


@override_settings(DEBUG=True)
def test_even_with_debug_on_an_unknown_address_is_a_problem(api: Api) -> None:
    answer = api.get("/nowhere")

    assert json.loads(answer.content)["code"] == "NOT_FOUND"


def test_a_shop_without_its_tables_says_so() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orderloom_order RENAME TO elsewhere")
    try:
        answer = Api().get(f"/orders/{'0' * 32}", **{"X-Order-Token": "t"})
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO orderloom_order")

    assert answer.status_code in {500, 503}
    assert "orderloom_order" not in answer.content.decode()


def test_a_database_that_is_gone_is_503_with_retry_after() -> None:
    def view(request: HttpRequest) -> object:
        raise OperationalError("secret address")

    answer = Doorway(view)(RequestFactory().get("/api/v1/products"))
    page = Doorway(view)(RequestFactory().get("/basket"))

    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert (page.status_code, page["Retry-After"]) == (503, "2")
    assert b"secret" not in answer.content + page.content


def test_the_probes_need_nobody_and_name_what_is_dead() -> None:
    client = Client()

    with override_settings(CACHES={"default": {"BACKEND": f"{__name__}.Broken"}}):
        alive, ready = client.get("/livez"), client.get("/readyz")

    assert (alive.status_code, alive.content) == (200, b"ok")
    assert (ready.status_code, ready.json()) == (
        200,
        {"database": "ok", "cache": "unavailable"},
    )


def test_a_key_of_another_tenant_opens_nothing(api: Api, shelf: None, key: Keys) -> None:
    other = Tenant.objects.create(id=2, slug="other")
    held = key("products:write")

    with acting_for(TenantRef(id=other.id, slug=other.slug)):
        answer = api.post("/products", {}, **held, X_Orderloom_Tenant="other")
        seen = api.get("/products", **{"X-Orderloom-Tenant": "other"})

    assert answer.status_code == 401
    assert seen.json()["items"] == []


@pytest.mark.parametrize("column", ["expires_at", "revoked_at"])
def test_an_expired_or_revoked_key_opens_nothing(api: Api, key: Keys, column: str) -> None:
    held = key("products:write", **{column: timezone.now()})

    assert api.post("/products", {}, **held).status_code == 401


def test_a_key_is_stored_as_a_digest_only(key: Keys) -> None:
    secret = key("orders:read")["Authorization"].removeprefix("Bearer ")

    kept = ApiKey.objects.get()

    assert secret not in json.dumps({k: str(v) for k, v in vars(kept).items()})


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("anna", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(user)
    return client


def test_staff_do_what_their_permissions_say(api: Api, shelf: None) -> None:
    placed = api.post("/orders", basket(("tea", 1)), Idempotency_Key="k").json()
    client = staff("view_order")

    seen = client.get(f"/api/v1/orders/{placed['order_id']}")

    assert seen.status_code == 200


def test_staff_without_the_permission_are_refused(api: Api, shelf: None) -> None:
    placed = api.post("/orders", basket(("tea", 1)), Idempotency_Key="k").json()
    client = staff()

    seen = client.get(f"/api/v1/orders/{placed['order_id']}")

    assert (seen.status_code, seen.json()["code"]) == (403, "NOT_ALLOWED")


def test_a_session_alone_changes_nothing(shelf: None) -> None:
    client = staff("add_order")

    answer = client.post(
        "/api/v1/orders",
        basket(("tea", 1)),
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_ALLOWED")
    assert Order.objects.count() == 0


def test_placing_an_order_costs_few_statements(api: Api, shelf: None) -> None:
    api.post("/orders", basket(("tea", 1)), Idempotency_Key="warm")
    most = 3 if connection.vendor == "postgresql" else 14

    with CaptureQueriesContext(connection) as one:
        api.post("/orders", basket(("tea", 1)), Idempotency_Key="one")
    with CaptureQueriesContext(connection) as two:
        api.post("/orders", basket(("tea", 1), ("pot", 2)), Idempotency_Key="two")

    assert len(two) <= most
    assert abs(len(one) - len(two)) <= 1  # the registry looks once a second
