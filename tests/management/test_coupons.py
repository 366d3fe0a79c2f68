"""`coupons`, the API of codes and their page in the console: create, list, withdraw."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from core.application.create_coupon import CreateCoupon, create_coupon
from core.context import DEFAULT_TENANT, acting_for
from core.models import Coupon
from tests.concurrency.test_races import NOW
from tests.http.conftest import Api, key, tenant

__all__ = ["key", "tenant"]

pytestmark = pytest.mark.django_db(transaction=True)


def said(*arguments: str, as_json: bool = True) -> Any:
    out = StringIO()
    call_command("coupons", *arguments, *(["--json"] if as_json else []), stdout=out)
    return json.loads(out.getvalue()) if as_json else out.getvalue()


def test_a_code_is_created_listed_and_withdrawn() -> None:
    said("create", "spring", "--uses", "3", "--until", "2027-01-01", "--note", "for friends")

    (row,) = said("list")
    told = said("list", as_json=False)
    said("withdraw", "Spring")

    assert (row["code"], row["most_uses"], row["uses"]) == ("SPRING", 3, 0)
    assert row["valid_until"].startswith("2027-01-01T00:00:00")
    assert told.split() == ["SPRING", "used", "0", "of", "3", "until", "2027-01-01"]
    assert "withdrawn" in said("list", as_json=False)


@pytest.mark.parametrize(
    "arguments", [["create", "A B"], ["create", "A", "--until", "soon"], ["withdraw", "A"]]
)
def test_what_makes_no_sense_ends_in_a_sentence(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        said(*arguments)


def test_the_api_creates_lists_and_withdraws(key: Callable[..., dict[str, str]]) -> None:
    api, mine = Api(), key("coupons:write")
    body = {"code": "spring", "most_uses": 3, "valid_until": "2027-01-01T00:00:00Z"}

    made = api.post("/coupons", body, **mine)
    again = api.post("/coupons", body, **mine)
    api.post("/coupons", {"code": "autumn"}, **mine)
    page = api.get("/coupons?limit=1", **mine).json()
    rest = api.get(f"/coupons?after={page['next']}", **mine).json()
    gone = api.post("/coupons/spring/withdraw", **mine)
    unknown = api.post("/coupons/nothing/withdraw", **mine)

    assert (made.status_code, made.json()["code"]) == (201, "SPRING")
    assert (again.status_code, again.json()["code"]) == (409, "NAME_TAKEN")
    assert [row["code"] for row in (*page["items"], *rest["items"])] == ["AUTUMN", "SPRING"]
    assert rest["next"] is None
    assert (gone.status_code, gone.json()["withdrawn"]) == (200, True)
    assert unknown.status_code == 404


@pytest.mark.parametrize("body", [{}, {"code": "A", "most_uses": 0}, {"code": "A", "more": 1}])
def test_the_api_says_which_value_is_wrong(
    key: Callable[..., dict[str, str]], body: dict[str, Any]
) -> None:
    answer = Api().post("/coupons", body, **key("coupons:write"))

    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")


def test_the_console_shows_codes_and_withdraws_them() -> None:
    with acting_for(DEFAULT_TENANT):
        create_coupon(CreateCoupon(code="spring", most_uses=3), now=NOW)
    client = Client()
    client.force_login(User.objects.create_superuser("anna"))
    pick = str(Coupon.objects.across_tenants().get().pk)

    page = client.get("/admin/orderloom/coupon/")
    client.post(
        "/admin/orderloom/coupon/",
        {"action": "withdraw", "_selected_action": pick, "reason": "over"},
    )

    assert "SPRING" in page.content.decode()
    assert Coupon.objects.across_tenants().get().withdrawn_at is not None
