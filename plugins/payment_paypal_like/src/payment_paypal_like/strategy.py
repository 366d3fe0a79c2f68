"""Approve and pay: PayPal's answers in the words of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from hookspecs import (
    Call,
    CaptureRequest,
    DeclineCode,
    Declined,
    Done,
    Fact,
    FactKind,
    Feature,
    Finding,
    Healthy,
    InProgress,
    InquireRequest,
    NotFound,
    Notice,
    NotSent,
    Outcome,
    PaymentInfo,
    PaymentRequest,
    RefundRequest,
    Resend,
    ResumeRequest,
    Retry,
    StartRequest,
    Unhealthy,
    Unknown,
    Untrusted,
    Verb,
    VoidRequest,
    Webhook,
)
from payment_paypal_like import requests_out
from payment_paypal_like.answers import Standing, closed, gone, of_facts, refused, standing
from payment_paypal_like.gateway import (
    UNREADABLE,
    Document,
    Gateway,
    GatewayError,
    InDoubtError,
    NotSentError,
    RefusedError,
)
from payment_paypal_like.reports import Reports
from payment_paypal_like.settings import Settings
from payment_paypal_like.wording import (
    CURRENCIES,
    capture_fact,
    names_another,
    order_facts,
    payee,
    refund_fact,
    to_wire,
)

_MOVED_ON = frozenset(
    {
        "ORDER_ALREADY_CAPTURED",
        "ORDER_ALREADY_AUTHORIZED",
        "ORDER_NOT_APPROVED",
        "ORDER_COMPLETED_OR_VOIDED",
        "PAYER_ACTION_REQUIRED",
    }
)


class PaypalStrategy:
    """The buyer approves on PayPal's page; money moves when we capture."""

    def __init__(self, settings: Settings, gateway: Gateway) -> None:
        self._settings = settings
        self._gateway = gateway
        self._reports = Reports(settings, gateway)

    @cached_property
    def info(self) -> PaymentInfo:
        """What this way to pay is."""
        return PaymentInfo(
            code="paypal",
            label=self._settings.label,
            features=frozenset(
                {
                    Feature.HARMLESS_START,
                    Feature.MULTIPLE_CAPTURES,
                    Feature.PARTIAL_CAPTURE,
                    Feature.PARTIAL_REFUND,
                }
            ),
            currencies=CURRENCIES,
            account=self._settings.merchant_id or None,
            keys_kept=self._settings.keys_kept,
            approval_lasts=self._settings.approval_lasts,
            authorization_lasts=self._settings.authorization_lasts,
        )

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        """Create an order and send the buyer to approve it."""
        amount = to_wire(request.amount)
        if amount is None or request.amount.currency not in CURRENCIES:
            text = f"PayPal can't take {request.amount}."
            return Declined(code=DeclineCode.NOT_SUPPORTED, text=text)
        body = requests_out.order(request, self._settings, amount)
        key = request.operation_id
        return self._guarded(
            request,
            lambda: self._standing(self._gateway.create_order(body, key=key, call=call)),
        )

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        """Take the money of an approved order, or see why not yet."""
        order_id = request.reference
        if not order_id:
            return Unknown(cause="no order is known to go on with")
        return self._guarded(request, lambda: self._resume(order_id, request, call))

    def _resume(self, order_id: str, request: ResumeRequest, call: Call) -> Outcome:
        verb = "capture" if request.capture_now else "authorize"
        key = request.operation_id
        try:
            order = self._gateway.finish_order(order_id, verb, key=key, call=call)
        except RefusedError as error:
            if error.status == 404 or error.issue == "ORDER_EXPIRED":
                return gone(order_id, (_approval_over(order_id, request),))
            if error.issue not in _MOVED_ON:
                raise
            order = self._gateway.order(order_id, call)
            if order["status"] == "APPROVED":
                raise InDoubtError(f"approved, yet {error.issue}") from error
        return self._standing(order)

    def capture(self, request: CaptureRequest, call: Call, /) -> Outcome:
        """Take part or all of an authorisation."""
        return self._guarded(request, lambda: self._capture(request, call))

    def _capture(self, request: CaptureRequest, call: Call) -> Outcome:
        held_id, key = request.authorization_id, request.operation_id
        body = {"amount": to_wire(request.amount), "final_capture": request.final}
        try:
            capture = self._gateway.capture(held_id, body, key=key, call=call)
        except RefusedError as error:
            return self._as_it_stands(error, request, call)
        facts = (capture_fact(capture, payee(capture, self._settings.merchant_id)),)
        return of_facts(facts, request.reference, check_after=self._settings.check_after)

    def void(self, request: VoidRequest, call: Call, /) -> Outcome:
        """Give an authorisation back; before one, only our own word is needed."""
        return self._guarded(request, lambda: self._void(request, call))

    def _void(self, request: VoidRequest, call: Call) -> Outcome:
        if not request.reference:
            raise InDoubtError("no order is known that could be voided")
        held_id = request.authorization_id
        if held_id is None:
            order = self._gateway.order(request.reference, call)
            if order["status"] != "COMPLETED":
                return closed(order)
            payments = order["purchase_units"][0].get("payments") or {}
            held = payments.get("authorizations") or ()
            if payments.get("captures") or not held:
                return _moved_on(order_facts(order, merchant_id=self._settings.merchant_id))
            held_id = held[0]["id"]
        try:
            self._gateway.void(held_id, key=request.operation_id, call=call)
        except RefusedError as error:
            if error.issue not in {"PREVIOUSLY_VOIDED", "AUTHORIZATION_VOIDED"}:
                return self._as_it_stands(error, request, call)
        order = self._gateway.order(request.reference, call)
        return Done(facts=self._facts(order), reference=request.reference)

    def refund(self, request: RefundRequest, call: Call, /) -> Outcome:
        """Give part or all of a capture back."""
        return self._guarded(request, lambda: self._refund(request, call))

    def _refund(self, request: RefundRequest, call: Call) -> Outcome:
        body = requests_out.refund(request)
        key = request.operation_id
        refund = self._gateway.refund(request.capture_id, body, key=key, call=call)
        fact = refund_fact(refund)
        if fact.kind is FactKind.REFUND_FAILED:
            return Declined(text="The refund failed.", retry=Retry.NEVER, facts=(fact,))
        if fact.kind is FactKind.REFUNDED:
            return Done(facts=(fact,), reference=request.reference)
        again = self._settings.check_after
        return InProgress(check_after=again, facts=(fact,), reference=request.reference)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        """Read the order as it stands; without its id, the same request tells."""
        if not request.reference:
            return Resend()
        try:
            return self._found(request.reference, request, call)
        except RefusedError as error:
            if error.status == 404 and request.verb is Verb.START:
                return gone(request.reference, (_approval_over(request.reference, request),))
            return Unknown(cause=str(error))
        except GatewayError as error:
            return Unknown(cause=str(error))
        except UNREADABLE as error:
            return Unknown(cause=f"an answer that can't be read: {type(error).__name__}")

    def _found(self, order_id: str, request: InquireRequest, call: Call) -> Finding:
        order = self._gateway.order(order_id, call)
        if names_another(order, request.payment_id):
            return Unknown(cause="this order was made for another payment")
        if request.verb is Verb.RESUME and order["status"] == "APPROVED":
            fresh = datetime.now(UTC) - request.sent_at < self._settings.keys_kept
            return Resend() if fresh else NotFound()
        finding = self._standing(order)
        return replace(finding, facts=(*finding.facts, *self._reports.disputes(order, call)))

    def read_webhook(
        self, webhook: Webhook, call: Call, /
    ) -> Sequence[Notice] | Untrusted | Unknown:
        """Verify an event and say whose payment it is about."""
        return self._reports.read_webhook(webhook, call)

    def statement(self, since: datetime, until: datetime, call: Call, /) -> Iterable[Notice]:
        """List what moved in a period.

        Raises:
            GatewayError: the account couldn't be read.
        """
        return list(self._reports.statement(since, until, call))

    def probe(self, call: Call, /) -> Healthy | Unhealthy:
        """Sign in, to see whether the credentials are good."""
        try:
            self._gateway.sign_in(call)
        except GatewayError as error:
            return Unhealthy(cause=str(error))
        return Healthy()

    def _standing(self, order: Document) -> Standing:
        return standing(order, self._settings)

    def _facts(self, order: Mapping[str, Any]) -> tuple[Fact, ...]:
        return order_facts(order, merchant_id=self._settings.merchant_id)

    def _as_it_stands(self, error: RefusedError, request: PaymentRequest, call: Call) -> Outcome:
        """After a refused move: say what is true, as a definite no."""
        if not request.reference or error.status not in {404, 422}:
            raise error
        answer = refused(error, request.reference)
        facts = self._facts(self._gateway.order(request.reference, call))
        return Declined(
            code=answer.code,
            text=answer.text,
            retry=answer.retry,
            reference=request.reference,
            facts=facts,
        )

    def _guarded(self, request: PaymentRequest, ask: Callable[[], Outcome]) -> Outcome:
        try:
            return ask()
        except RefusedError as error:
            return refused(error, request.reference)
        except NotSentError as error:
            after = None if error.retry_after is None else timedelta(seconds=error.retry_after)
            return NotSent(cause=str(error), retry_after=after)
        except GatewayError as error:
            return Unknown(cause=str(error))
        except UNREADABLE as error:
            return Unknown(cause=f"an answer that can't be read: {type(error).__name__}")


def _approval_over(order_id: str, request: PaymentRequest) -> Fact:
    return Fact(kind=FactKind.APPROVAL_CLOSED, object_id=order_id, amount=request.amount)


def _moved_on(facts: tuple[Fact, ...]) -> Declined:
    return Declined(
        code=DeclineCode.NOT_SUPPORTED,
        text="The payment has moved on meanwhile.",
        retry=Retry.NEVER,
        facts=facts,
    )
