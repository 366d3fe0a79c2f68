"""Races about money between real processes, judged by the gateways' ledger and by raw SQL.

Each has its control: the same race with the protection switched off must be caught.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from typing import Any

import pytest
from django.db import connection

from core.context import TenantRef
from tests.concurrency.unruled import without_rules
from tests.faults.invariants import broken
from tests.faults.judging import GATEWAYS, TOTAL, buying, finished
from tests.faults.outside import Nursery, Outside
from tests.session import tier

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

QUICK = tier() == "quick"
ROUNDS = 20 if QUICK else 200
CLICKS = 20
SAME = 50
FEW = 8  # enough for a control
JITTER = 0.03
PATIENT = {"ORDERLOOM_CALL_DEADLINE_SECONDS": 10.0}  # so that a busy computer cuts no click off
ANSWERS_409 = {"PAYMENT_UNDECIDED", "CONCURRENT_CHANGE"}


def rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def invariants() -> dict[str, Any]:
    with connection.cursor() as cursor:
        return broken(cursor)


def said(results: list[dict[str, Any]], word: str) -> list[Any]:
    return [one[word] for result in results for one in result["said"] if word in one]


def bought(
    nursery: Nursery, outside: Outside, code: str, until: str, **more: Any
) -> dict[str, Any]:
    """Let somebody buy up to a step; return everything that was said on the way."""
    child = buying(code, uuid.uuid4().hex, outside, until=until, **more.pop("given", {})) | more
    (result,) = nursery.run(child)
    assert not said([result], "broke"), result
    return {k: v for one in result["said"] for k, v in one.items()}


def clicks(
    order: str, code: str, outside: Outside, *keys: str, **more: Any
) -> list[dict[str, Any]]:
    given = {"order": order, "code": code, "base": outside.sandbox.base}
    given["at_once"] = code == "stripe"
    return [{"act": "pay", "given": given | {"key": key}, **more} for key in keys]


@pytest.mark.parametrize("code", GATEWAYS)
@pytest.mark.parametrize("turn", range(1 if QUICK else 20))
def test_pay_clicked_twenty_times_is_one_charge(
    shop: TenantRef, nursery: Nursery, outside: Outside, code: str, turn: int
) -> None:
    order = bought(nursery, outside, code, "placed")["order"]

    results = nursery.run(*clicks(order, code, outside, *(f"click-{n}" for n in range(CLICKS))))
    finished(nursery)
    nursery.run(*clicks(order, code, outside, "once more"))  # who was told to wait comes again
    finished(nursery)

    assert not said(results, "broke"), results
    assert set(said(results, "refused")) <= ANSWERS_409 | {"NOTHING_TO_PAY"}
    assert outside.charges() == [TOTAL]
    assert invariants() == {}


def test_without_question_and_index_every_click_charges(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    order = bought(nursery, outside, "stripe", "placed")["order"]
    keys = [f"click-{n}" for n in range(FEW)]

    with without_rules("operation_one_charge_per_order"):
        racers = clicks(order, "stripe", outside, *keys, without=["the_question"], settings=PATIENT)
        results = nursery.run(*racers)

    assert not said(results, "broke"), results
    assert len(outside.charges()) > 1


@pytest.mark.parametrize("code", GATEWAYS[:1] if QUICK else GATEWAYS)
@pytest.mark.parametrize("turn", range(1 if QUICK else 20))
def test_one_key_fifty_times_at_once_is_one_charge(
    shop: TenantRef, nursery: Nursery, outside: Outside, code: str, turn: int
) -> None:
    order = bought(nursery, outside, code, "placed")["order"]

    slow = ["haste"] * (turn % 2)
    results = nursery.run(*clicks(order, code, outside, *["once"] * SAME, without=slow))
    finished(nursery)
    nursery.run(*clicks(order, code, outside, "once"))  # who was told to wait comes again
    finished(nursery)

    assert not said(results, "broke"), results
    assert set(said(results, "refused")) <= ANSWERS_409
    assert len(set(said(results, "payment"))) == 1
    assert outside.charges() == [TOTAL]
    assert invariants() == {}


def test_without_its_rules_one_key_charges_many_times(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    order = bought(nursery, outside, "stripe", "placed")["order"]

    with without_rules("operation_key_unique", "operation_one_charge_per_order"):
        once = ["once"] * FEW
        off = ["the_question"]
        nursery.run(*clicks(order, "stripe", outside, *once, without=off, settings=PATIENT))

    assert len(outside.charges()) > 1


def webhook_and_return(
    nursery: Nursery, outside: Outside, code: str, dice: random.Random, **more: Any
) -> list[dict[str, Any]]:
    outside.forget_what_came()
    told = bought(nursery, outside, code, "clicked", given={"at_once": False})
    came = outside.came(4 if code == "stripe" else 1)
    back = {"act": "resume", "given": {"order": told["order"], "payment": told["payment"]}}
    news = {"plugin": f"payment-{code}-like", "came": came, "apply": True}
    racers: list[dict[str, Any]] = [back, back, {"act": "webhooks", "given": news}]
    return nursery.run(*(one | {"wait": dice.uniform(0, JITTER), **more} for one in racers))


PAID_TWICE = """SELECT order_id, kind, count(*) FROM orderloom_event
    WHERE kind IN ('order_paid', 'payment_captured') GROUP BY order_id, kind HAVING count(*) <> 1"""


@pytest.mark.parametrize("code", GATEWAYS)
def test_a_webhook_racing_the_return_is_one_change_one_event_one_mail(
    shop: TenantRef, nursery: Nursery, outside: Outside, code: str, dice: random.Random
) -> None:
    outside.call_here(code)

    for n in range(ROUNDS // 2):
        slow = ["haste"] * (n % 2)
        results = webhook_and_return(nursery, outside, code, dice, without=slow)
        assert not said(results, "broke"), results
    finished(nursery)

    assert outside.charges() == [TOTAL] * (ROUNDS // 2)
    assert rows(PAID_TWICE) == []
    assert rows("SELECT DISTINCT status FROM orderloom_order") == [("PAID",)]
    assert len(outside.mailbox.mails) == len(outside.mailbox.by_id()) == ROUNDS
    assert set(outside.mailbox.by_subject().values()) == {1}
    assert invariants() == {}


def test_without_a_fence_two_workers_count_the_same_news_twice(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    outside.call_here("stripe")
    off = ["the_fence", *["haste"] * 5]

    with without_rules("event_sequence_unique", "fact_once"):
        for _ in range(FEW):
            outside.forget_what_came()
            bought(nursery, outside, "stripe", "clicked", given={"at_once": False})
            news = {"plugin": "payment-stripe-like", "came": outside.came(4), "apply": True}
            nursery.run(*[{"act": "webhooks", "given": news, "without": off}] * 2)
            if found := rows(PAID_TWICE):
                break

    assert found


def pay_cancel_expire(
    nursery: Nursery, outside: Outside, code: str, dice: random.Random, **more: Any
) -> list[dict[str, Any]]:
    soon = {"ORDERLOOM_RESERVATION_SECONDS": 0.0}
    told = bought(nursery, outside, code, "clicked", given={"at_once": False}, settings=soon)
    racers: list[dict[str, Any]] = [
        {"act": "resume", "given": {"order": told["order"], "payment": told["payment"]}},
        {"act": "cancel", "given": {"order": told["order"]}},
        {"act": "expire"},
    ]
    return nursery.run(*(one | {"wait": dice.uniform(0, JITTER), **more} for one in racers))


CANCELLED_AND_KEPT = """SELECT o.id, o.status, o.stock FROM orderloom_order o
    WHERE (o.status IN ('CANCELLED', 'EXPIRED') AND o.stock <> 'RELEASED')
    OR (o.status = 'PAID' AND EXISTS (SELECT 1 FROM orderloom_event e WHERE e.order_id = o.id
        AND e.kind IN ('order_cancelled', 'order_expired')))
    OR (SELECT count(*) FROM orderloom_event e WHERE e.order_id = o.id
        AND e.kind IN ('order_cancelled', 'order_expired')) > 1"""


def kept_minor(outside: Outside) -> int:
    return sum(outside.charges()) - sum(outside.refunds())


@pytest.mark.parametrize("code", GATEWAYS)
def test_paying_cancelling_and_expiring_at_one_instant_has_one_winner(
    shop: TenantRef, nursery: Nursery, outside: Outside, code: str, dice: random.Random
) -> None:
    for n in range(ROUNDS // 2):
        slow = ["haste"] * (n % 2)
        results = pay_cancel_expire(nursery, outside, code, dice, without=slow)
        assert not said(results, "broke"), results
    finished(nursery)

    ends = Counter(status for (status,) in rows("SELECT status FROM orderloom_order"))
    print(dict(ends))
    assert set(ends) <= {"PAID", "CANCELLED", "EXPIRED"}
    assert kept_minor(outside) == TOTAL * ends["PAID"]
    assert invariants() == {}


def test_without_question_and_fence_an_order_is_cancelled_and_its_money_kept(
    shop: TenantRef, nursery: Nursery, outside: Outside, dice: random.Random
) -> None:
    off = ["the_question", "the_fence", "haste"]

    with without_rules("event_sequence_unique", "fact_once"):
        for _ in range(20):
            pay_cancel_expire(nursery, outside, "paypal", dice, without=off)
            if found := rows(CANCELLED_AND_KEPT):
                break

    assert found


def refunds(payment: str, **more: Any) -> list[dict[str, Any]]:
    given = {"payment": payment, "minor": 100, "seconds": 2.0}
    keys = (f"refund-{n}" for n in range(20))
    return [{"act": "refund", "given": given | {"key": key}, **more} for key in keys]


@pytest.mark.parametrize("code", GATEWAYS[1:] if QUICK else GATEWAYS)
@pytest.mark.parametrize("turn", range(1 if QUICK else 10))
def test_twenty_refunds_at_once_never_exceed_the_capture(
    shop: TenantRef, nursery: Nursery, outside: Outside, code: str, turn: int
) -> None:
    payment = bought(nursery, outside, code, "paid")["payment"]

    results = nursery.run(*refunds(payment))
    at_once = sum(outside.refunds())
    finished(nursery)
    for refund in refunds(payment):  # who was told to wait asks again, under the same key
        results += nursery.run(refund)
    finished(nursery)

    assert not said(results, "broke"), results
    assert at_once <= TOTAL
    assert sum(outside.refunds()) == TOTAL
    asked = rows("SELECT sum(amount_minor) FROM orderloom_operation WHERE verb = 'REFUND'")
    assert asked == [(TOTAL,)]
    assert invariants() == {}


def test_without_its_turn_and_fence_more_is_asked_back_than_was_taken(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    payment = bought(nursery, outside, "stripe", "paid")["payment"]

    with without_rules("operation_one_live_per_payment", "event_sequence_unique", "fact_once"):
        nursery.run(*refunds(payment, without=["the_turn", "the_fence"]))
        asked = rows("SELECT sum(amount_minor) FROM orderloom_operation WHERE verb = 'REFUND'")

    assert asked[0][0] > TOTAL
