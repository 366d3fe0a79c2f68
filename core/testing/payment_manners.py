"""Cases of the payment contract: what a strategy is, and what it leaves alone."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from core.testing.payment_adapter import PaymentAdapter, not_applicable, watching_tables
from hookspecs import (
    Captures,
    Declined,
    Done,
    Fact,
    FactKind,
    Feature,
    HasStatement,
    InProgress,
    Money,
    NeedsCustomer,
    NotSent,
    PaymentInfo,
    PaymentStrategy,
    ReadsWebhooks,
    Refunds,
    Resumes,
    Unknown,
    Voids,
)

_METHODS = {
    "start": 2,
    "resume": 2,
    "capture": 2,
    "void": 2,
    "refund": 2,
    "inquire": 2,
    "read_webhook": 2,
    "statement": 3,
}


class MannerCases(PaymentAdapter):
    """What it is, what it says, what it must not touch."""

    def test_it_is_a_payment_strategy(self) -> None:
        assert isinstance(self.tested, PaymentStrategy)
        for name, count in _METHODS.items():
            method = getattr(self.tested, name, None)
            if method is not None:
                assert not inspect.iscoroutinefunction(method), f"{name} is async"
                inspect.signature(method).bind(*range(count))

    def test_a_payment_can_be_started(self) -> None:
        taken = self.tested.info.currencies
        hint = "say by amount, customer or inputs what it takes"
        assert taken is None or self.amount.currency in taken, (
            f"nothing was tried: {self.code} doesn't take {self.amount.currency}; {hint}"
        )

        answer = self.tested.start(self.asking().start(), self.call())

        if isinstance(answer, Declined):
            said = f"{answer.code} {answer.text}".strip()
            pytest.fail(f"{self.code}, asked for {self.amount}, declined: {said}; {hint}")
        assert isinstance(answer, Done | NeedsCustomer | InProgress), (
            f"no payment can be started: {answer}"
        )

    def test_info_is_the_same_at_every_look(self) -> None:
        before = self.tested.info
        self.start(self.asking().start())

        assert isinstance(before, PaymentInfo)
        assert self.tested.info == before
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", before.code)

    def test_facts_are_typed(self) -> None:
        asking = self.asking()

        facts = self.pay(asking)

        for fact in facts:
            assert type(fact) is Fact
            assert isinstance(fact.kind, FactKind)
            assert isinstance(fact.object_id, str)
            assert fact.object_id
            assert type(fact.amount) is Money
            assert type(fact.amount.minor) is int, f"{fact.amount.minor!r} isn't an int"
            assert fact.amount.currency == asking.amount.currency
            assert fact.account in {None, self.tested.info.account}
            assert fact.operation_id is None or len(fact.operation_id) <= 40

    def test_facts_are_absolute(self) -> None:
        asking = self.asking()
        facts = self.pay(asking)

        again = self.tested.inquire(asking.inquire(), self.call())

        more = getattr(again, "facts", ())
        assert self.folded(asking, (*facts, *more)).captured == sum(
            one.minor for one in self.charges(asking)
        )

    def test_requests_are_left_as_they_were(self) -> None:
        request = self.asking().start()
        before = repr(request)

        self.start(request)

        assert repr(request) == before

    def test_nothing_of_the_core_is_read_or_written(self) -> None:
        asking = self.asking()

        with watching_tables() as touched:
            facts = self.pay(asking)
            self.tested.inquire(asking.inquire(), self.call())
            if self.has(Refunds):
                self.tested.refund(
                    asking.refund(self.capture_id(facts), asking.amount), self.call()
                )

        assert touched == []

    def test_past_the_deadline_nothing_is_sent(self) -> None:
        asking, late = self.asking(), self.call(-1)
        asking.reference = "some-reference"
        seen, moved = self.requests_seen(), list(self.ledger())
        asked: list[tuple[Any, Any]] = [(self.tested.start, asking.start())]
        if self.has(Resumes):
            asked.append((self.tested.resume, asking.resume()))
        if self.has(Captures):
            asked.append((self.tested.capture, asking.capture("some-id", asking.amount)))
        if self.has(Voids):
            asked.append((self.tested.void, asking.void("some-id")))
        if self.has(Refunds):
            asked.append((self.tested.refund, asking.refund("some-id", asking.amount)))

        answers = [ask(request, late) for ask, request in asked]
        found = self.tested.inquire(asking.inquire(), late)

        # Instructions that were made up without asking anybody may be told at any time.
        manual = (NeedsCustomer,) if self.has(object, Feature.MANUAL) else ()
        wrong = [one for one in answers if not isinstance(one, (NotSent, *manual))]
        assert wrong == [], (
            "with the deadline past, answer NotSent, and don't refuse either (only the "
            f"instructions of a MANUAL strategy may still be told); this was answered: {wrong}"
        )
        assert isinstance(found, (Unknown, *manual)), (
            f"with the deadline past, a look-up answers Unknown; this was answered: {found}"
        )
        assert (self.requests_seen(), list(self.ledger())) == (seen, moved), (
            "with the deadline past, touch no network: something was sent, or moved"
        )

    def test_the_statement_holds_what_was_paid(self) -> None:
        self.need(HasStatement)
        asking = self.asking()
        sent_at = asking.inquire().sent_at.replace(microsecond=0)
        self.pay(asking)
        until = asking.inquire().sent_at.replace(year=sent_at.year + 1)

        notices = list(self.tested.statement(sent_at, until, self.call()))

        mine = [
            one
            for one in notices
            if one.payment_id == asking.payment_id
            or (one.reference is not None and one.reference == asking.reference)
        ]
        told = self.folded(asking, [fact for one in mine for fact in one.facts])
        assert told.captured == sum(one.minor for one in self.charges(asking))

    def test_a_method_says_what_it_can_do(self) -> None:
        asking = self.asking()
        if not self.has(Refunds):
            not_applicable(f"{self.code} has no refund")

        answer = self.tested.refund(asking.refund("nothing-was-taken", asking.amount), self.call())

        assert isinstance(answer, Declined | Unknown | NotSent), answer
        assert self.refunds(asking) == []
        assert self.has(ReadsWebhooks) == hasattr(self.tested, "read_webhook")
