"""Webhooks that come twice, in any order, too early, too late, never, or for somebody else."""

from __future__ import annotations

import dataclasses
import json
import os
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from core.application.payment_step import payment_step
from core.application.receive_webhook import UNVERIFIED_LIMIT, receive_webhook, webhook_endpoint
from core.context import TenantRef, acting_for
from core.domain.errors import InboxFull
from core.hooks.registry import Registry
from core.models import Event, Fact, InboxEntry, Operation, Order, Payment, Tenant
from hookspecs import (
    Call,
    FactKind,
    Finding,
    InquireRequest,
    Money,
    Unknown,
    Untrusted,
    Webhook,
)
from hookspecs import Fact as Stated
from payment_paypal_like.strategy import PaypalStrategy
from payment_stripe_like.strategy import StripeStrategy
from sandbox_gateways.process import SandboxProcess
from tests.gateways.stories import (
    KINDS,
    AnonymousStripe,
    Answer,
    BelievedPaypal,
    BelievedStripe,
    BlindStripe,
    Story,
    drain_due,
    inbox_statuses,
    kind_of,
    told_story,
)
from tests.gateways.till import (
    CARD,
    Postbox,
    back,
    check_once_and_paid,
    clock,
    order_one,
    page_of,
    paypal_at,
    registry_at,
    start,
    statuses,
    stripe_at,
    sweep_now,
)
from tests.http.memory import MIDDLEWARE, InHand
from tests.session import tier

QUICK = tier() == "quick"
SEEDS = 20 if QUICK else 200
FEW = 4 if QUICK else 200
"""As many where each of them asks the gateway."""
REPLAYS = 10 if QUICK else 100
MANY = 100 if QUICK else 1000
EACH = 4 if QUICK else 40
both = pytest.mark.parametrize("code", ["stripe", "paypal"])
pytestmark = [pytest.mark.usefixtures("mugs", "patient"), pytest.mark.timeout(900)]


class Forgetful(BelievedStripe):
    """Without its protection: no fact is ever known again, as if none had a digest."""

    def read_webhook(self, webhook: Webhook, call: Call, /) -> Answer:
        return _with_facts(
            super().read_webhook(webhook, call),
            lambda fact: dataclasses.replace(fact, object_id=f"{fact.object_id}-{random.random()}"),
        )


class LastWins(BelievedStripe):
    """Without its protection: whatever comes last is taken for how the payment stands."""

    latest = 0

    def read_webhook(self, webhook: Webhook, call: Call, /) -> Answer:
        answer = super().read_webhook(webhook, call)
        if isinstance(answer, (Untrusted, Unknown)) or not answer:
            return answer
        LastWins.latest += 1
        failed = json.loads(webhook.body)["type"] == "payment_intent.payment_failed"
        intent = json.loads(webhook.body)["data"]["object"]
        if not failed:
            return _with_facts(answer, lambda fact: dataclasses.replace(fact, object_id="one"))
        fact = Stated(
            kind=FactKind.CAPTURE_FAILED,
            object_id="one",
            amount=Money(intent["amount"], intent["currency"].upper()),
            sequence=LastWins.latest,
        )
        return [dataclasses.replace(one, facts=(fact,)) for one in answer]


def misled_at(
    sandbox: SandboxProcess,
    code: str,
    victim: str,
    *,
    believed: bool = False,
    reference: str | None = None,
) -> Any:
    """Return a strategy whose webhooks are all of them news of one payment."""
    kinds: dict[str, Any] = {
        "stripe": BelievedStripe if believed else StripeStrategy,
        "paypal": BelievedPaypal if believed else PaypalStrategy,
    }

    class Misled(kinds[code]):  # type: ignore[misc]
        def read_webhook(self, webhook: Webhook, call: Call, /) -> Answer:
            answer: Answer = super().read_webhook(webhook, call)
            if isinstance(answer, (Untrusted, Unknown)):
                return answer
            return [
                dataclasses.replace(one, payment_id=victim, reference=reference) for one in answer
            ]

    return (stripe_at if code == "stripe" else paypal_at)(sandbox.base, kind=Misled)


