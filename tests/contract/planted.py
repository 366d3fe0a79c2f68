"""Copies of a sound strategy, each with one fault; run by test_planted_faults as a program."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from core.testing.payment_adapter import Moved
from core.testing.payment_contract import PaymentContract
from hookspecs import (
    Customer,
    DeclineCode,
    Declined,
    Done,
    Fact,
    FactKind,
    Finding,
    InquireRequest,
    Money,
    NotFound,
    Notice,
    Outcome,
    PaymentInfo,
    PaymentRequest,
    RefundRequest,
    Webhook,
)
from tests.contract.penny_bank import LostError, PennyBank, PennyStrategy


class Sound(PaymentContract):
    """The suite over the bank in memory; `kind` is the strategy that is tried."""

    kind: type[PennyStrategy] = PennyStrategy

    @pytest.fixture
    def strategy(self) -> PennyStrategy:
        self.bank = PennyBank()
        return self.kind(self.bank)

    def ledger(self) -> Sequence[Moved]:
        moved = []
        for one in self.bank.charges.values():
            for kind, text in (
                ("CHARGE", one["captured"]),
                *(("REFUND", refund["amount"]) for refund in one["refunds"]),
            ):
                if text:
                    amount = Money.parse(text, one["currency"])
                    moved.append(Moved(kind=kind, payment_id=one["payment_id"], amount=amount))
        return moved

    def lose_next_answer(self) -> None:
        self.bank.losing = True

    def find_answers_again(self) -> None:
        self.bank.losing = False

    def requests_seen(self) -> int:
        return self.bank.requests

    def webhooks(self, payment_id: str) -> Sequence[Webhook]:
        return [one for one in self.bank.sent if payment_id.encode() in one.body]


class TestSound(Sound):
    """The control: without a fault, everything passes."""


class NewKeyOnRetry(PennyStrategy):
    def key_of(self, request: PaymentRequest) -> str:
        return uuid.uuid4().hex


class LostIsDeclined(PennyStrategy):
    def lost(self, error: LostError) -> Outcome:
        return Declined(text="timed out")


class OverRefund(PennyStrategy):
    def refund(self, request: RefundRequest, call: Any, /) -> Outcome:
        answer = super().refund(request, call)
        if not isinstance(answer, Declined):
            return answer
        given = Fact(
            kind=FactKind.REFUNDED,
            object_id=request.operation_id,
            amount=request.amount,
            parent_id=request.capture_id,
        )
        return Done(facts=(given,))


class MembersOnly(PennyStrategy):
    def start(self, request: Any, call: Any, /) -> Outcome:
        if "members" not in request.order.customer.groups:
            return Declined(code=DeclineCode.NOT_SUPPORTED, text="members only")
        return super().start(request, call)


class InDollars(PennyStrategy):
    @property
    def info(self) -> PaymentInfo:
        return replace(super().info, currencies=frozenset({"USD"}))


class RefusesLate(PennyStrategy):
    def start(self, request: Any, call: Any, /) -> Outcome:
        if call.seconds_left() <= 0:
            return Declined(text="too late")
        return super().start(request, call)


class UnverifiedSignature(PennyStrategy):
    def wrong_with(self, webhook: Webhook) -> str:
        with contextlib.suppress(ValueError):
            if isinstance(json.loads(webhook.body).get("charge"), dict):
                return ""
        return "no event"


class FutureTimestamp(PennyStrategy):
    def in_time(self, age: float) -> bool:
        return age <= 300


class FloatAmount(PennyStrategy):
    def to_wire(self, amount: Money) -> str:
        exponent = Money.exponent(amount.currency)
        units = int(float(amount.decimal) * 10**exponent)  # 19.99 * 100 is 1998.9999…
        return str(Money(units, amount.currency).decimal)


class WrongExponent(PennyStrategy):
    def to_wire(self, amount: Money) -> str:
        return f"{amount.minor / 100:.2f}"

    def money(self, text: str, currency: str) -> Money:
        return Money(round(float(text) * 100), currency)


class ByReferenceOnly(PennyStrategy):
    def inquire(self, request: InquireRequest, call: Any, /) -> Finding:
        found = super().inquire(request, call)
        known = request.reference is not None or not isinstance(found, Done)
        return found if known else NotFound()


class WritesState(PennyStrategy):
    def start(self, request: Any, call: Any, /) -> Outcome:
        answer = super().start(request, call)
        if isinstance(answer, Done):
            sql = "UPDATE orderloom_payment SET status = 'CAPTURED' WHERE id = %s"
            with (
                contextlib.suppress(DatabaseError),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(sql, [request.payment_id])
        return answer


class BelievesWebhooks(PennyStrategy):
    """Its provider signs nothing; it takes the body's word instead of looking it up."""

    def wrong_with(self, webhook: Webhook) -> str:
        return ""


class LooksUp(BelievesWebhooks):
    """The control: the same provider, and webhooks are hints."""

    def notice(self, event: dict[str, Any]) -> Notice:
        return Notice(event_id=event["id"], payment_id=event["charge"]["payment_id"])


class TestNewKeyOnRetry(Sound):
    kind = NewKeyOnRetry


class TestLostIsDeclined(Sound):
    kind = LostIsDeclined


class TestOverRefund(Sound):
    kind = OverRefund


class TestMembersOnly(Sound):
    kind = MembersOnly


class TestMembers(Sound):
    """The control: the same strategy, asked by a member."""

    kind = MembersOnly

    def customer(self) -> Customer:
        return Customer(ref="bea", groups=frozenset({"members"}))


class TestInDollars(Sound):
    kind = InDollars


class TestRefusesLate(Sound):
    kind = RefusesLate


class TestUnverifiedSignature(Sound):
    kind = UnverifiedSignature


class TestFutureTimestamp(Sound):
    kind = FutureTimestamp


class TestFloatAmount(Sound):
    kind = FloatAmount


class TestWrongExponent(Sound):
    kind = WrongExponent


class TestByReferenceOnly(Sound):
    kind = ByReferenceOnly


@pytest.mark.django_db(transaction=True)
class TestWritesState(Sound):
    kind = WritesState


class TestBelievesWebhooks(Sound):
    kind = BelievesWebhooks
    signed_webhooks = False


class TestLooksUp(Sound):
    kind = LooksUp
    signed_webhooks = False
