"""The same kills with one protection switched off inside the child: each must be found."""

from __future__ import annotations

import signal
import uuid
from typing import Any

import pytest
from django.db import connection

from core.application.receive_webhook import UNVERIFIED_LIMIT
from core.context import TenantRef
from tests.faults.invariants import (
    i6_nothing_is_sent_beyond_its_lease,
    nothing_is_undecided,
)
from tests.faults.judging import FINISH, TOTAL, buying, come_again, finished, webhooks_of
from tests.faults.outside import Nursery, Outside
from tests.faults.test_kills_behind import WORKED

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]


def dies(nursery: Nursery, child: dict[str, Any], crash: str, *, without: str) -> None:
    (died,) = nursery.run(child | {"crash": crash, "without": [without]})
    assert died["signal"] == signal.SIGKILL, died


def test_without_a_row_before_the_wire_the_same_click_charges_twice(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    buyer = buying("stripe", uuid.uuid4().hex, outside, until="paid")

    dies(nursery, buyer, "answer.received:1", without="the_journal")
    come_again(nursery, buyer)

    assert outside.charges() == [TOTAL, TOTAL]


def test_acknowledged_before_it_is_sent_a_mail_is_lost(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    nursery.run(buying("stripe", uuid.uuid4().hex, outside, until="placed"))

    dies(nursery, FINISH, "delivery.claimed:1", without="the_order_of_acknowledging")
    finished(nursery)

    assert outside.mailbox.mails == []


def test_without_an_id_of_its_own_a_repeated_mail_is_a_second_one(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    nursery.run(buying("stripe", uuid.uuid4().hex, outside, until="placed"))

    dies(nursery, FINISH, "mail.accepted:1", without="the_message_id")
    finished(nursery)

    assert sorted(outside.mailbox.by_subject().values()) == [2]


def test_without_a_lease_a_lost_command_stays_undecided(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    buyer = buying("stripe", uuid.uuid4().hex, outside, until="paid")
    nursery.run(buyer | {"crash": "answer.received:1"})

    nursery.run(FINISH | {"without": ["the_lease"], "given": {"seconds": 3.5}})

    with connection.cursor() as cursor:
        assert i6_nothing_is_sent_beyond_its_lease(cursor, grace=0.5) != []
        assert nothing_is_undecided(cursor) != []


@pytest.mark.full
def test_crossed_off_before_it_is_looked_up_a_command_stays_undecided(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    outside.sandbox.control("POST faults", match=WORKED["stripe"], do="drop", when="after")
    nursery.run(buying("stripe", uuid.uuid4().hex, outside, until="clicked"))

    dies(nursery, FINISH, "lookup.answered:1", without="the_second_look")
    nursery.run(FINISH | {"given": {"seconds": 3.5}})

    assert outside.charges() == [TOTAL]
    with connection.cursor() as cursor:
        assert [row[0] for row in nothing_is_undecided(cursor)] == ["operation"]
        cursor.execute("SELECT status FROM orderloom_order")
        assert cursor.fetchall() == [("CONFIRMED",)]


@pytest.mark.full
def test_crossed_off_before_it_has_expired_an_order_keeps_its_stock(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    buyer = buying("stripe", uuid.uuid4().hex, outside, at_once=False, until="started")
    nursery.run(buyer | {"settings": {"ORDERLOOM_RESERVATION_SECONDS": 0.0}})

    dies(nursery, FINISH, "expiry.half_way:1", without="the_second_try_at_expiring")
    finished(nursery)

    with connection.cursor() as cursor:
        cursor.execute("SELECT status, stock FROM orderloom_order")
        assert cursor.fetchall() == [("CONFIRMED", "HELD")]


@pytest.mark.full
@pytest.mark.parametrize(
    ("crash", "lease", "left"),
    [
        ("inbox.claimed:1", "ORDERLOOM_LEASE_SECONDS", "inbox"),
        ("delivery.claimed:1", "ORDERLOOM_DELIVERY_LEASE_SECONDS", "delivery"),
    ],
)
def test_without_an_end_of_its_lease_what_was_claimed_is_left_lying(
    shop: TenantRef, nursery: Nursery, outside: Outside, crash: str, lease: str, left: str
) -> None:
    outside.call_here("stripe")
    until = "clicked" if left == "inbox" else "placed"
    nursery.run(buying("stripe", uuid.uuid4().hex, outside, at_once=False, until=until))
    if left == "inbox":
        nursery.run(webhooks_of("stripe", outside.came(4)))

    (died,) = nursery.run(FINISH | {"crash": crash, "settings": {lease: 3600.0}})
    nursery.run(FINISH | {"given": {"seconds": 3.5}})

    assert died["signal"] == signal.SIGKILL
    with connection.cursor() as cursor:
        assert left in {row[0] for row in nothing_is_undecided(cursor)}


def test_without_an_intent_a_cancelled_order_keeps_the_money(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    said = come_again(nursery, buying("stripe", uuid.uuid4().hex, outside, until="paid"))
    cancel = {"act": "cancel", "given": {"order": said[0]["order"]}}

    dies(nursery, cancel, "refund.intended:1", without="the_intent")
    finished(nursery)

    assert (outside.charges(), outside.refunds()) == ([TOTAL], [])


def test_without_a_cap_as_much_is_kept_as_comes(
    shop: TenantRef, nursery: Nursery, outside: Outside
) -> None:
    bring = webhooks_of("stripe", [["e30=", {}]] * 2)
    nursery.run(bring)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orderloom_inboxentry SELECT (jsonb_populate_record("
            "NULL::orderloom_inboxentry, jsonb_build_object('id', gen_random_uuid()) || e)).* FROM"
            " (SELECT to_jsonb(i) - 'id' AS e FROM orderloom_inboxentry AS i LIMIT 1) AS one,"
            " generate_series(3, %s)",
            [UNVERIFIED_LIMIT],
        )

    (kept,) = nursery.run(bring)
    (capless,) = nursery.run(bring | {"without": ["the_cap"]})

    assert kept["said"] == [{"refused": "INBOX_FULL"}]
    assert capless["said"] == [{"stored": 0}, {"stored": 1}]