def trusting_at(sandbox: SandboxProcess, code: str, other: str) -> Any:
    """Return a strategy that takes whatever it finds for the payment that it looks for."""
    kinds: dict[str, Any] = {"stripe": StripeStrategy, "paypal": PaypalStrategy}

    class Trusting(kinds[code]):  # type: ignore[misc]
        def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
            asked = dataclasses.replace(request, payment_id=other)
            finding: Finding = super().inquire(asked, call)
            return finding

    return (stripe_at if code == "stripe" else paypal_at)(sandbox.base, kind=Trusting)


def _with_facts(answer: Answer, change: Any) -> Answer:
    if isinstance(answer, (Untrusted, Unknown)):
        return answer
    return [dataclasses.replace(one, facts=tuple(map(change, one.facts))) for one in answer]


@pytest.fixture
def believed(sandbox: SandboxProcess) -> Registry:
    """Both, without a look-up to ask: what webhooks state counts as it comes."""
    return registry_at(
        stripe_at(sandbox.base, kind=BelievedStripe), paypal_at(sandbox.base, kind=BelievedPaypal)
    )


@pytest.fixture(params=["looks", "believes"])
def eyes(request: Any, plugins: Registry, believed: Registry) -> Registry:
    """As it is, and without a look-up: then facts come in the order in which they are told."""
    return plugins if request.param == "looks" else believed


def in_order(story: Story, plugins: Registry) -> dict[str, Any]:
    story.begin_again()
    story.tell(story.told, plugins=plugins)
    return story.state()


# W1: twice, and in any order


@both
def test_events_replayed_and_shuffled_come_to_what_they_do_in_order(
    sandbox: SandboxProcess, eyes: Registry, believed: Registry, code: str
) -> None:
    story = told_story(code, sandbox=sandbox, plugins=eyes)
    expected = in_order(story, eyes)
    many = SEEDS if eyes is believed else FEW
    first = int(os.environ.get("ORDERLOOM_SEED", random.randrange(10**9)))
    seeds = [first] if "ORDERLOOM_SEED" in os.environ else range(first, first + many)

    for seed in seeds:
        shuffled = [*story.told, *story.told[:3]]
        random.Random(seed).shuffle(shuffled)
        story.begin_again()
        story.tell(shuffled, plugins=eyes)
        replay = (
            f"ORDERLOOM_SEED={seed} pytest tests/gateways/test_webhooks.py -k 'shuffled and {code}'"
        )
        print(f"seed {seed}, again by: {replay}")
        assert story.state() == expected, replay

    assert len({kind_of(one) for one in story.told}) >= KINDS[code]
    assert expected["order"][0] == "PAID"
    assert [kind for kind, *_ in expected["effects"]].count("order_paid") == 1


@both
def test_each_event_has_one_effect_however_often_it_comes(
    sandbox: SandboxProcess, eyes: Registry, code: str
) -> None:
    story = told_story(code, sandbox=sandbox, plugins=eyes)
    expected = in_order(story, eyes)

    story.begin_again()
    story.tell([one for one in story.told for _ in range(REPLAYS)], plugins=eyes)

    assert story.state() == expected


def test_control_without_a_digest_an_event_counts_twice(
    sandbox: SandboxProcess, believed: Registry
) -> None:
    story = told_story("stripe", sandbox=sandbox, plugins=believed)
    expected = in_order(story, believed)
    plugins = registry_at(stripe_at(sandbox.base, kind=Forgetful))

    story.begin_again()
    story.tell([one for one in story.told for _ in range(2)], plugins=plugins)

    assert story.state()["effects"] != expected["effects"]


# W2: too early


