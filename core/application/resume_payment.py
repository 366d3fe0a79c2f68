"""Go on with a payment after the customer came back, or approved elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core.application.checkout_time import part_of_checkout
from core.application.follow_up import follow_up
from core.application.look_up_payment import look_up_payment
from core.application.payment_step import PaymentStep, payment_step
from core.application.send_operation import send_planned
from core.domain.errors import NotFound
from core.domain.lifecycle import LIVE, OperationStatus
from core.domain.payments import PaymentState
from core.hooks.registry import Registry
from core.models import Operation, Payment
from hookspecs import Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePayment:
    """The payment, and what the customer's return brought along."""

    order_id: UUID
    payment_id: UUID
    returned: Mapping[str, str] = field(default_factory=dict)


@part_of_checkout
def resume_payment(command: ResumePayment, *, plugins: Registry, now: datetime) -> PaymentStep:
    """Let the strategy finish what ``start`` began; coming back twice changes nothing.

    Raises:
        NotFound: the order has no such payment.
        PluginUnavailable: the plugin's code isn't loaded.
    """
    payment = (
        Payment.objects.select_related("order")
        .filter(pk=command.payment_id, order_id=command.order_id)
        .first()
    )
    if payment is None:
        raise NotFound("There is no such payment.")
    waiting = Operation.objects.filter(
        payment_id=payment.id, status__in=LIVE, verb__in=(Verb.START, Verb.RESUME)
    ).first()
    if waiting is None:
        return payment_step(payment.id)
    strategy = plugins.strategy(
        plugin=payment.plugin, code=payment.strategy_code, account=payment.account
    )
    if waiting.status != OperationStatus.NEEDS_CUSTOMER or "resume" not in strategy.can:
        return look_up_payment(payment.id, plugins=plugins, now=now)
    follow_up(
        verb=Verb.RESUME,
        after=waiting,
        payment=payment,
        params={
            "capture_now": waiting.params["capture_now"],
            "returned": dict(command.returned),
        },
        strategy=strategy,
        plugins=plugins,
        now=now,
    )
    send_planned(payment.order_id, Verb.CAPTURE, plugins=plugins, now=now)
    return payment_step(payment.id)


def resume_if_approved(payment_id: UUID, *, plugins: Registry, now: datetime) -> None:
    """Go on with a payment that its customer has approved, even if they never come back.

    Raises:
        PluginUnavailable: the plugin's code isn't loaded.
    """
    waits = Operation.objects.filter(
        payment_id=payment_id, status=OperationStatus.NEEDS_CUSTOMER
    ).filter(payment__facts__kind="APPROVED")
    payment = Payment.objects.get(pk=payment_id)
    if payment.status == PaymentState.APPROVED or waits.exists():
        resume_payment(
            ResumePayment(order_id=payment.order_id, payment_id=payment.id),
            plugins=plugins,
            now=now,
        )
