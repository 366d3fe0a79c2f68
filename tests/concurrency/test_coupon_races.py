"""A hundred at once with a code: used as often as it may be, with the guard off as the control."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from core.context import TenantRef
from core.models import Order
from tests.application.codes import a_code, uses
from tests.application.shelf import put, stock
from tests.concurrency.crowd import rush, without_constraint
from tests.concurrency.test_races import NOW, ROUNDS, shop
from tests.concurrency.unruled import without_rules

__all__ = ["shop"]

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]


def hundred(**more: Any) -> Counter[str]:
    orders = [([("tea", 1)], "") for _ in range(100)]
    return Counter(result["code"] for result in rush(orders, coupons=("SPRING",), **more))


@pytest.mark.parametrize("turn", range(ROUNDS // 2))
@pytest.mark.parametrize(
    ("limit", "most", "refused"),
    [("most_uses", 1, "COUPON_USED_UP"), ("most_per_customer", 3, "COUPON_USED_BEFORE")],
)
def test_a_hundred_at_once_use_a_code_as_often_as_it_may_be(
    shop: TenantRef, turn: int, limit: str, most: int, refused: str
) -> None:
    put("tea", 100, 1000, now=NOW)
    a_code(now=NOW, **{limit: most})

    results = hundred()

    assert results == {"PLACED": most, refused: 100 - most}
    assert uses() == (most, most)
    assert stock("tea")[1] == Order.objects.count() == most


def test_without_guard_and_limit_the_same_hundred_use_it_more_often(shop: TenantRef) -> None:
    put("tea", 100, 1000, now=NOW)
    a_code(now=NOW, most_uses=1)

    with without_constraint("orderloom_coupon", "coupon_uses_within_limit"):
        results = hundred(without="limit")

    assert results["PLACED"] > 1


@pytest.mark.full
def test_without_its_turns_one_customer_uses_it_more_often(shop: TenantRef) -> None:
    put("tea", 100, 1000, now=NOW)
    a_code(now=NOW, most_per_customer=1)

    with without_rules("coupon_turn_unique"):
        results = hundred()

    assert results["PLACED"] > 1
