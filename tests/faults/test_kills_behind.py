"""K1 behind the doors: inbox, relay, sweeper, expiry and cancellation die, and others go on."""

from __future__ import annotations

import signal
import uuid
from typing import Any

import pytest

from core.context import TenantRef
from tests.faults.judging import FINISH, GATEWAYS, buying, come_again, finished, judge, webhooks_of
from tests.faults.outside import Nursery, Outside
from tests.session import tier

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]


def each(*points: str, more: tuple[str, ...] = ()) -> Any:
    """Each point, and `more` of them, with both gateways; in quick once, gateways alternating."""
    cases = []
    for n, point in enumerate(points if tier() == "quick" else (*points, *more)):
        wanted = (GATEWAYS[n % 2],) if tier() == "quick" else GATEWAYS
        cases += [(point, code) for code in wanted]
    return pytest.mark.parametrize(("crash", "code"), cases)


def killed(nursery: Nursery, child: dict[str, Any]) -> list[dict[str, Any]]:
    (died,) = nursery.run(child)
    assert died["signal"] == signal.SIGKILL, died
    return list(died["said"])


@each(
    "inbox.stored:1",
    "inbox.claimed:1",
    "inbox.applied:1",
    more=("inbox.stored:2", "inbox.applied:2", "inbox.claimed:2"),
)
def test_a_webhook_is_applied_once_whoever_dies(
    shop: TenantRef, nursery: Nursery, outside: Outside, crash: str, code: str
) -> None:
    outside.call_here(code)
    buyer = buying(code, uuid.uuid4().hex, outside, at_once=False, until="clicked")
    nursery.run(buyer)
    came = outside.came(4 if code == "stripe" else 1) * 2
    bring = webhooks_of(code, came)

    if crash.startswith("inbox.stored"):
        stored = len(killed(nursery, bring | {"crash": crash}))
        bring["given"]["came"] = came[stored:]  # who got no answer is brought again
        nursery.run(bring)
    else:
        nursery.run(bring)
        killed(nursery, FINISH | {"crash": crash})
    finished(nursery)

    judge(outside)


@each("delivery.claimed:1", "mail.accepted:1", more=("delivery.claimed:2", "mail.accepted:2"))
def test_no_mail_is_lost_and_a_repeat_is_known_by_its_id(
    shop: TenantRef, nursery: Nursery, outside: Outside, crash: str, code: str
) -> None:
    buyer = buying(code, uuid.uuid4().hex, outside, until="placed")
    nursery.run(buyer)
    if crash.endswith(":2"):  # the second batch is what follows the payment
        finished(nursery)
        crash = crash.removesuffix(":2")
    nursery.run(buyer | {"given": buyer["given"] | {"until": "paid"}})

    killed(nursery, FINISH | {"crash": crash})
    finished(nursery)

    judge(outside)


WORKED = {
    "stripe": "POST /v1/payment_intents",
    "paypal": "POST /v2/checkout/orders/.*/capture",
}


@each("lookup.answered:1")
def test_a_sweeper_that_dies_with_the_answer_in_hand_is_followed_by_another(
    shop: TenantRef, nursery: Nursery, outside: Outside, crash: str, code: str
) -> None:
    outside.sandbox.control("POST faults", match=WORKED[code], do="drop", when="after")
    until = "clicked" if code == "stripe" else "paid"  # where each of them takes the money
    nursery.run(buying(code, uuid.uuid4().hex, outside, until=until))

    killed(nursery, FINISH | {"crash": crash})
    finished(nursery)

    judge(outside)


@each("expiry.half_way:1")
def test_an_order_that_was_expiring_expires_once(
    shop: TenantRef, nursery: Nursery, outside: Outside, crash: str, code: str
) -> None:
    buyer = buying(code, uuid.uuid4().hex, outside, at_once=False, until="started")
    soon = {"settings": {"ORDERLOOM_RESERVATION_SECONDS": 0.0}}
    nursery.run(buyer | soon)

    killed(nursery, FINISH | {"crash": crash})
    finished(nursery)
    finished(nursery)

    judge(outside, paid=0, stands=("EXPIRED", "NONE"), mails=1)


@each(
    "refund.intended:1",
    "answer.received:1",
    more=("operation.committed:1", "answer.recorded:1"),
)
def test_a_cancellation_that_dies_gives_the_money_back_once(
    shop: TenantRef, nursery: Nursery, outside: Outside, crash: str, code: str
) -> None:
    buyer = buying(code, uuid.uuid4().hex, outside, until="paid")
    said = come_again(nursery, buyer)

    killed(nursery, {"act": "cancel", "given": {"order": said[0]["order"]}, "crash": crash})
    finished(nursery)

    judge(outside, refunded=1, stands=("CANCELLED", "REFUNDED"), mails=4)
