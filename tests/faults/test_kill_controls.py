"""The same kills with one protection switched off inside the child: each must be found."""

from __future__ import annotations

import signal
import uuid
from typing import Any

import pytest
from django.db import connection

from core.context import TenantRef
from tests.faults.invariants import (
    i6_nothing_is_sent_beyond_its_lease,
    nothing_is_undecided,
)
from tests.faults.judging import FINISH, TOTAL, buying, come_again, finished
from tests.faults.outside import Nursery, Outside

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
