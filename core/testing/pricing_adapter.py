"""What the pricing contract suite is told about rules, and how it asks them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar, get_type_hints

import pytest

from core.domain.pricing import AskedRule, AskedTax, Priced, TaxRounding, compose
from core.hooks.answers import expecting, plain_data
from core.testing.plugin_cases import PluginCases
from core.testing.quotes import a_line, a_quote
from hookspecs import Adjustment, Money, Prepares, PricingRule, Quote, Skip, Tax, TaxRule

__all__ = ["Priced", "PricingAdapter", "TaxRounding", "composed"]

_ANSWERS = {
    "propose": expecting(get_type_hints(PricingRule.propose)["return"]),
    "rates": expecting(get_type_hints(TaxRule.rates)["return"]),
}


def composed(
    quote: Quote,
    rules: Iterable[Any],
    *,
    plugin: str = "tested",
    tax_rounding: TaxRounding = TaxRounding.PER_LINE,
    prepared: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Priced:
    """Return the price that the core composes of a quote by these rules and taxes."""
    asked = tuple(rules)
    about = {"plugin": plugin, "version": "1"}
    return compose(
        quote=quote,
        rules=[
            AskedRule(info=rule.info, propose=rule.propose, **about)
            for rule in asked
            if not isinstance(rule, TaxRule)
        ],
        taxes=[
            AskedTax(info=rule.info, rates=rule.rates, **about)
            for rule in asked
            if isinstance(rule, TaxRule)
        ],
        tax_rounding=tax_rounding,
        prepared=prepared,
    )


class PricingAdapter(PluginCases):
    """What a test class says of its rules: a fixture ``rules``, and quotes that they are about."""

    contract: ClassVar[str] = "pricing"
    tested: Sequence[Any]

    @pytest.fixture(autouse=True)
    def _take_rules(self, rules: Iterable[PricingRule | TaxRule]) -> None:
        self.tested = tuple(rules)

    # To be overridden

    def quotes(self) -> Sequence[Quote]:
        """Return quotes that the rules are about: each rule proposes something for one of them."""
        return (a_quote(a_line("a", 1999, 3), a_line("b", 500, 12), shipping=490),)

    # How cases ask

    def use(self) -> Iterable[Any]:
        """Ask every rule about every quote."""
        return [self.ask(rule, quote) for rule in self.tested for quote in self.quotes()]

    def ask(self, rule: Any, quote: Quote) -> tuple[Adjustment | Tax, ...] | Skip:
        """Ask one rule as the core does, and hold its answer against the page."""
        method = "rates" if isinstance(rule, TaxRule) else "propose"
        ready = self.prepared(rule, quote)
        answer: Any = _ANSWERS[method](getattr(rule, method)(ready))
        return answer if isinstance(answer, Skip) else tuple(answer)

    def asks(self, rule: Any) -> Any:
        """Return the method that is pure."""
        return rule.rates if isinstance(rule, TaxRule) else rule.propose

    def prepared(self, rule: Any, quote: Quote) -> Quote:
        """Return the quote with what the rule prepared for it, if it prepares anything."""
        if not isinstance(rule, Prepares):
            return quote
        data: Mapping[str, Any] = plain_data(rule.prepare(quote, self.call()))
        return replace(quote, prepared=MappingProxyType(dict(data)))

    # How cases judge

    def priced(self, quote: Quote, rules: Sequence[Any] | None = None) -> Priced:
        """Return the price that the core composes from these rules, all of them by default."""
        asked: Sequence[Any] = self.tested if rules is None else rules
        preparing = [rule for rule in asked if hasattr(rule, "prepare")]
        ready = {rule.info.key: self.prepared(rule, quote).prepared for rule in preparing}
        return composed(quote, asked, plugin=self.plugin or "tested", prepared=ready)

    def amounts(self, answer: Sequence[Adjustment | Tax] | Skip) -> list[Money]:
        """Return the amounts of an answer; taxes have none."""
        if isinstance(answer, Skip):
            return []
        return [one.amount for one in answer if isinstance(one, Adjustment)]
