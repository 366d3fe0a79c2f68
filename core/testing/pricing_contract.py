"""The pricing contract suite: subclass `PricingContract`, give it the rules and quotes, pass."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from core.testing.plugin_cases import at_once, not_applicable
from core.testing.pricing_adapter import PricingAdapter
from core.testing.purity import watching
from core.testing.quotes import a_quote, hostile_quotes, in_currency, shuffled
from hookspecs import (
    Adjustment,
    Group,
    Mode,
    Prepares,
    PricingRule,
    RuleInfo,
    Skip,
    TaxInfo,
    TaxRule,
)

__all__ = ["PricingContract"]

_METHODS = {"propose": 1, "rates": 1, "prepare": 2}
_SEEDS = 4


class PricingContract(PricingAdapter):
    """What every pricing rule and tax has to do, whoever wrote it, with a core that is hostile.

    A subclass has a fixture ``rules``, what the hook offers, and overrides ``quotes``. A case that
    doesn't concern the rules is skipped as "not applicable"::

        class TestMine(PricingContract):
            plugin = "pricing-mine"

            @pytest.fixture
            def rules(self):
                return pricing_rules(Settings())

            def quotes(self):
                return [a_quote(a_line("tea", 1999, 3))]
    """

    # What they are

    def test_they_are_rules(self) -> None:
        assert self.tested, "the hook offers no rule"
        for rule in self.tested:
            assert isinstance(rule, PricingRule | TaxRule)
            assert not (hasattr(rule, "propose") and hasattr(rule, "rates"))
            for name, count in _METHODS.items():
                method = getattr(rule, name, None)
                if method is not None:
                    assert not inspect.iscoroutinefunction(method), f"{name} is async"
                    assert not inspect.isgeneratorfunction(method), f"{name} is a generator"
                    inspect.signature(method).bind(*range(count))

    def test_info_is_the_same_at_every_look(self) -> None:
        for rule in self.tested:
            before = rule.info
            self._asked(rule)

            assert isinstance(before, RuleInfo | TaxInfo)
            assert rule.info == before
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", before.key)
            assert before.label
            group = getattr(before, "group", None)
            assert group is None or group.name or group == Group(name="", mode=Mode.STACK)
        keys = [rule.info.key for rule in self.tested]
        assert len(keys) == len(set(keys)), "two rules share a key"

    def test_each_rule_proposes_something_and_says_why(self) -> None:
        for rule in self.tested:
            answers = self._asked(rule)

            found = [answer for answer in answers if answer and not isinstance(answer, Skip)]
            assert found, f"{rule.info.key} proposes nothing for any of the quotes: override them"
            for answer in answers:
                self._judge_words(answer)

    # Pure

    def test_the_same_quote_gives_the_same_answer(self) -> None:
        for rule in self.tested:
            for quote in self.quotes():
                first = self.ask(rule, quote)
                for _, other in hostile_quotes(quote):
                    self.ask(rule, other)

                assert self.ask(rule, quote) == first, f"{rule.info.key} remembers something"

    def test_neither_clock_nor_anything_outside_is_read(self) -> None:
        for rule in self.tested:
            for quote in self.quotes():
                ready = self.prepared(rule, quote)
                self.asks(rule)(ready)  # what is imported or compiled once, is so now

                with watching() as seen:
                    self.asks(rule)(ready)

                assert seen == [], f"{rule.info.key} reaches outside its quote"

    def test_the_quote_is_left_as_it_was(self) -> None:
        for rule in self.tested:
            for quote in self.quotes():
                ready = self.prepared(rule, quote)
                before = repr(ready)

                self.asks(rule)(ready)

                assert repr(ready) == before

    def test_eight_at_once_get_the_same_answer(self) -> None:
        for rule in self.tested:
            quote = self.quotes()[0]
            alone = self.ask(rule, quote)

            answers = at_once(8, partial(self.ask, rule, quote))

            assert answers == [alone] * 8

    # A hostile core

    def test_whatever_is_asked_the_core_takes_the_answer(self) -> None:
        for quote in self.quotes():
            for odd, asked in hostile_quotes(quote):
                for rule in self.tested:
                    self._judge_words(self.ask(rule, asked), odd)
                    self.priced(asked, [rule])

    def test_an_empty_quote_costs_nothing(self) -> None:
        bare = a_quote(currency=self.quotes()[0].currency)

        goods = self.priced(bare).goods_minor

        assert goods == 0

    @pytest.mark.parametrize("currency", ["JPY", "KWD", "USD"])
    def test_amounts_are_in_the_currency_of_the_quote(self, currency: str) -> None:
        for rule in self.tested:
            for quote in self.quotes():
                answer = self.ask(rule, in_currency(quote, currency))

                foreign = {one.currency for one in self.amounts(answer)} - {currency}
                assert not foreign, f"{rule.info.key} proposes {foreign} for {currency}"

    def test_the_order_of_lines_changes_no_price(self) -> None:
        for quote in self.quotes():
            for odd, asked in [("as it is", quote), *hostile_quotes(quote)]:
                total = self.priced(asked).total_minor

                for seed in range(_SEEDS):
                    again = self.priced(shuffled(asked, seed)).total_minor
                    assert again == total, f"{odd}, lines shuffled with seed {seed}"

    def test_coupons_that_were_not_given_are_not_used(self) -> None:
        for rule in self.tested:
            for quote in self.quotes():
                answer = self.ask(rule, replace(quote, coupons=frozenset()))

                if not isinstance(answer, Skip):
                    used = {one.coupon for one in answer if isinstance(one, Adjustment)}
                    assert used <= {None}, f"{rule.info.key} uses {used}"

    def test_a_line_never_costs_less_than_its_floor(self) -> None:
        for quote in self.quotes():
            for odd, asked in hostile_quotes(quote):
                floors = {line.line_id: max(line.floor.minor, 0) for line in asked.lines}

                for line in self.priced(asked).lines:
                    assert line.total_minor >= floors[line.line_id], f"{odd}: {line.line_id}"

    def test_what_is_prepared_survives_the_receipt(self) -> None:
        preparing = [rule for rule in self.tested if isinstance(rule, Prepares)]
        if not preparing:
            not_applicable("no rule prepares anything")
        for rule in preparing:
            for quote in self.quotes():
                ready = self.prepared(rule, quote)
                replayed = replace(ready, prepared=json.loads(json.dumps(dict(ready.prepared))))

                assert tuple(self.asks(rule)(replayed)) == tuple(self.asks(rule)(ready))

    def _asked(self, rule: Any) -> list[Any]:
        return [self.ask(rule, quote) for quote in self.quotes()]

    def _judge_words(self, answer: Any, odd: str = "") -> None:
        """Every answer has a reason that a customer may read."""
        if isinstance(answer, Skip):
            assert answer.reason.strip(), f"skipped without a reason {odd}"
            return
        for one in answer:
            words = one.reason if isinstance(one, Adjustment) else one.code
            assert words.strip(), f"proposed without a reason {odd}"