@both
def test_a_webhook_before_its_reference_is_stored_is_kept_and_applied(
    sandbox: SandboxProcess, plugins: Registry, code: str
) -> None:
    """The worker died between the wire and its second transaction; the customer paid all the same."""
    story = told_story(code, sandbox=sandbox, plugins=plugins)
    Payment.objects.update(reference=None)
    Operation.objects.update(status="SENT", lease_until=clock() + timedelta(minutes=1))

    story.tell(story.told, plugins=plugins)
    waiting = inbox_statuses()
    Operation.objects.update(lease_until=clock() - timedelta(minutes=1))
    drain_due(plugins=plugins)

    assert "STORED" in waiting, "news of a command that is with the gateway has to wait"
    assert Order.objects.get(pk=story.step.order_id).status == "PAID"
    assert inbox_statuses() == {"APPLIED"}


def test_news_of_an_unknown_payment_is_kept_until_it_is_known(
    sandbox: SandboxProcess, believed: Registry
) -> None:
    story = told_story("stripe", sandbox=sandbox, plugins=believed)
    other = start(order_one(plugins=believed), "stripe", plugins=believed)
    name = f'"{story.step.payment_id.hex}"'.encode()
    told = [(body, kept) for body, kept in story.told if name in body]

    plugins = registry_at(stripe_at(sandbox.base, kind=AnonymousStripe))
    Payment.objects.update(reference=None)
    story.tell(told, plugins=plugins)
    waiting = inbox_statuses()
    Payment.objects.filter(pk=story.step.payment_id).update(reference="late")
    drain_due(plugins=plugins)

    assert "STORED" in waiting
    assert inbox_statuses() == {"APPLIED"}
    assert statuses([story.step, other]) == ["PAID", "CONFIRMED"]


# W5: the plugin is away


@pytest.fixture
def door() -> Iterator[Client]:
    with override_settings(MIDDLEWARE=MIDDLEWARE):
        yield Client(raise_request_exception=False)


def post(door: Client, story: Story, body: bytes, headers: dict[str, str]) -> int:
    endpoint_id = webhook_endpoint(plugin=story.plugin, now=clock())
    named = {name: text for name, text in headers.items() if name not in _HOP}
    answer = door.post(
        f"/webhooks/{story.plugin}/{endpoint_id}",
        data=body,
        content_type="application/json",
        headers=named,
    )
    return int(answer.status_code)


_HOP = ("host", "content-length", "content-type", "connection", "accept-encoding")


@both
def test_without_its_plugin_it_is_kept_and_applied_two_days_later(
    sandbox: SandboxProcess, plugins: Registry, door: Client, code: str
) -> None:
    story = told_story(code, sandbox=sandbox, plugins=plugins)
    InHand.registry = registry_at()

    answers = {post(door, story, body, headers) for body, headers in story.told}
    drain_due(plugins=registry_at())
    away = (inbox_statuses(), Fact.objects.count())
    drain_due(plugins=plugins, now=clock() + timedelta(days=2))

    assert answers == {503}
    assert away == ({"STORED"}, 0)
    assert inbox_statuses() == {"APPLIED"}
    assert Order.objects.get(pk=story.step.order_id).status == "PAID"


@pytest.mark.parametrize("away", [timedelta(seconds=400), timedelta(seconds=-400)])
def test_what_was_signed_400_s_away_from_its_arrival_is_refused_whenever_it_is_read(
    sandbox: SandboxProcess, believed: Registry, away: timedelta
) -> None:
    story = told_story("stripe", sandbox=sandbox, plugins=believed)

    story.tell(story.told, plugins=believed, received_at=clock() + away)

    assert inbox_statuses() == {"UNTRUSTED"}
    assert Fact.objects.count() == 0


