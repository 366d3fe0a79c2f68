"""What goes wrong, as programs read it."""

from __future__ import annotations

import json
from typing import Any, cast

import psycopg
import pytest
from django.db import connection
from django.test import override_settings

from core.domain.errors import RuleFailedError
from core.hooks.registry import Registry
from core.http.errors import PROBLEM, STATUS, problem
from core.models import Order
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Adjustment, Money, Phase, Quote, RuleInfo
from tests.http.conftest import Api, basket
from tests.http.memory import MIDDLEWARE, InHand


class Dividing:
    """A rule that can't count."""

    info = RuleInfo(key="dividing", label="Dividing", phase=Phase.LINE)

    def propose(self, quote: Quote, /) -> list[Adjustment]:
        return [Adjustment(target="1", amount=Money(1 // 0, quote.currency), reason="never")]


class Shattered:
    """A registry with a secret, of which nothing can be asked."""

    pricing_gone = ()

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("canary-91aa")


@pytest.mark.parametrize("code", sorted(STATUS))
def test_each_code_is_a_problem_with_its_status(code: str) -> None:
    answer = problem(code, "A sentence.")

    said = json.loads(answer.content)
    assert answer["Content-Type"] == PROBLEM
    assert said["type"] == f"urn:orderloom:problem:{code.lower().replace('_', '-')}"
    assert (said["status"], said["code"], said["detail"]) == (STATUS[code], code, "A sentence.")


@pytest.mark.parametrize("code", ["REQUEST_RUNNING", "CONCURRENT_CHANGE", "UNAVAILABLE"])
def test_what_passes_says_when_to_try_again(code: str) -> None:
    assert int(problem(code)["Retry-After"]) >= 1


def test_details_never_hide_what_every_problem_has() -> None:
    said = json.loads(problem("WRONG_STATE", "No.", details={"status": "PAID", "x": 1}).content)

    assert (said["status"], said["current_status"], said["x"]) == (409, "PAID", 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shelf")
@override_settings(MIDDLEWARE=MIDDLEWARE)
def test_a_rule_that_breaks_is_named_and_its_insides_are_not(api: Api) -> None:
    InHand.registry = registry_of(FakePlugin(name="pricing-odd", rules=(Dividing(),)))

    answer = api.post("/quotes", basket(("tea", 1)))

    assert (answer.status_code, answer.json()["code"]) == (503, RuleFailedError.code)
    assert answer.json()["rule"] == "dividing"
    assert "division" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shelf")
@override_settings(MIDDLEWARE=MIDDLEWARE)
def test_what_nobody_foresaw_is_a_problem_that_tells_nothing(api: Api) -> None:
    InHand.registry = cast(Registry, Shattered())

    answer = api.post("/quotes", basket(("tea", 1)))

    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert answer.json()["request_id"] == answer["X-Request-ID"]
    assert "canary" not in answer.content.decode()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shelf")
def test_who_waits_too_long_for_another_is_told_to_try_again(api: Api) -> None:
    own = connection.settings_dict
    with (
        psycopg.connect(
            host=own["HOST"],
            port=own["PORT"] or None,
            user=own["USER"],
            password=own["PASSWORD"] or None,
            dbname=own["NAME"],
        ) as other,
        other.cursor() as cursor,
    ):
        cursor.execute("SELECT * FROM orderloom_stock FOR UPDATE")

        answer = api.post("/orders", basket(("tea", 1)), Idempotency_Key="k")

    assert (answer.status_code, answer.json()["code"]) == (409, "REQUEST_RUNNING")
    assert answer["Retry-After"] == "1"
    assert Order.objects.count() == 0
    assert api.post("/orders", basket(("tea", 1)), Idempotency_Key="k").status_code == 201
