"""One buyer's story as children of the nursery, and how the outside judges its end."""

from __future__ import annotations

from typing import Any

from django.db import connection

from tests.faults.invariants import broken
from tests.faults.outside import Nursery, Outside

TOTAL = 900
GATEWAYS = ("stripe", "paypal")


def buying(
    code: str, key: str, outside: Outside, *, crash: str = "", **more: Any
) -> dict[str, Any]:
    """A child that buys; what it is given is the same at every attempt of the same customer."""
    given = {
        "key": key,
        "code": code,
        "base": outside.sandbox.base,
        "at_once": code == "stripe",
        "until": "refunded",
        **more,
    }
    return {"act": "checkout", "given": given, "crash": crash}


def webhooks_of(code: str, came: list[list[Any]]) -> dict[str, Any]:
    """A child that stores webhooks as the door does."""
    return {"act": "webhooks", "given": {"plugin": f"payment-{code}-like", "came": came}}


FINISH: dict[str, Any] = {"act": "finish"}


def finished(nursery: Nursery, **more: Any) -> None:
    (result,) = nursery.run(FINISH | more)
    assert result["signal"] == 0
    assert "finished" in result["said"][-1], result


def come_again(nursery: Nursery, child: dict[str, Any]) -> list[dict[str, Any]]:
    """Let the customer repeat everything under the same keys, and everything come to an end."""
    (result,) = nursery.run(child)
    finished(nursery)
    return list(result["said"])


def judge(
    outside: Outside,
    *,
    kills: int = 1,
    paid: int = 1,
    refunded: int = 0,
    stands: tuple[str, str] = ("PAID", "PAID"),
    mails: int = 2,
) -> None:
    """Ask the ledger, the mailbox and the tables about the one order there is."""
    assert outside.charges() == [TOTAL] * paid, "the gateways' ledger"
    assert outside.refunds() == [TOTAL] * refunded, "the gateways' ledger"
    copies = outside.mailbox.by_id()
    assert sum(copies.values()) - len(copies) <= kills, copies
    assert len(copies) == mails, outside.mailbox.by_subject()
    assert set(outside.mailbox.by_subject().values()) == {1}, outside.mailbox.by_subject()
    with connection.cursor() as cursor:
        assert broken(cursor) == {}
        cursor.execute("SELECT status, payment_status FROM orderloom_order")
        assert cursor.fetchall() == [stands]


REFUNDED: dict[str, Any] = {"refunded": 1, "stands": ("PAID", "REFUNDED"), "mails": 3}
"""How a checkout ends whose money went back: order, payment and refund were told of."""
