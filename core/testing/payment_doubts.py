"""Cases of the payment contract: answers that get lost, and what a look-up says."""

from __future__ import annotations

from typing import Any

from core.testing.payment_adapter import PaymentAdapter
from core.testing.payment_requests import Asking
from hookspecs import (
    Declined,
    Done,
    Feature,
    InProgress,
    NeedsCustomer,
    NotFound,
    Refunds,
    Resend,
    Unknown,
    Verb,
)


class DoubtCases(PaymentAdapter):
    """What may have happened is Unknown; a look-up, or the same key again, tells."""

    def test_a_lost_answer_is_unknown(self) -> None:
        answer = self._lost(self.asking().start())

        assert isinstance(answer, Unknown), f"it may have happened, and this was said: {answer}"

    def test_a_look_up_tells_what_became_of_a_lost_answer(self) -> None:
        asking = self.asking()
        request = asking.start()
        self._lost(request)

        found = self.tested.inquire(
            asking.inquire(operation_id=request.operation_id, blind=True), self.call()
        )
        going_on = self.start(request) if isinstance(found, Resend) else found
        self.finish(asking, going_on)

        assert isinstance(found, Done | NeedsCustomer | InProgress | Resend), found
        assert self.charges(asking) == [asking.amount]

    def test_the_same_request_after_a_lost_answer_charges_once(self) -> None:
        asking = self.asking()
        request = asking.start()
        self._lost(request)

        self.finish(asking, self.start(request))

        assert self.charges(asking) == [asking.amount]
        assert self._moves_left_open(asking) == []

    def test_a_lost_refund_is_unknown_found_and_given_once(self) -> None:
        self.need(Refunds)
        asking = self.asking()
        facts = self.pay(asking)
        request = asking.refund(self.capture_id(facts), asking.amount)
        self.lose_next_answer()
        lost = self.tested.refund(request, self.call(5))
        self.find_answers_again()

        found = self.tested.inquire(
            asking.inquire(Verb.REFUND, operation_id=request.operation_id), self.call()
        )
        again = self.tested.refund(request, self.call())

        assert isinstance(lost, Unknown), lost
        told = self.folded(asking, (*facts, *getattr(found, "facts", ())))
        assert told.refunded + told.refunding == asking.amount.minor
        assert isinstance(again, Done | InProgress), again
        assert self.refunds(asking) == [asking.amount]

    def test_a_payment_is_found_without_the_providers_reference(self) -> None:
        asking = self.asking()
        request = asking.start()
        facts = self.finish(asking, self.start(request))

        found = self.tested.inquire(
            asking.inquire(operation_id=request.operation_id, blind=True), self.call()
        )

        if self.has(object, Feature.MANUAL):
            assert isinstance(found, NeedsCustomer), found
        elif not isinstance(found, Resend):
            assert isinstance(found, Done), found
            assert self.folded(asking, found.facts).captured == (
                self.folded(asking, facts).captured
            )

    def test_what_never_was_is_not_found(self) -> None:
        asking = self.asking()

        found = self.tested.inquire(asking.inquire(blind=True), self.call())

        manual = isinstance(found, NeedsCustomer) and self.has(object, Feature.MANUAL)
        assert isinstance(found, NotFound | Resend) or manual, found
        assert getattr(found, "facts", ()) == ()

    def test_looking_up_moves_nothing(self) -> None:
        asking = self.asking()
        self.pay(asking)
        before = list(self.ledger())

        for blind in (True, False, True):
            self.tested.inquire(asking.inquire(blind=blind), self.call())

        assert list(self.ledger()) == before

    def _lost(self, request: Any) -> Any:
        self.lose_next_answer()
        answer = self.tested.start(request, self.call(5))
        self.find_answers_again()
        return answer

    def _moves_left_open(self, asking: Asking) -> list[Any]:
        found = self.tested.inquire(asking.inquire(), self.call())
        return [found] if isinstance(found, Declined) else []