def test_control_judged_by_when_it_is_read_it_would_be_lost(
    sandbox: SandboxProcess, believed: Registry
) -> None:
    story = told_story("stripe", sandbox=sandbox, plugins=believed)
    story.tell(story.told, plugins=registry_at())

    InboxEntry.objects.update(received_at=clock() + timedelta(days=2))
    drain_due(plugins=believed, now=clock() + timedelta(days=2))

    assert inbox_statuses() == {"UNTRUSTED"}


def fill(endpoint_id: str, *, plugin: str, age: timedelta = timedelta(0)) -> None:
    InboxEntry.objects.bulk_create(
        [
            InboxEntry(
                tenant_id=1,
                endpoint_id=endpoint_id,
                plugin=plugin,
                body=b"{}",
                headers={},
                received_at=clock() - age,
                due_at=clock(),
                status="UNTRUSTED",
            )
            for _ in range(UNVERIFIED_LIMIT)
        ],
        batch_size=1000,
    )


def test_an_endpoint_keeps_ten_thousand_that_nobody_verified(door: Client) -> None:
    plugin = "payment-stripe-like"
    InHand.registry = registry_at()
    endpoint_id = webhook_endpoint(plugin=plugin, now=clock())
    fill(endpoint_id, plugin=plugin)
    other = webhook_endpoint(plugin="payment-paypal-like", now=clock())

    answer = door.post(f"/webhooks/{plugin}/{endpoint_id}", data=b"{}", content_type="a/b")
    receive_webhook(
        plugin="payment-paypal-like", endpoint_id=other, body=b"{}", headers={}, now=clock()
    )

    assert (answer.status_code, answer.json()["code"]) == (503, "INBOX_FULL")
    assert InboxEntry.objects.filter(endpoint_id=endpoint_id).count() == UNVERIFIED_LIMIT
    with pytest.raises(InboxFull):
        receive_webhook(plugin=plugin, endpoint_id=endpoint_id, body=b"{}", headers={}, now=clock())


def test_what_nobody_verified_in_thirty_days_makes_room() -> None:
    plugin = "payment-stripe-like"
    endpoint_id = webhook_endpoint(plugin=plugin, now=clock())
    fill(endpoint_id, plugin=plugin, age=timedelta(days=31))

    receive_webhook(plugin=plugin, endpoint_id=endpoint_id, body=b"{}", headers={}, now=clock())

    assert InboxEntry.objects.filter(endpoint_id=endpoint_id).count() == 1


# W6: many


@both
def test_webhooks_are_stored_and_nothing_else(
    sandbox: SandboxProcess, plugins: Registry, door: Client, code: str
) -> None:
    story = told_story(code, sandbox=sandbox, plugins=plugins)
    InHand.registry = plugins
    before, body = story.state(), story.told[0]
    post(door, story, *body)
    sandbox.control("DELETE requests")
    counts = set()

    for _ in range(MANY):
        with CaptureQueriesContext(connection) as statements:
            assert post(door, story, *body) == 200
        counts.add(
            len([one for one in statements if "INSERT" in one["sql"] or "UPDATE" in one["sql"]])
        )

    assert counts == {1}, "more is written than the webhook itself"
    assert InboxEntry.objects.count() == MANY + 1
    assert story.state() == before
    assert sandbox.control("GET requests")["requests"] == []


# W7: none ever


@both
def test_without_any_webhook_the_sweeper_finishes_everything(
    sandbox: SandboxProcess, plugins: Registry, code: str
) -> None:
    steps = [start(order_one(plugins=plugins), code, plugins=plugins) for _ in range(EACH)]
    for step in steps:
        sandbox.click(page_of(step))
    before = set(statuses(steps))

    sweep_now(plugins=plugins, times=3)

    assert before == {"CONFIRMED"}, "control: without the sweeper nothing moves"
    assert InboxEntry.objects.count() == 0
    check_once_and_paid(sandbox, steps)


