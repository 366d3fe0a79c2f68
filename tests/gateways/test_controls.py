"""The faults of G3, G4, G7, W2, W5, W6 and W7 again, each with its protection switched off."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.application import apply_facts as applying
from core.application.drain_inbox import drain_inbox
from core.application.look_up_payment import look_up_payment
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.conf import conf
from core.domain.errors import InboxFull, PaymentUndecided
from core.hooks.registry import Registry
from core.models import InboxEntry, Order, Payment
from hookspecs import Call, Declined, NotSent, Outcome, StartRequest, Unknown
from payment_stripe_like.strategy import StripeStrategy
from sandbox_gateways.process import SandboxProcess
from tests.application.shelf import stock
from tests.gateways.stories import (
    AnonymousStripe,
    BlindPaypal,
    BlindStripe,
    drain_due,
    inbox_statuses,
    told_story,
)
from tests.gateways.test_faults import Keyless, expired_and_paid_late
from tests.gateways.test_webhooks import door, fill, post
from tests.gateways.till import (
    CARD,
    charge,
    charged,
    clock,
    order_one,
    page_of,
    paypal_at,
    registry_at,
    settle,
    start,
    statuses,
    stripe_at,
    sweep_now,
)
from tests.http.memory import InHand

__all__ = ["door"]

pytestmark = [pytest.mark.usefixtures("mugs"), pytest.mark.timeout(300)]
patient = pytest.mark.usefixtures("patient")


class Doubting(StripeStrategy):
    """Without its protection: what was provably never sent is taken for unknown."""

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        answer = super().start(request, call)
        return Unknown(cause=answer.cause) if isinstance(answer, NotSent) else answer


class Despairing(StripeStrategy):
    """Without its protection: what was never sent is taken for a no."""

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        answer = super().start(request, call)
        return Declined(text=answer.cause) if isinstance(answer, NotSent) else answer


def test_g3_late_money_that_takes_no_stock_again_sells_it_twice(
    sandbox: SandboxProcess, plugins: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = expired_and_paid_late(sandbox, plugins, sold=True)
    monkeypatch.setattr(applying, "stock_rows", lambda _: [])

    look_up_payment(step.payment_id, plugins=plugins, now=clock())

    assert statuses([step]) == ["PAID"]
    assert stock("vase") == (1, 1)
    assert Order.objects.filter(stock__in=["HELD", "KEPT"]).count() == 2


def test_g4_what_is_down_taken_for_unknown_keeps_the_buyer_from_every_other_way(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    with SandboxProcess(tmp_path / "other.sqlite3") as other:
        down = other.base
    plugins = registry_at(stripe_at(down, kind=Doubting), paypal_at(sandbox.base))
    order = order_one(plugins=plugins)

    start(order, "stripe", plugins=plugins, inputs=CARD)
    sweep_now(plugins=plugins, times=3)

    with pytest.raises(PaymentUndecided):
        start(order, "paypal", plugins=plugins)


def test_g4_what_is_down_taken_for_a_no_is_not_asked_again(tmp_path: Path) -> None:
    ledger = tmp_path / "hour.sqlite3"
    with SandboxProcess(ledger) as before:
        port = int(before.base.rpartition(":")[2])
    plugins = registry_at(stripe_at(before.base, kind=Despairing))

    step = start(order_one(plugins=plugins), "stripe", plugins=plugins, inputs=CARD)
    with SandboxProcess(ledger, port=port) as again:
        sweep_now(plugins=plugins, times=3)

        assert (charged(again, [step]), statuses([step])) == ([0], ["CONFIRMED"])


def test_g7_two_at_once_under_keys_of_their_own_charge_twice(sandbox: SandboxProcess) -> None:
    plugins = registry_at(stripe_at(sandbox.base, kind=Keyless))
    fault = {"do": "slow", "seconds": 0.8}

    step = charge("stripe", sandbox=sandbox, plugins=plugins, fault=fault)
    sweep_now(plugins=plugins)
    settle(plugins=plugins)
    time.sleep(0.5)  # until the slow one is done as well

    assert charged(sandbox, [step])[0] > 1


@patient
@pytest.mark.parametrize(("look_ups", "ends"), [(1, "CONFIRMED"), (60, "PAID")])
def test_w2_news_that_is_not_kept_until_its_payment_is_known_is_lost(
    sandbox: SandboxProcess, tenths: Any, look_ups: int, ends: str
) -> None:
    tenths.ORDERLOOM_LOOK_UPS = [0.1] * look_ups
    plugins = registry_at(stripe_at(sandbox.base, kind=AnonymousStripe))
    story = told_story("stripe", sandbox=sandbox, plugins=plugins)
    Payment.objects.update(reference=None)

    story.tell(story.told, plugins=plugins)
    Payment.objects.update(reference="late")
    drain_due(plugins=plugins)

    assert statuses([story.step]) == [ends]
    assert ("UNMATCHED" in inbox_statuses()) is (ends == "CONFIRMED")


def test_w5_what_is_not_old_enough_makes_no_room() -> None:
    plugin = "payment-stripe-like"
    endpoint_id = webhook_endpoint(plugin=plugin, now=clock())
    fill(endpoint_id, plugin=plugin, age=timedelta(seconds=conf().inbox_kept - 60))

    with pytest.raises(InboxFull):
        receive_webhook(plugin=plugin, endpoint_id=endpoint_id, body=b"{}", headers={}, now=clock())


def test_w5_what_was_verified_is_not_counted() -> None:
    """So that it is the count of the unverified that refuses, and nothing else."""
    plugin = "payment-stripe-like"
    endpoint_id = webhook_endpoint(plugin=plugin, now=clock())
    fill(endpoint_id, plugin=plugin)
    InboxEntry.objects.update(status="APPLIED")

    receive_webhook(plugin=plugin, endpoint_id=endpoint_id, body=b"{}", headers={}, now=clock())

    assert InboxEntry.objects.filter(status="STORED").count() == 1


@patient
def test_w6_worked_off_at_the_door_a_webhook_writes_more_and_moves_the_order(
    sandbox: SandboxProcess, door: Client
) -> None:
    plugins = registry_at(stripe_at(sandbox.base))
    story = told_story("stripe", sandbox=sandbox, plugins=plugins)
    InHand.registry = plugins
    before = story.state()
    sandbox.control("DELETE requests")

    with CaptureQueriesContext(connection) as statements:
        assert post(door, story, *story.told[0]) == 200
        drain_inbox(plugins=plugins, now=clock())
    sweep_now(plugins=plugins)

    assert sum("INSERT" in one["sql"] or "UPDATE" in one["sql"] for one in statements) > 1
    assert story.state() != before
    assert sandbox.control("GET requests")["requests"] != []


@patient
@pytest.mark.parametrize("code", ["stripe", "paypal"])
def test_w7_without_look_ups_nothing_is_ever_finished(sandbox: SandboxProcess, code: str) -> None:
    plugins: Registry = registry_at(
        stripe_at(sandbox.base, kind=BlindStripe), paypal_at(sandbox.base, kind=BlindPaypal)
    )
    step = start(order_one(plugins=plugins), code, plugins=plugins)
    sandbox.click(page_of(step))

    sweep_now(plugins=plugins, times=3)

    assert statuses([step]) == ["CONFIRMED"]
