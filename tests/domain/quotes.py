"""Quotes and rules for the tests of pricing, spelled as short as they can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from core.domain.pricing import AskedRule, AskedTax
from core.testing.quotes import NOW, a_line, a_quote
from hookspecs import (
    Adjustment,
    Group,
    Mode,
    Money,
    Phase,
    Quote,
    RuleInfo,
    Skip,
    Target,
    Tax,
    TaxInfo,
)

__all__ = [
    "NOW",
    "STACK",
    "a_line",
    "a_quote",
    "a_rule",
    "a_tax",
    "off_the_order",
    "proposes",
    "skips",
]

STACK = Group(name="", mode=Mode.STACK)


def a_rule(
    key: str,
    propose: Callable[[Quote], Any],
    *,
    phase: Phase = Phase.LINE,
    group: Group = STACK,
    priority: int = 0,
    optional: bool = False,
    plugin: str = "test-rules",
) -> AskedRule:
    return AskedRule(
        plugin=plugin,
        version="1.2",
        info=RuleInfo(
            key=key,
            label=key.title(),
            phase=phase,
            group=group,
            priority=priority,
            optional=optional,
        ),
        propose=propose,
    )


def proposes(
    amounts: Mapping[str, int], *, currency: str = "EUR", reason: str = "because", **more: Any
) -> Callable[[Quote], Sequence[Adjustment]]:
    """Propose these amounts, whatever the quote."""
    adjustments = [
        Adjustment(target=target, amount=Money(minor, currency), reason=reason, **more)
        for target, minor in amounts.items()
    ]
    return lambda _: adjustments


def skips(reason: str = "not today") -> Callable[[Quote], Skip]:
    return lambda _: Skip(reason=reason)


def off_the_order(per_cent: str) -> Callable[[Quote], Sequence[Adjustment]]:
    """Propose a percentage of the subtotal as it stands."""

    def propose(quote: Quote) -> Sequence[Adjustment]:
        amount = -quote.subtotal.percent(Decimal(per_cent))
        return [Adjustment(target=Target.ORDER, amount=amount, reason=f"{per_cent} % off")]

    return propose


def a_tax(
    rate: str,
    *,
    key: str = "vat",
    code: str = "VAT",
    targets: Sequence[str] | None = None,
    optional: bool = False,
) -> AskedTax:
    """One rate for these targets, or for every line."""

    def rates(quote: Quote) -> Sequence[Tax]:
        borne_by = targets if targets is not None else [line.line_id for line in quote.lines]
        return [Tax(target=target, rate=Decimal(rate), code=code) for target in borne_by]

    info = TaxInfo(key=key, label=key.upper(), optional=optional)
    return AskedTax(plugin="test-taxes", version="0.9", info=info, rates=rates)
