"""Card payments: Stripe's answers in the words of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    RefundRequest,
    Resend,
    ResumeRequest,
    Retry,
    StartRequest,
    Unhealthy,
    Unknown,
    Untrusted,
    VoidRequest,
    Webhook,
)
from hookspecs import Input as CustomerInput
from payment_stripe_like import requests_out
from payment_stripe_like.answers import refused, standing, standing_of_session
from payment_stripe_like.gateway import (
    UNREADABLE,
    Document,
    Gateway,
    GatewayError,
    InDoubtError,
    NotSentError,
    RefusedError,
)
from payment_stripe_like.reports import Reports
from payment_stripe_like.settings import Settings
from payment_stripe_like.wording import (
    dispute_facts,
    intent_facts,
    object_id,
    refund_fact,
    session_facts,
    to_wire,
)

_NEAR = timedelta(hours=1)
"""How far from the moment of sending a lost session is looked for."""


class StripeStrategy:
    """Pay by card: on Stripe's own page, or at once with a token made in the browser."""

    def __init__(self, settings: Settings, gateway: Gateway) -> None:
        self._settings = settings
        self._gateway = gateway
        self._after = settings.check_after
        self._reports = Reports(gateway, settings.webhook_secrets)

    @cached_property
    def info(self) -> PaymentInfo:
        """What this way to pay is."""
        return PaymentInfo(
            code="stripe",
            label=self._settings.label,
            features=frozenset({Feature.PARTIAL_CAPTURE, Feature.PARTIAL_REFUND}),
            inputs=(CustomerInput(name="payment_method", label="Payment method", required=False),),
            account=self._settings.account or None,
            keys_kept=self._settings.keys_kept,
            visible_after=self._settings.visible_after,
            approval_lasts=self._settings.approval_lasts,
            authorization_lasts=self._settings.authorization_lasts,
        )

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        """Open a card page, or charge the given payment method."""
        if to_wire(request.amount) is None:
            return Declined(
                code=DeclineCode.NOT_SUPPORTED,
                text=f"Cards can't be charged {request.amount}.",
            )
        return self._guarded(lambda: self._start(request, call))

    def _start(self, request: StartRequest, call: Call) -> Outcome:
        key = request.operation_id
        if request.inputs.get("payment_method"):
            params = requests_out.intent(request, self._settings)
            intent = self._gateway.create_intent(params, key=key, call=call)
            return standing(intent, check_after=self._after)
        params = requests_out.session(request, self._settings)
        session = self._gateway.create_session(params, key=key, call=call)
        return standing_of_session(session, check_after=self._after)

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        """See what became of the page or of 3-D Secure."""
        return self._guarded(lambda: self._resume(request, call))

    def _resume(self, request: ResumeRequest, call: Call) -> Outcome:
        reference = request.reference or ""
        if reference.startswith("cs_"):
            session = self._gateway.session(reference, call)
            return standing_of_session(session, check_after=self._after)
        intent = self._gateway.intent(reference, call)
        if intent["status"] == "requires_confirmation":
            intent = self._gateway.confirm_intent(
                reference, {}, key=request.operation_id, call=call
            )
        return standing(intent, check_after=self._after)

    def capture(self, request: CaptureRequest, call: Call, /) -> Outcome:
        """Take an authorised amount; Stripe releases the rest."""
        return self._guarded(
            lambda: self._capture(request, call),
            lambda: self._as_it_stands(request.authorization_id, call),
        )

    def _capture(self, request: CaptureRequest, call: Call) -> Outcome:
        params = {
            "amount_to_capture": to_wire(request.amount),
            "metadata": {"capture_operation_id": request.operation_id},
        }
        intent = self._gateway.capture_intent(
            request.authorization_id, params, key=request.operation_id, call=call
        )
        return standing(intent, request.reference, check_after=self._after)

    def void(self, request: VoidRequest, call: Call, /) -> Outcome:
        """Close the page, or give the authorisation back."""
        named = request.authorization_id or request.reference
        if not named:
            return Unknown(cause="nothing is known by which it could be voided")
        return self._guarded(
            lambda: self._void(named, request, call), lambda: self._as_it_stands(named, call)
        )

    def _void(self, named: str, request: VoidRequest, call: Call) -> Outcome:
        key = request.operation_id
        intent_id: str | None = named
        if named.startswith("cs_"):
            session = self._closed(named, key, call)
            if session["status"] == "expired":
                return Done(facts=session_facts(session), reference=request.reference)
            intent_id = object_id(session.get("payment_intent"))
        if intent_id is None:
            raise InDoubtError("a finished session without an intent")
        intent = self._gateway.cancel_intent(intent_id, key=f"{key}-cancel", call=call)
        return Done(facts=intent_facts(intent), reference=request.reference)

    def _closed(self, session_id: str, key: str, call: Call) -> Document:
        session = self._gateway.session(session_id, call)
        if session["status"] != "open":
            return session
        try:
            return self._gateway.expire_session(session_id, key=key, call=call)
        except RefusedError:  # somebody paid between the two calls
            session = self._gateway.session(session_id, call)
            if session["status"] == "open":
                raise
            return session

    def refund(self, request: RefundRequest, call: Call, /) -> Outcome:
        """Give part or all of a charge back."""
        return self._guarded(lambda: self._refund(request, call))

    def _refund(self, request: RefundRequest, call: Call) -> Outcome:
        params = requests_out.refund(request)
        refund = self._gateway.create_refund(params, key=request.operation_id, call=call)
        facts = (refund_fact(refund),)
        if refund["status"] in {"failed", "canceled"}:
            return Declined(text="The refund failed.", retry=Retry.NEVER, facts=facts)
        if refund["status"] == "succeeded":
            return Done(facts=facts, reference=request.reference)
        return InProgress(check_after=self._after, facts=facts, reference=request.reference)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        """Read the payment as it stands, by reference or else by our own ids."""
        try:
            if request.reference:
                return self._found(request.reference, request, call)
            return self._found_by_key(request, call)
        except GatewayError as error:
            return Unknown(cause=str(error))
        except UNREADABLE as error:
            return Unknown(cause=f"an answer that can't be read: {type(error).__name__}")

    def _found(self, reference: str, request: InquireRequest, call: Call) -> Finding:
        if reference.startswith("cs_"):
            thing = self._gateway.session(reference, call)
            intent = thing.get("payment_intent")
            finding = standing_of_session(thing, check_after=self._after)
        else:
            thing = intent = self._gateway.intent(reference, call)
            finding = standing(thing, check_after=self._after)
        if (thing.get("metadata") or {}).get(
            "payment_id", request.payment_id
        ) != request.payment_id:
            return Unknown(cause="this was made for another payment")
        if not isinstance(intent, Mapping) or intent["status"] != "succeeded":
            return finding
        facts = (*finding.facts, *self._later_facts(intent, call))
        return Done(facts=facts, reference=finding.reference)

    def _later_facts(self, intent: Mapping[str, Any], call: Call) -> tuple[Fact, ...]:
        about = {"payment_intent": intent["id"]}
        refunds = tuple(refund_fact(one) for one in self._gateway.refunds(about, call))
        charge = intent.get("latest_charge")
        if not (isinstance(charge, Mapping) and charge.get("disputed")):
            return refunds
        disputes = self._gateway.disputes(about, call)
        return (*refunds, *(fact for one in disputes for fact in dispute_facts(one)))

    def _found_by_key(self, request: InquireRequest, call: Call) -> Finding:
        for intent in self._gateway.search_intents(request.payment_id, call):
            if intent["metadata"].get("operation_id") == request.operation_id:
                return self._found(intent["id"], request, call)
        for session in self._gateway.sessions(
            since=int((request.sent_at - _NEAR).timestamp()),
            until=int((request.sent_at + _NEAR).timestamp()),
            call=call,
        ):
            if session["metadata"].get("operation_id") == request.operation_id:
                return self._found(session["id"], request, call)
        fresh = datetime.now(UTC) - request.sent_at < self._settings.keys_kept
        return Resend() if fresh else NotFound()

    def _as_it_stands(self, named: str, call: Call) -> Outcome:
        """After a refused move: somebody was faster, so say what is true, as a definite no."""
        if named.startswith("cs_"):
            facts = session_facts(self._gateway.session(named, call))
        else:
            facts = intent_facts(self._gateway.intent(named, call))
        return Declined(
            code=DeclineCode.NOT_SUPPORTED,
            text="The payment has moved on meanwhile.",
            retry=Retry.NEVER,
            facts=facts,
        )

    def read_webhook(
        self, webhook: Webhook, call: Call, /
    ) -> Sequence[Notice] | Untrusted | Unknown:
        """Verify an event and say what it tells."""
        return self._reports.read_webhook(webhook, call)

    def statement(self, since: datetime, until: datetime, call: Call, /) -> Iterable[Notice]:
        """List what was made in a period.

        Raises:
            GatewayError: the account couldn't be read.
        """
        return self._reports.statement(since, until, call)

    def probe(self, call: Call, /) -> Healthy | Unhealthy:
        """Read one intent, to see whether the key is good."""
        try:
            next(self._gateway.intents({}, call, pages=1), None)
        except InDoubtError as error:
            if "more than" not in str(error):
                return Unhealthy(cause=str(error))
        except GatewayError as error:
            return Unhealthy(cause=str(error))
        return Healthy()

    def _guarded(
        self, ask: Callable[[], Outcome], moved_on: Callable[[], Outcome] | None = None
    ) -> Outcome:
        try:
            try:
                return ask()
            except RefusedError as error:
                if moved_on and error.code in _MOVED_ON:
                    return moved_on()
                return refused(error)
        except NotSentError as error:
            after = None if error.retry_after is None else timedelta(seconds=error.retry_after)
            return NotSent(cause=str(error), retry_after=after)
        except GatewayError as error:
            return Unknown(cause=str(error))
        except UNREADABLE as error:
            return Unknown(cause=f"an answer that can't be read: {type(error).__name__}")


_MOVED_ON = frozenset({"payment_intent_unexpected_state"})
