"""Payments over the API: start, go on, take, give back, and the ways there are to pay."""
# ruff: noqa: ARG001 - ninja hands every view its request and path, asked for or not

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router

from core.application.capture_payment import CapturePayment, capture_payment
from core.application.payment_step import PaymentStep
from core.application.queries import payment_choices
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.resume_payment import ResumePayment, resume_payment
from core.application.start_payment import StartPayment, start_payment
from core.application.void_payment import VoidPayment, void_payment
from core.conf import conf
from core.domain.errors import NotFound
from core.http.answers import reply, step_answer
from core.http.auth import Anyone, DoorRequest, Key, OrderHolder, read_id
from core.http.orders import IDEMPOTENT, idempotency_key, opened
from core.http.schemas import (
    AskedCapture,
    AskedMoney,
    AskedPayment,
    AskedRefund,
    AskedResume,
    AskedStrategies,
    StepAnswer,
    StrategiesAnswer,
    refuse_unknown,
)
from core.models import Payment
from hookspecs import Money

router = Router(tags=["payments"])


@router.get("/payment-strategies", auth=Anyone(), response={200: StrategiesAnswer})
def strategies(request: DoorRequest, asked: Query[AskedStrategies]) -> HttpResponse:
    """List the ways an amount could be paid."""
    refuse_unknown(request, AskedStrategies)
    choices = payment_choices(
        plugins=request.registry,
        currency=asked.currency or conf().currency,
        total_minor=asked.total_minor,
    )
    return reply({"items": choices})


@router.post(
    "/orders/{order_id}/payments",
    auth=OrderHolder("orders:write"),
    response={201: StepAnswer},
    openapi_extra=IDEMPOTENT,
)
def start(request: DoorRequest, order_id: str, asked: AskedPayment) -> HttpResponse:
    """Begin to collect what an order costs; ``action`` says what the customer does next."""
    command = StartPayment(
        order_id=opened(request),
        strategy_code=asked.strategy,
        principal=request.auth.principal,
        key=idempotency_key(request),
        return_url=asked.return_url,
        cancel_url=asked.cancel_url,
        inputs=asked.inputs,
        capture_now=asked.capture_now,
        amount=_money(asked.amount),
    )
    step = start_payment(command, plugins=request.registry, now=timezone.now())
    return reply(step_answer(step), status=201)


@router.post(
    "/orders/{order_id}/payments/{payment_id}/resume",
    auth=OrderHolder("orders:write"),
    response={200: StepAnswer},
)
def resume(
    request: DoorRequest, order_id: str, payment_id: str, asked: AskedResume
) -> HttpResponse:
    """Go on after the customer came back from the provider; twice changes nothing."""
    command = ResumePayment(
        order_id=opened(request), payment_id=read_id(payment_id), returned=asked.returned
    )
    return _done(request, resume_payment, command)


@router.post(
    "/orders/{order_id}/payments/{payment_id}/capture",
    auth=Key("payments:capture"),
    response={200: StepAnswer},
    openapi_extra=IDEMPOTENT,
)
def capture(
    request: DoorRequest, order_id: str, payment_id: str, asked: AskedCapture
) -> HttpResponse:
    """Take what a payment holds, or a part of it."""
    given = _given(request, order_id, payment_id)
    command = CapturePayment(amount=_money(asked.amount), final=asked.final, **given)
    return _done(request, capture_payment, command)


@router.post(
    "/orders/{order_id}/payments/{payment_id}/void",
    auth=Key("payments:void"),
    response={200: StepAnswer},
    openapi_extra=IDEMPOTENT,
)
def void(request: DoorRequest, order_id: str, payment_id: str) -> HttpResponse:
    """Give back untaken what a payment holds, or end one that nobody has paid yet."""
    command = VoidPayment(**_given(request, order_id, payment_id))
    return _done(request, void_payment, command)


@router.post(
    "/orders/{order_id}/payments/{payment_id}/refund",
    auth=Key("payments:refund"),
    response={200: StepAnswer},
    openapi_extra=IDEMPOTENT,
)
def refund(
    request: DoorRequest, order_id: str, payment_id: str, asked: AskedRefund
) -> HttpResponse:
    """Give back what a payment has captured, or a part of it."""
    given = _given(request, order_id, payment_id)
    command = RefundPayment(amount=_money(asked.amount), reason=asked.reason, **given)
    return _done(request, refund_payment, command)


def _given(request: DoorRequest, order_id: str, payment_id: str) -> dict[str, Any]:
    """Return what every command about a payment bears: which, who says so, and under what key."""
    found = read_id(payment_id)
    if not Payment.objects.filter(pk=found, order_id=read_id(order_id)).exists():
        raise NotFound("There is no such payment.")
    return {
        "payment_id": found,
        "principal": request.auth.principal,
        "key": idempotency_key(request),
    }


def _done(
    request: DoorRequest, use_case: Callable[..., PaymentStep], command: object
) -> HttpResponse:
    step = use_case(command, plugins=request.registry, now=timezone.now())
    return reply(step_answer(step))


def _money(asked: AskedMoney | None) -> Money | None:
    return None if asked is None else Money(asked.minor, asked.currency)