def test_looking_at_a_payment_again_and_again_does_not_use_up_its_look_ups(
    sandbox: SandboxProcess, plugins: Registry, tenths: Any
) -> None:
    tenths.ORDERLOOM_LOOK_UPS = [5.0, 30.0, 120.0]
    story = told_story("stripe", sandbox=sandbox, plugins=plugins)
    failed = [one for one in story.told if kind_of(one) == "payment_intent.payment_failed"]
    blind = registry_at(stripe_at(sandbox.base, kind=BlindStripe))
    story.tell(failed * 20, plugins=blind)

    sweep_now(plugins=plugins, times=2)

    assert Order.objects.get(pk=story.step.order_id).status == "PAID"


# W8: old news of a failure


def test_a_failure_of_attempt_1_after_the_success_of_attempt_2_changes_nothing(
    sandbox: SandboxProcess, believed: Registry
) -> None:
    story = told_story("stripe", sandbox=sandbox, plugins=believed)
    failed = [one for one in story.told if kind_of(one) in _FAILED]
    paid = [one for one in story.told if kind_of(one) in _PAID]

    story.tell(paid, plugins=believed)
    before = story.state()
    story.tell(failed * 3, plugins=believed)

    assert len(failed) == 2
    assert before["order"][:2] == ("PAID", "PAID")
    assert story.state() == before


_FAILED = ("payment_intent.payment_failed", "charge.failed")
_PAID = ("payment_intent.succeeded", "checkout.session.completed")


def test_a_failure_of_the_first_payment_after_the_success_of_the_second_changes_nothing(
    sandbox: SandboxProcess, plugins: Registry
) -> None:
    with Postbox() as postbox:
        sandbox.control("POST webhooks", stripe=postbox.url)
        order = order_one(plugins=plugins)
        bad = {"payment_method": "pm_card_chargeDeclined"}
        first = start(order, "stripe", plugins=plugins, inputs=bad)
        second = start(order, "paypal", plugins=plugins)
        sandbox.click(page_of(second))
        back(second, plugins=plugins)
        told = postbox.wait_for(lambda kept: {kind_of(one) for one in kept} >= set(_FAILED))
    story = Story(code="stripe", step=second, told=told)

    story.tell([*told, *told], plugins=plugins)

    assert first.operation_status == "DECLINED"
    assert Payment.objects.get(pk=first.payment_id).status == "DECLINED"
    check_once_and_paid(sandbox, [second])


def test_control_where_the_last_news_wins_a_paid_order_is_unpaid(
    sandbox: SandboxProcess, believed: Registry
) -> None:
    story = told_story("stripe", sandbox=sandbox, plugins=believed)
    plugins = registry_at(stripe_at(sandbox.base, kind=LastWins))
    paid = [one for one in story.told if kind_of(one) == "payment_intent.succeeded"]
    failed = [one for one in story.told if kind_of(one) == "payment_intent.payment_failed"]

    story.tell([*paid, *failed], plugins=plugins)

    assert story.state()["order"][1] != "PAID"


# W9: authentic, but not ours


def test_news_of_another_order_moves_that_one_only(
    sandbox: SandboxProcess, plugins: Registry
) -> None:
    victim = start(order_one(plugins=plugins), "stripe", plugins=plugins)
    story = told_story("stripe", sandbox=sandbox, plugins=plugins)

    story.tell(story.told, plugins=plugins)

    assert statuses([victim, story.step]) == ["CONFIRMED", "PAID"]
    assert not Fact.objects.filter(payment_id=victim.payment_id).exists()


@both
def test_news_of_another_tenant_is_not_applied(
    sandbox: SandboxProcess, plugins: Registry, tenths: Any, code: str
) -> None:
    tenths.ORDERLOOM_LOOK_UPS = [0.1, 0.1]
    story = told_story(code, sandbox=sandbox, plugins=plugins)
    before = story.state()
    Tenant.objects.create(id=2, slug="other")

    with acting_for(TenantRef(id=2, slug="other")):
        story.tell(story.told, plugins=plugins)
        for _ in range(3):
            drain_due(plugins=plugins)
        said = inbox_statuses()

    assert said <= {"UNMATCHED", "APPLIED"}, "kept for ever"
    assert "UNMATCHED" in said
    assert story.state() == before
    assert Fact.objects.count() == 0


