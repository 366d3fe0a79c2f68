"""The races of captures again, between processes and with their protections off: each is caught."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from typing import Any

import pytest

from core.context import TenantRef
from tests.concurrency.test_money_races import (
    CANCELLED_AND_KEPT,
    JITTER,
    bought,
    invariants,
    kept_minor,
    refunds,
    rows,
    said,
)
from tests.concurrency.unruled import without_rules
from tests.faults.judging import TOTAL, finished
from tests.faults.outside import Nursery, Outside

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

PART = 300
RULES = (
    "operation_one_live_per_payment",
    "operation_one_charge_per_order",
    "event_sequence_unique",
    "fact_once",
)
OFF = ["the_turn", "the_fence"]
ASKED = "SELECT coalesce(sum(amount_minor), 0) FROM orderloom_operation WHERE verb = '{}'"


def held(nursery: Nursery, outside: Outside) -> dict[str, Any]:
    """Have PayPal hold the money of an order."""
    order = bought(nursery, outside, "paypal", "placed")["order"]
    given = {"order": order, "code": "paypal", "key": uuid.uuid4().hex, "hold": True}
    (result,) = nursery.run({"act": "pay", "given": given | {"base": outside.sandbox.base}})
    return {k: v for one in result["said"] for k, v in one.items()}


def captures(payment: str, *keys: str, **more: Any) -> list[dict[str, Any]]:
    given = {"payment": payment, "minor": PART}
    return [{"act": "capture", "given": given | {"key": key}, **more} for key in keys]


def test_six_captures_at_once_take_no_more_than_is_held(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    payment = held(nursery, outside)["payment"]

    for turn in range(4):
        results = nursery.run(*captures(payment, *(f"{turn}-{n}" for n in range(6))))
        assert not said(results, "broke"), results
        finished(nursery)

    assert sum(outside.charges()) == TOTAL
    assert rows(ASKED.format("CAPTURE"))[0][0] == TOTAL
    assert invariants() == {}


def test_without_turn_and_fence_more_is_asked_for_than_is_held(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    payment = held(nursery, outside)["payment"]

    with without_rules(*RULES):
        nursery.run(*captures(payment, *(f"part-{n}" for n in range(6)), without=OFF))
        asked = rows(ASKED.format("CAPTURE"))[0][0]

    assert asked > TOTAL


def test_without_turn_and_fence_what_is_captured_is_cancelled_and_kept(
    shop: TenantRef, nursery: Nursery, outside: Outside, dice: random.Random
) -> None:
    off = [*OFF, "the_question", "haste"]

    with without_rules(*RULES):
        for _ in range(20):
            told = held(nursery, outside)
            racers = captures(told["payment"], "all-" + told["payment"], without=off)
            racers[0]["given"]["minor"] = TOTAL
            racers.append({"act": "cancel", "given": {"order": told["order"]}, "without": off})
            nursery.run(*(one | {"wait": dice.uniform(0, JITTER)} for one in racers))
            ends = Counter(status for (status,) in rows("SELECT status FROM orderloom_order"))
            if found := rows(CANCELLED_AND_KEPT) or kept_minor(outside) > TOTAL * ends["PAID"]:
                break

    assert found


def test_without_its_rules_one_key_gives_back_many_times(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    with without_rules("operation_key_unique", *RULES):
        for _ in range(8):
            payment = bought(nursery, outside, "stripe", "paid")["payment"]
            one = refunds(payment)[0]
            before = rows(ASKED.format("REFUND"))[0][0]
            nursery.run(*[one | {"without": [*OFF, *["haste"] * 3]}] * 6)
            asked = rows(ASKED.format("REFUND"))[0][0] - before
            if asked > one["given"]["minor"]:
                break

    assert asked > one["given"]["minor"]
