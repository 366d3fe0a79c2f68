"""Sound rules and copies of one with a fault each; run by test_planted_faults as a program."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.testing.pricing_contract import PricingContract
from core.testing.quotes import a_line, a_quote
from hookspecs import (
    Adjustment,
    Call,
    Money,
    Phase,
    Quote,
    RuleInfo,
    Skip,
    Target,
    Tax,
    TaxInfo,
)


class TenOff:
    """Ten per cent off every line that costs something."""

    info = RuleInfo(key="ten-off", label="Ten off", phase=Phase.LINE)

    def propose(self, quote: Quote, /) -> Any:
        found = [
            Adjustment(target=line.line_id, amount=-line.amount.percent(Decimal(10)), reason="ten")
            for line in quote.lines
            if line.amount
        ]
        return found or Skip(reason="nothing costs anything")


class Vat:
    """A tax on every line."""

    info = TaxInfo(key="vat", label="VAT")

    def rates(self, quote: Quote, /) -> Any:
        return [Tax(target=line.line_id, rate=Decimal(19), code="VAT") for line in quote.lines]


class Sound(PricingContract):
    """The suite over one rule; `kind` is the rule that is tried."""

    kind: type[Any] = TenOff

    @pytest.fixture
    def rules(self) -> list[Any]:
        return [self.kind()]

    def quotes(self) -> Sequence[Quote]:
        lines = (a_line("a", 1999, 3), a_line("b", 333, 7), a_line("c", 50, 1))
        return [a_quote(*lines, shipping=490, coupons=frozenset({"SPRING"}))]


class TestSoundRule(Sound):
    """The control: without a fault, everything passes."""


class TestSoundTax(Sound):
    kind = Vat


class ReadsClock(TenOff):
    def propose(self, quote: Quote, /) -> Any:
        return super().propose(quote) if time.time() > 0 else ()


class RollsDice(TenOff):
    def propose(self, quote: Quote, /) -> Any:
        random.random()
        return super().propose(quote)


class ReadsFile(TenOff):
    def propose(self, quote: Quote, /) -> Any:
        Path(__file__).read_bytes()
        return super().propose(quote)


class Remembers(TenOff):
    """Only the first order gets it."""

    def __init__(self) -> None:
        self.asked = 0

    def propose(self, quote: Quote, /) -> Any:
        self.asked += 1
        return super().propose(quote) if self.asked < 3 else Skip(reason="too late")


class ChangesQuote(TenOff):
    def propose(self, quote: Quote, /) -> Any:
        for line in quote.lines:
            object.__setattr__(line, "amount", Money(1, quote.currency))
        return super().propose(quote)


class FirstLineOnly(TenOff):
    def propose(self, quote: Quote, /) -> Any:
        return super().propose(replace(quote, lines=quote.lines[:1]))


class InEuro(TenOff):
    def propose(self, quote: Quote, /) -> Any:
        return [
            Adjustment(target=line.line_id, amount=Money(-1, "EUR"), reason="a cent")
            for line in quote.lines
        ]


class EveryCoupon(TenOff):
    def propose(self, quote: Quote, /) -> Any:
        answer = super().propose(quote)
        return [replace(one, coupon="SPRING") for one in answer] if answer else answer


class DividesByNothing(TenOff):
    def propose(self, quote: Quote, /) -> Any:
        share = quote.subtotal.minor // len(quote.lines)
        return super().propose(quote) if share >= 0 else ()


class WrongTarget(TenOff):
    def propose(self, quote: Quote, /) -> Any:
        return [Adjustment(target=Target.SHIPPING, amount=-quote.shipping, reason="free")]


class NoReason(TenOff):
    def propose(self, quote: Quote, /) -> Any:
        return [replace(one, reason="") for one in super().propose(quote)]


class Generates(TenOff):
    def propose(self, quote: Quote, /) -> Iterator[Any]:
        yield from super().propose(quote)


class AlwaysAnother(TenOff):
    @property
    def info(self) -> RuleInfo:  # type: ignore[override]
        return RuleInfo(key="ten-off", label=f"Ten off {id(object())}{time.time_ns()}", phase=30)  # type: ignore[arg-type]


class FloatAmounts(TenOff):
    def propose(self, quote: Quote, /) -> Any:
        return [
            Adjustment(target=line.line_id, amount=-float(line.amount.decimal) / 10, reason="ten")  # type: ignore[arg-type]
            for line in quote.lines
        ]


class FloatRates(Vat):
    def rates(self, quote: Quote, /) -> Any:
        return [Tax(target=line.line_id, rate=19.0, code="VAT") for line in quote.lines]  # type: ignore[arg-type]


class PreparesSets(TenOff):
    """Its data is tuples as keys of choice: JSON makes lists of them."""

    def prepare(self, quote: Quote, call: Call, /) -> Mapping[str, Any]:
        return {"skus": tuple(line.sku for line in quote.lines)}

    def propose(self, quote: Quote, /) -> Any:
        if isinstance(quote.prepared["skus"], tuple):
            return super().propose(quote)
        return Skip(reason="a list")


class TestReadsClock(Sound):
    kind = ReadsClock


class TestRollsDice(Sound):
    kind = RollsDice


class TestReadsFile(Sound):
    kind = ReadsFile


class TestRemembers(Sound):
    kind = Remembers


class TestChangesQuote(Sound):
    kind = ChangesQuote


class TestFirstLineOnly(Sound):
    kind = FirstLineOnly


class TestInEuro(Sound):
    kind = InEuro


class TestEveryCoupon(Sound):
    kind = EveryCoupon


class TestDividesByNothing(Sound):
    kind = DividesByNothing


class TestWrongTarget(Sound):
    kind = WrongTarget


class TestNoReason(Sound):
    kind = NoReason


class TestGenerates(Sound):
    kind = Generates


class TestAlwaysAnother(Sound):
    kind = AlwaysAnother


class TestFloatAmounts(Sound):
    kind = FloatAmounts


class TestFloatRates(Sound):
    kind = FloatRates


class TestPreparesSets(Sound):
    kind = PreparesSets
