"""K1: a process is killed at each named point, others go on; the outside says whether all is well."""

from __future__ import annotations

import os
import signal
import time
import uuid
from typing import Any

import pytest

from core.context import TenantRef
from core.infrastructure.crashpoints import NAMES
from tests.faults.judging import GATEWAYS, REFUNDED, buying, come_again, finished, judge
from tests.faults.outside import Nursery, Outside
from tests.session import tier

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

# Where a checkout with a refund may die: the point, its pass with Stripe and its pass with PayPal.
# Stripe takes money at START (1) and gives it back by REFUND (2); PayPal starts, captures when the
# customer has returned (2) and refunds (3).
CHECKOUT = {
    "order.before_commit": ((1,), (1,)),
    "order.committed": ((1,), (1,)),
    "operation.committed": ((1, 2), (2, 1, 3)),
    "answer.received": ((1, 2), (2, 1, 3)),
    "answer.recorded": ((1, 2), (2, 1, 3)),
    "refund.intended": ((1,), (1,)),
    "refund.done": ((1,), (1,)),
}
WIRE = {
    "stripe": ("POST /v1/payment_intents", "POST /v1/refunds"),
    "paypal": ("POST /v2/checkout/orders/.*/capture", "POST /v2/payments/captures/.*/refund"),
}
QUICK = tier() == "quick"


def at_checkout() -> list[Any]:
    """Every point, pass, gateway and kind of customer; in quick each point once, alternating."""
    cases = []
    for n, (name, passes) in enumerate(CHECKOUT.items()):
        for g, code in enumerate(GATEWAYS):
            for turn in passes[g][:1] if QUICK else passes[g]:
                for patient in (True, False) if not QUICK else (n % 4 < 2,):
                    if QUICK and n % 2 != g:
                        continue
                    who = "patient" if patient else "impatient"
                    cases.append(
                        pytest.param(
                            code, f"{name}:{turn}", patient, id=f"{name}:{turn}-{code}-{who}"
                        )
                    )
    return cases


@pytest.mark.parametrize(("code", "crash", "patient"), at_checkout())
def test_a_checkout_that_dies_is_finished_once(
    shop: TenantRef, nursery: Nursery, outside: Outside, code: str, crash: str, patient: bool
) -> None:
    key = uuid.uuid4().hex

    (died,) = nursery.run(buying(code, key, outside, crash=crash))
    if patient:
        finished(nursery)
    come_again(nursery, buying(code, key, outside))
    come_again(nursery, buying(code, key, outside))

    assert died["signal"] == signal.SIGKILL, died
    judge(outside, **REFUNDED)


@pytest.mark.parametrize("which", [0, 1] if not QUICK else [0])
@pytest.mark.parametrize("code", GATEWAYS)
def test_a_gateway_that_worked_but_whose_answer_never_came_is_asked_again(
    shop: TenantRef, nursery: Nursery, outside: Outside, code: str, which: int
) -> None:
    key = uuid.uuid4().hex
    outside.sandbox.control(
        "POST faults", match=WIRE[code][which], do="timeout", when="after", seconds=5
    )

    def kill_once_it_has_happened(pids: list[int]) -> None:
        until = time.monotonic() + 10
        happened = (outside.charges, outside.refunds)[which]
        while not happened() and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(pids[0], signal.SIGKILL)

    (died,) = nursery.run(buying(code, key, outside), meanwhile=kill_once_it_has_happened)
    finished(nursery)
    come_again(nursery, buying(code, key, outside))

    assert died["signal"] == signal.SIGKILL
    judge(outside, **REFUNDED)


def test_every_named_point_is_one_at_which_we_kill() -> None:
    elsewhere = {
        "inbox.stored",
        "inbox.claimed",
        "inbox.applied",
        "delivery.claimed",
        "mail.accepted",
        "lookup.answered",
        "expiry.half_way",
        "plugin.switching",
        "plugin.switched",
    }

    assert elsewhere | set(CHECKOUT) == NAMES
