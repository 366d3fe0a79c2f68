"""Gift cards: the ledger's answers in the words of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.utils import timezone

from hookspecs import (
    Call,
    CaptureRequest,
    DeclineCode,
    Declined,
    Done,
    Feature,
    Finding,
    InquireRequest,
    Money,
    NotFound,
    Notice,
    NotSent,
    Outcome,
    PaymentInfo,
    RefundRequest,
    Retry,
    StartRequest,
    Unknown,
    VoidRequest,
)
from hookspecs import Input as CustomerInput
from payment_gift_card import ledger
from payment_gift_card.codes import digest_of
from payment_gift_card.ledger import RefusedError
from payment_gift_card.models import Taking
from payment_gift_card.settings import Settings
from payment_gift_card.wording import facts_of, notice_of

_FOR_EVER = timedelta(days=36_500)
_SAMPLE_MAJOR = 1000
_SAME = frozenset({DeclineCode.INVALID_INPUT})


class GiftCardStrategy:
    """Pays what a card can pay; another payment collects the rest."""

    def __init__(self, settings: Settings, *, sandbox: bool = False) -> None:
        self._sample = settings.sample_code if sandbox else None
        self._info = PaymentInfo(
            code="gift-card",
            label=settings.label,
            features=frozenset({Feature.SPLIT, Feature.PARTIAL_CAPTURE, Feature.PARTIAL_REFUND}),
            inputs=(CustomerInput(name="code", label="Code of the card", secret=True),),
            keys_kept=_FOR_EVER,
        )

    @property
    def info(self) -> PaymentInfo:
        """What this way to pay is."""
        return self._info

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        """Take what the card holds, up to what is asked."""
        return _guarded(call, lambda: self._start(request))

    def _start(self, request: StartRequest) -> Taking:
        code, tenant, now = request.inputs.get("code", ""), request.order.tenant, timezone.now()
        if self._sample and digest_of(code) == digest_of(self._sample.reveal()):
            worth = Money.parse(str(_SAMPLE_MAJOR), request.amount.currency)
            ledger.fill_up(code, max(worth, request.amount), tenant=tenant, now=now)
        return ledger.take(
            code,
            request.amount,
            tenant=tenant,
            payment_id=request.payment_id,
            operation_id=request.operation_id,
            capture=request.capture_now,
            now=now,
        )

    def capture(self, request: CaptureRequest, call: Call, /) -> Outcome:
        """Take a hold, or part of it; the rest goes back onto the card."""
        return _guarded(
            call,
            lambda: ledger.capture(
                request.authorization_id,
                request.amount,
                tenant=request.order.tenant,
                operation_id=request.operation_id,
                now=timezone.now(),
            ),
        )

    def void(self, request: VoidRequest, call: Call, /) -> Outcome:
        """Give a hold back."""
        named = request.authorization_id or request.reference or ""
        return _guarded(
            call,
            lambda: ledger.release(named, tenant=request.order.tenant, now=timezone.now()),
        )

    def refund(self, request: RefundRequest, call: Call, /) -> Outcome:
        """Put money back onto the card."""
        return _guarded(
            call,
            lambda: ledger.give_back(
                request.capture_id,
                request.amount,
                tenant=request.order.tenant,
                operation_id=request.operation_id,
                now=timezone.now(),
            ),
        )

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        """Read the payment as it stands: the ledger is at hand, so nothing found is proof."""
        if call.seconds_left() <= 0:
            return Unknown(cause="the deadline has passed")
        try:
            taking = ledger.taken_for(request.payment_id, tenant=request.order.tenant)
            return NotFound() if taking is None else _done(taking)
        except DatabaseError as error:
            return Unknown(cause=type(error).__name__)

    def statement(self, since: datetime, until: datetime, call: Call, /) -> Iterable[Notice]:
        """List what moved in a period.

        Raises:
            TimeoutError: the deadline has passed.
        """
        if call.seconds_left() <= 0:
            raise TimeoutError("the deadline has passed")
        return [notice_of(taking) for taking in ledger.moved(since, until)]


def _guarded(call: Call, move: Callable[[], Taking]) -> Outcome:
    if call.seconds_left() <= 0:
        return NotSent(cause="the deadline has passed")
    try:
        return _done(move())
    except RefusedError as error:
        retry = Retry.SAME if error.code in _SAME else Retry.OTHER_METHOD
        return Declined(code=error.code, text=error.text, retry=retry)
    except DatabaseError as error:  # it may have been while committing
        return Unknown(cause=type(error).__name__)


def _done(taking: Taking) -> Done:
    return Done(facts=facts_of(taking), reference=str(taking.id))
