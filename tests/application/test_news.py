"""When a provider's news make us ask it, of which till, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.application.apply_notice import apply_notice, find_payment, is_known
from core.application.payment_step import PaymentStep
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.domain.errors import PluginUnavailable
from core.hooks.registry import Registry
from core.models import Fact as FactRow
from core.models import Operation, Order, Payment
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import (
    Call,
    Fact,
    FactKind,
    Feature,
    Finding,
    InquireRequest,
    Money,
    Notice,
)
from tests.application.shelf import paying, placed

PLUGIN = "payment-memory"


@dataclass
class Asked(MemoryGateway):
    """Remembers about which payments it was asked."""

    asked: list[str] = field(default_factory=list)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        self.asked.append(request.payment_id)
        return super().inquire(request, call)


@pytest.fixture
def gateway() -> Asked:
    return Asked()


@pytest.fixture
def plugins(gateway: Asked) -> Registry:
    return serving(gateway)


def serving(gateway: MemoryGateway) -> Registry:
    return registry_of(FakePlugin(name=PLUGIN, strategies=(gateway,)))


def bought(plugins: Registry, now: datetime) -> PaymentStep:
    order = placed(("tea", 2), plugins=plugins, now=now)
    return start_payment(paying(order), plugins=plugins, now=now)


def news(step: PaymentStep, minor: int = 900, **more: Any) -> Notice:
    """Return word of a capture: of 9.00, the one that the gateway made."""
    captured = Fact(
        kind=FactKind.CAPTURED,
        object_id=f"ch-{step.payment_id.hex}",
        amount=Money(minor, "EUR"),
        account="till-1",
    )
    return Notice(
        **{"event_id": "e", "payment_id": step.payment_id.hex, "facts": (captured,), **more}
    )


def hear(notice: Notice, step: PaymentStep, plugins: Registry, now: datetime) -> str:
    payment = Payment.objects.get(pk=step.payment_id)
    return apply_notice(notice, payment, source="WEBHOOK", plugins=plugins, now=now)


def test_what_is_known_is_settled_without_a_question_whatever_else_is_under_way(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    step = bought(plugins, now)
    gateway.fault = "drop_before"
    bought(plugins, now)

    why = hear(news(step), step, plugins, now)

    assert (why, gateway.asked) == ("", [])


def test_what_is_known_is_asked_about_while_a_command_of_the_payment_is_in_doubt(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    step = bought(plugins, now)
    gateway.fault = "drop_after"
    command = RefundPayment(payment_id=step.payment_id, principal="staff", key="r")
    refund_payment(command, plugins=plugins, now=now)

    why = hear(news(step), step, plugins, now)

    assert (why, gateway.asked) == ("", [step.payment_id.hex])
    assert Operation.objects.get(verb="REFUND").status == "DONE"
    assert Order.objects.get().payment_status == "REFUNDED"


def test_why_the_gateway_can_not_be_asked_is_why_the_news_wait(
    shelf: TenantRef, gateway: Asked, plugins: Registry, now: datetime
) -> None:
    step = bought(plugins, now)
    gateway.fault = "raise"

    why = hear(news(step, 901), step, plugins, now)

    assert "in pieces" in why
    assert FactRow.objects.get().amount_minor == 900


@pytest.mark.parametrize("features", [frozenset(), frozenset({Feature.MANUAL})])
def test_a_till_of_another_account_never_decides(
    shelf: TenantRef, plugins: Registry, now: datetime, features: frozenset[Feature]
) -> None:
    step = bought(plugins, now)
    Payment.objects.update(reference=None)
    other = Asked(account="till-2", features=features)

    with pytest.raises(PluginUnavailable, match="configured for another account than till-1"):
        hear(news(step, 700, reference="booked"), step, serving(other), now)

    assert [row.amount_minor for row in FactRow.objects.all()] == [900]
    assert Payment.objects.get().reference is None
    with pytest.raises(PluginUnavailable):
        hear(news(step), step, serving(other), now)


def test_news_are_known_where_they_would_change_nothing(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    step = bought(plugins, now)
    payment = Payment.objects.get()

    assert is_known(news(step), payment)
    assert is_known(news(step, facts=()), payment)
    assert is_known(news(step, 899), payment)
    assert not is_known(news(step, 901), payment)


@pytest.mark.parametrize("later", ["first", "second"])
def test_of_several_payments_with_one_reference_the_latest_is_found(
    shelf: TenantRef, plugins: Registry, now: datetime, later: str
) -> None:
    steps = {"first": bought(plugins, now), "second": bought(plugins, now)}
    Payment.objects.update(reference="shared")
    hour = now + timedelta(hours=1)
    Payment.objects.filter(pk=steps[later].payment_id).update(created_at=hour)
    strategy = plugins.strategy(plugin=PLUGIN, code="memory", account="till-1")

    found = find_payment(Notice(event_id="e", reference="shared"), strategy)

    assert found is not None
    assert found.pk == steps[later].payment_id