@both
def test_authentic_news_that_names_another_payment_pays_neither(
    sandbox: SandboxProcess, plugins: Registry, code: str, tenths: Any
) -> None:
    """Of the same account and amount, and signed: only the gateway's own word could pay it."""
    tenths.ORDERLOOM_LOOK_UPS = [0.1, 0.1]
    victim = start(order_one(plugins=plugins), code, plugins=plugins)
    story = told_story(code, sandbox=sandbox, plugins=plugins)
    misled = registry_at(misled_at(sandbox, code, victim.payment_id.hex))

    story.tell(story.told, plugins=misled)
    drain_due(plugins=misled)

    assert statuses([victim, story.step]) == ["CONFIRMED", "CONFIRMED"]
    assert not Fact.objects.filter(payment_id=victim.payment_id, kind="CAPTURED").exists()
    if code == "stripe":  # it stated facts that nobody confirms: a person's
        assert "UNMATCHED" in inbox_statuses()
        assert "doesn't confirm" in InboxEntry.objects.filter(status="UNMATCHED")[0].cause


@both
def test_control_believed_as_it_is_it_pays_another_order(
    sandbox: SandboxProcess, plugins: Registry, code: str
) -> None:
    victim = start(order_one(plugins=plugins), code, plugins=plugins)
    story = told_story(code, sandbox=sandbox, plugins=plugins)
    misled = registry_at(misled_at(sandbox, code, victim.payment_id.hex, believed=True))

    story.tell(story.told, plugins=misled)

    assert statuses([victim]) == ["PAID"]


@both
def test_authentic_news_gives_a_payment_no_reference(
    sandbox: SandboxProcess, plugins: Registry, code: str
) -> None:
    """Whoever could choose where we look would choose what we find."""
    victim = start(order_one(plugins=plugins), code, plugins=plugins)
    story = told_story(code, sandbox=sandbox, plugins=plugins)
    other = Payment.objects.get(pk=story.step.payment_id).reference
    Payment.objects.filter(pk=victim.payment_id).update(reference=None)
    misled = registry_at(misled_at(sandbox, code, victim.payment_id.hex, reference=other))

    story.tell(story.told, plugins=misled)

    assert Payment.objects.get(pk=victim.payment_id).reference != other
    assert statuses([victim]) == ["CONFIRMED"]


@both
@pytest.mark.parametrize("checks", [True, False], ids=["checked", "control"])
def test_an_object_that_was_made_for_another_payment_is_not_believed(
    sandbox: SandboxProcess, plugins: Registry, code: str, checks: bool
) -> None:
    """Even where a payment has come to bear another's reference; the control believes it."""
    victim = start(order_one(plugins=plugins), code, plugins=plugins)
    story = told_story(code, sandbox=sandbox, plugins=plugins)
    other = Payment.objects.get(pk=story.step.payment_id)
    Payment.objects.filter(pk=victim.payment_id).update(reference=other.reference)
    trusting = registry_at(trusting_at(sandbox, code, other.id.hex))

    sweep_now(plugins=plugins if checks else trusting, times=2)

    assert statuses([victim]) == ["CONFIRMED" if checks else "PAID"]


def test_a_step_reads_the_same_after_all_of_it(sandbox: SandboxProcess, plugins: Registry) -> None:
    story = told_story("stripe", sandbox=sandbox, plugins=plugins)

    story.tell(story.told, plugins=plugins)

    assert payment_step(story.step.payment_id).order_status == "PAID"
    assert Event.objects.filter(order_id=story.step.order_id, kind="order_paid").count() == 1
    assert CARD
