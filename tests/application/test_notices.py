"""What a provider's notice does, whose it is, and answers that are about something else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from core.application.apply_notice import UNCONFIRMED, apply_notice, find_payment
from core.application.comparing import MISTAKEN, NO_MATCH, compared, is_doubtful
from core.application.payment_step import PaymentStep
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.domain.journal import INCIDENT
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.models import Event, Order, Payment
from core.models import Fact as FactRow
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import (
    Call,
    Declined,
    Done,
    Fact,
    FactKind,
    Feature,
    Finding,
    InquireRequest,
    Money,
    Notice,
    Unknown,
)
from tests.application.shelf import paying, placed

PLUGIN = "payment-memory"
TOTAL = 900


class Asked(MemoryGateway):
    """Counts how often it is asked."""

    looks = 0

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        Asked.looks += 1
        return super().inquire(request, call)


@pytest.fixture(autouse=True)
def _count_anew() -> None:
    Asked.looks = 0


@pytest.fixture
def gateway() -> MemoryGateway:
    return Asked()


@pytest.fixture
def plugins(gateway: MemoryGateway) -> Registry:
    return serving(gateway)


def serving(gateway: MemoryGateway) -> Registry:
    return registry_of(FakePlugin(name=PLUGIN, strategies=(gateway,)))


def bought(plugins: Registry, now: datetime) -> PaymentStep:
    order = placed(("tea", 2), plugins=plugins, now=now)
    return start_payment(paying(order), plugins=plugins, now=now)


def strategy_of(plugins: Registry, account: str | None = "till-1") -> OfferedStrategy:
    return plugins.strategy(plugin=PLUGIN, code="memory", account=account)


def taken(minor: int = TOTAL, **more: Any) -> Fact:
    said = {"kind": FactKind.CAPTURED, "object_id": "told", "account": "till-1", **more}
    return Fact(amount=Money(minor, "EUR"), **said)


# Whose it is


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, True),
        ({"plugin": "payment-other"}, False),
        ({"strategy_code": "other"}, False),
        ({"account": "till-2"}, False),
    ],
)
@pytest.mark.parametrize("by", ["payment_id", "reference"])
def test_a_payment_is_found_at_its_own_strategy_and_account_only(
    shelf: TenantRef,
    plugins: Registry,
    now: datetime,
    changed: dict[str, str],
    found: bool,
    by: str,
) -> None:
    step = bought(plugins, now)
    said = {"payment_id": step.payment_id.hex, "reference": f"ref-{step.payment_id.hex}"}
    Payment.objects.update(**changed)

    payment = find_payment(Notice(event_id="e", **{by: said[by]}), strategy_of(plugins))

    assert (payment is not None and payment.pk == step.payment_id) is found


@pytest.mark.parametrize("named", [{}, {"payment_id": "nonsense"}, {"reference": "nobody's"}])
def test_what_names_no_payment_of_ours_finds_none(
    shelf: TenantRef, plugins: Registry, now: datetime, named: dict[str, str]
) -> None:
    bought(plugins, now)

    assert find_payment(Notice(event_id="e", **named), strategy_of(plugins)) is None


def test_without_an_account_and_of_several_the_latest_is_found(
    shelf: TenantRef, now: datetime
) -> None:
    plugins = serving(Asked(account=None))
    first, second = bought(plugins, now), bought(plugins, now)
    Payment.objects.update(reference="shared", account="whoever")

    payment = find_payment(Notice(event_id="e", reference="shared"), strategy_of(plugins, None))

    assert payment is not None
    assert payment.pk == second.payment_id != first.payment_id


# What it does


def test_news_of_another_reference_is_an_incident_once_and_moves_nothing(
    shelf: TenantRef, gateway: MemoryGateway, plugins: Registry, now: datetime
) -> None:
    gateway.fault = "drop_after"
    step = bought(plugins, now)
    Payment.objects.update(reference="ours")
    notice = Notice(event_id="e", payment_id=step.payment_id.hex, reference="another")
    before = Order.objects.get()

    for _ in range(2):
        payment = Payment.objects.get()
        assert apply_notice(notice, payment, source="WEBHOOK", plugins=plugins, now=now) == ""

    (incident,) = Event.objects.filter(kind=INCIDENT, data__code=MISTAKEN, data__object="another")
    assert incident.data["payment"] == str(step.payment_id)
    assert incident.at == now
    assert (incident.order_id, incident.seq) == (before.pk, before.log_seq + 1)
    chain = list(Event.objects.filter(order_id=before.pk).order_by("seq"))
    assert all(one.hash == other.previous_hash for one, other in pairwise(chain))
    after = Order.objects.get()
    assert (after.log_seq, after.log_head) == (chain[-1].seq, chain[-1].hash)
    assert (after.status, after.payment_status, after.stock) == (
        before.status,
        before.payment_status,
        before.stock,
    )
    assert Asked.looks >= 2
    assert not FactRow.objects.exists()


def test_what_the_look_up_confirms_pays(
    shelf: TenantRef, gateway: MemoryGateway, plugins: Registry, now: datetime
) -> None:
    gateway.fault = "drop_after"
    step = bought(plugins, now)
    gateway_says = taken(object_id=f"ch-{step.payment_id.hex}")
    notice = Notice(event_id="e", payment_id=step.payment_id.hex, facts=(gateway_says,))

    why = apply_notice(notice, Payment.objects.get(), source="WEBHOOK", plugins=plugins, now=now)

    assert (why, Order.objects.get().status) == ("", "PAID")


def test_what_nobody_confirms_waits_and_pays_nothing(shelf: TenantRef, now: datetime) -> None:
    plugins = serving(Asked(way="redirect"))
    step = bought(plugins, now)
    notice = Notice(event_id="e", payment_id=step.payment_id.hex, facts=(taken(),))

    why = apply_notice(notice, Payment.objects.get(), source="WEBHOOK", plugins=plugins, now=now)

    assert (why, Order.objects.get().status) == (UNCONFIRMED, "CONFIRMED")
    assert not FactRow.objects.exists()


def test_what_is_known_already_asks_nobody(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    step = bought(plugins, now)
    known = taken(object_id=f"ch-{step.payment_id.hex}")
    notice = Notice(event_id="e", payment_id=step.payment_id.hex, facts=(known,))

    apply_notice(notice, Payment.objects.get(), source="WEBHOOK", plugins=plugins, now=now)
    asked = Asked.looks
    hint = replace(notice, facts=())
    apply_notice(hint, Payment.objects.get(), source="WEBHOOK", plugins=plugins, now=now)

    assert (asked, Asked.looks) == (0, 1)


def test_a_customer_who_approved_is_gone_on_with(shelf: TenantRef, now: datetime) -> None:
    gateway = Asked(way="redirect")
    plugins = serving(gateway)
    step = bought(plugins, now)
    gateway.approve(step.payment_id.hex)
    notice = Notice(event_id="e", payment_id=step.payment_id.hex)

    why = apply_notice(notice, Payment.objects.get(), source="WEBHOOK", plugins=plugins, now=now)

    assert (why, Order.objects.get().status) == ("", "PAID")


def test_where_nobody_can_be_asked_the_notice_itself_counts(
    shelf: TenantRef, now: datetime
) -> None:
    gateway = Asked(way="redirect", features=frozenset({Feature.MANUAL}))
    plugins = serving(gateway)
    bought(plugins, now)
    Payment.objects.update(reference=None)
    notice = Notice(event_id="e", reference="booked", facts=(taken(),))

    why = apply_notice(notice, Payment.objects.get(), source="FILE", plugins=plugins, now=now)

    assert (why, Order.objects.get().status) == ("", "PAID")
    assert Payment.objects.get().reference == "booked"
    assert FactRow.objects.get().source == "FILE"


# Answers about something else


def test_an_answer_about_another_payment_is_doubted_and_noted(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    bought(plugins, now)
    Payment.objects.update(reference="ours")
    payment = Payment.objects.get()

    answer = compared(Done(reference="another"), payment, now=now)
    same = compared(Done(reference="ours"), payment, now=now)
    none = compared(Declined(text="no"), payment, now=now)
    told = compared(Declined(facts=(taken(),)), payment, now=now)

    assert answer == Unknown(cause=NO_MATCH)
    assert isinstance(same, Done)
    assert isinstance(none, Declined)
    assert isinstance(told, Declined)
    assert Event.objects.filter(kind=INCIDENT, data__object="another").count() == 1


@pytest.mark.parametrize(
    ("fact", "doubtful"),
    [
        (taken(), False),
        (taken(TOTAL - 1), False),
        (taken(TOTAL + 1), True),
        (taken(account="till-2"), True),
        (Fact(kind=FactKind.CAPTURED, object_id="told", amount=Money(TOTAL, "USD")), True),
    ],
)
def test_a_yes_with_more_or_of_another_currency_or_account_is_doubted(
    shelf: TenantRef, plugins: Registry, now: datetime, fact: Fact, doubtful: bool
) -> None:
    bought(plugins, now)
    payment = Payment.objects.get()

    assert is_doubtful(Done(facts=(fact,)), payment) is doubtful
    assert not is_doubtful(Declined(facts=(fact,)), payment)
