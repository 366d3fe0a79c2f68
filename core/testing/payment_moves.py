"""Cases of the payment contract: what moves, how much of it, and never twice."""

from __future__ import annotations

import pytest

from core.testing.payment_adapter import PaymentAdapter, at_once
from core.testing.payment_requests import Asking
from hookspecs import (
    Captures,
    Declined,
    Done,
    Fact,
    FactKind,
    Feature,
    InProgress,
    Money,
    PaymentStrategy,
    Refunds,
    Voids,
)


class MoveCases(PaymentAdapter):
    """Charges, captures, voids and refunds, judged by the provider's ledger."""

    @pytest.mark.parametrize(
        ("minor", "currency"), [(1999, "EUR"), (500, "JPY"), (12_340, "KWD"), (115, "USD")]
    )
    def test_every_currency_is_charged_exactly(self, minor: int, currency: str) -> None:
        asking = self.asking(Money(minor, currency))

        facts = self.pay(asking)

        assert self.charges(asking) == [asking.amount]
        assert self.folded(asking, facts).captured == minor

    def test_no_more_is_taken_than_was_asked(self) -> None:
        asking = self.asking()

        facts = self.pay(asking)

        taken = self.folded(asking, facts).captured
        split = self.has(PaymentStrategy, Feature.SPLIT)
        assert taken <= asking.amount.minor if split else taken == asking.amount.minor

    def test_the_same_key_twice_charges_once(self) -> None:
        asking = self.asking()
        request = asking.start()
        first = self.start(request)

        second = self.start(request)
        self.finish(asking, second)

        assert type(first) is type(second)
        assert self.charges(asking) == [asking.amount]

    def test_the_same_key_after_the_payment_charges_once(self) -> None:
        asking = self.asking()
        request = asking.start()
        self.finish(asking, self.start(request))

        self.start(request)

        assert self.charges(asking) == [asking.amount]

    def test_eight_at_once_with_one_key_charge_once(self) -> None:
        asking = self.asking()
        request = asking.start()

        answers = at_once(8, lambda: self.tested.start(request, self.call()))
        self.finish(asking, self.start(request))

        assert [one for one in answers if isinstance(one, Declined)] == []
        assert self.charges(asking) == [asking.amount]

    def test_a_hold_is_captured_in_part_once(self) -> None:
        self.need(Captures)
        asking = self.asking()
        part = self._part(asking)
        hold = self._hold(asking)
        capture = asking.capture(hold.object_id, part)

        answers = [self.tested.capture(capture, self.call()) for _ in range(2)]

        for answer in answers:
            assert isinstance(answer, Done), answer
            assert self.folded(asking, answer.facts).captured == part.minor
        assert self.charges(asking) == [part]

    def test_more_than_is_held_isnt_captured(self) -> None:
        self.need(Captures)
        asking = self.asking()
        hold = self._hold(asking)
        more = asking.amount + asking.amount

        answer = self.tested.capture(asking.capture(hold.object_id, more), self.call())

        assert isinstance(answer, Declined), answer
        assert [one for one in self.charges(asking) if one > asking.amount] == []

    def test_what_was_voided_cant_be_captured(self) -> None:
        self.need(Voids)
        self.need(Captures)
        asking = self.asking()
        hold = self._hold(asking)

        voided = self.tested.void(asking.void(hold.object_id), self.call())
        captured = self.tested.capture(asking.capture(hold.object_id, asking.amount), self.call())

        assert isinstance(voided, Done), voided
        assert self.folded(asking, (hold, *voided.facts)).authorized == 0
        assert isinstance(captured, Declined), captured
        assert self.charges(asking) == []

    def test_partial_refunds_add_up_and_never_pass_the_capture(self) -> None:
        self.need(Refunds, Feature.PARTIAL_REFUND)
        asking = self.asking()
        facts = self.pay(asking)
        parts = [Money(minor, asking.amount.currency) for minor in (700, 1299, 1)]

        answers = [
            self.tested.refund(asking.refund(self.capture_id(facts), part), self.call())
            for part in parts
        ]

        assert [type(one) for one in answers[:2]] == [Done, Done] or all(
            isinstance(one, Done | InProgress) for one in answers[:2]
        )
        assert isinstance(answers[2], Declined), f"more than was captured: {answers[2]}"
        every = [*facts, *(fact for one in answers for fact in one.facts)]
        assert self.folded(asking, every).refundable == 0
        assert sum(one.minor for one in self.refunds(asking)) == asking.amount.minor

    def test_more_than_was_taken_isnt_given_back(self) -> None:
        self.need(Refunds)
        asking = self.asking()
        facts = self.pay(asking)
        more = asking.amount + Money(1, asking.amount.currency)

        answer = self.tested.refund(asking.refund(self.capture_id(facts), more), self.call())

        assert isinstance(answer, Declined), answer
        assert self.refunds(asking) == []

    def test_the_same_refund_twice_gives_back_once(self) -> None:
        self.need(Refunds, Feature.PARTIAL_REFUND)
        asking = self.asking()
        facts = self.pay(asking)
        part = Money(500, asking.amount.currency)
        request = asking.refund(self.capture_id(facts), part)

        answers = [self.tested.refund(request, self.call()) for _ in range(3)]

        named = {
            fact.object_id
            for one in answers
            for fact in one.facts
            if fact.kind in {FactKind.REFUNDED, FactKind.REFUND_PENDING}
        }
        assert len(named) == 1
        assert self.refunds(asking) == [part]

    def test_refunds_at_once_never_pass_the_capture(self) -> None:
        self.need(Refunds, Feature.PARTIAL_REFUND)
        asking = self.asking()
        named = self.capture_id(self.pay(asking))
        part = Money(500, asking.amount.currency)

        at_once(8, lambda: self.tested.refund(asking.refund(named, part), self.call()))

        assert sum(one.minor for one in self.refunds(asking)) <= asking.amount.minor

    def _hold(self, asking: Asking) -> Fact:
        facts = self.pay(asking, capture_now=False)
        return next(fact for fact in facts if fact.kind is FactKind.AUTHORIZED)

    def _part(self, asking: Asking) -> Money:
        partial = self.has(Captures, Feature.PARTIAL_CAPTURE)
        return Money(700, asking.amount.currency) if partial else asking.amount
