"""Asking a rule, and what is wrong with its answer: targets, currencies, types, coupons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Protocol

from core.domain.errors import RuleFailedError
from hookspecs import Adjustment, Money, Phase, Quote, RuleInfo, Skip, Target, Tax, TaxInfo

HIGHEST_AMOUNT: Final = 10**18
HIGHEST_RATE: Final = 1000
DECIMALS_OF_A_RATE: Final = 9
NOTHING: Final = "nothing to propose"

_TEXTS: Final = frozenset({str, Target})
_ASIDE: Final = {
    Phase.SHIPPING: frozenset({Target.SHIPPING.value}),
    Phase.FEE: frozenset({Target.FEES.value}),
    Phase.ROUND: frozenset({Target.ROUNDING.value}),
}
_TAXED_ASIDE: Final = frozenset({Target.SHIPPING.value, Target.FEES.value})


class Asked(Protocol):
    """What composing needs of a pricing rule; the registry's offered rules have it."""

    @property
    def plugin(self) -> str:
        """The name of the plugin that offers it."""

    @property
    def version(self) -> str:
        """The version of that plugin."""

    @property
    def info(self) -> RuleInfo:
        """What the rule is."""

    @property
    def propose(self) -> Callable[[Quote], Sequence[Adjustment] | Skip]:
        """Ask it; already guarded, so that only `RuleFailedError` comes out."""


class AskedForTax(Protocol):
    """What composing needs of a tax rule."""

    @property
    def plugin(self) -> str:
        """The name of the plugin that offers it."""

    @property
    def version(self) -> str:
        """The version of that plugin."""

    @property
    def info(self) -> TaxInfo:
        """What the rule is."""

    @property
    def rates(self) -> Callable[[Quote], Sequence[Tax] | Skip]:
        """Ask it; already guarded, so that only `RuleFailedError` comes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRule:
    """A pricing rule with its provenance."""

    plugin: str
    version: str
    info: RuleInfo
    propose: Callable[[Quote], Sequence[Adjustment] | Skip]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTax:
    """A tax rule with its provenance."""

    plugin: str
    version: str
    info: TaxInfo
    rates: Callable[[Quote], Sequence[Tax] | Skip]


def ask_rule(
    rule: Asked, quote: Quote, lines: frozenset[str], prepared: Mapping[str, Any] | None
) -> tuple[tuple[Adjustment, ...], str]:
    """Return what a rule proposes, or nothing and why.

    Raises:
        RuleFailedError: the answer breaks the contract and the rule isn't optional.

    """
    answer: object = rule.propose(_prepared(quote, prepared))
    if isinstance(answer, Skip):
        return (), _reason(rule, answer)
    proposals = _sequence(answer)
    if proposals is None:
        return (), _fault(rule, f"answered {type(answer).__name__}, not adjustments or Skip")
    phase = rule.info.phase
    allowed = _ASIDE.get(phase, lines)
    if phase is Phase.ORDER:
        allowed = lines | {Target.ORDER.value}
    adjustments: list[Adjustment] = []
    for proposal in proposals:
        if not isinstance(proposal, Adjustment):
            return (), _fault(rule, f"proposed {type(proposal).__name__}, not an Adjustment")
        if not _plain(proposal, quote.currency, allowed):
            wrong = _wrong_adjustment(proposal, quote)
            if wrong is None and proposal.target not in allowed:
                wrong = f"phase {phase.name} can't change {str(proposal.target)[:80]!r}"
            if wrong is not None:
                return (), _fault(rule, wrong)
        adjustments.append(proposal)
    return tuple(adjustments), "" if adjustments else NOTHING


def ask_tax(
    rule: AskedForTax,
    quote: Quote,
    lines: frozenset[str],
    prepared: Mapping[str, Any] | None,
    taken: set[tuple[str, str]],
) -> tuple[tuple[Tax, ...], str]:
    """Return the rates a tax rule names, or none and why; `taken` gathers (target, code).

    Raises:
        RuleFailedError: the answer breaks the contract and the rule isn't optional.

    """
    answer: object = rule.rates(_prepared(quote, prepared))
    if isinstance(answer, Skip):
        return (), _reason(rule, answer)
    proposals = _sequence(answer)
    if proposals is None:
        return (), _fault(rule, f"answered {type(answer).__name__}, not taxes or Skip")
    taxes: list[Tax] = []
    own: set[tuple[str, str]] = set()
    for proposal in proposals:
        if not isinstance(proposal, Tax):
            return (), _fault(rule, f"proposed {type(proposal).__name__}, not a Tax")
        wrong = _wrong_tax(proposal, lines)
        pair = (str(proposal.target), proposal.code)
        if wrong is None and (pair in own or pair in taken):
            wrong = f"code {proposal.code[:80]!r} stands twice for {pair[0][:80]!r}"
        if wrong is not None:
            return (), _fault(rule, wrong)
        own.add(pair)
        taxes.append(proposal)
    taken |= own
    return tuple(taxes), "" if taxes else NOTHING


def _prepared(quote: Quote, prepared: Mapping[str, Any] | None) -> Quote:
    return replace(quote, prepared=MappingProxyType(dict(prepared))) if prepared else quote


def _sequence(answer: object) -> tuple[object, ...] | None:
    if isinstance(answer, Sequence) and not isinstance(answer, str | bytes | bytearray):
        return tuple(answer)
    return None


def _reason(rule: Asked | AskedForTax, skip: Skip) -> str:
    reason: object = skip.reason
    if isinstance(reason, str):
        return reason or NOTHING
    return _fault(rule, f"skipped with {type(reason).__name__} for a reason, not a text")


def _fault(rule: Asked | AskedForTax, wrong: str) -> str:
    if rule.info.optional:
        return f"left out: {wrong}"
    text = f"Rule {rule.info.key} of plugin {rule.plugin} {rule.version}: {wrong}"
    raise RuleFailedError(text, rule=rule.info.key, plugin=rule.plugin)


def _plain(adjustment: Adjustment, currency: str, allowed: frozenset[str]) -> bool:
    """Say at once of almost all that they are as they should be; of the others it says nothing."""
    amount: Any = adjustment.amount
    return (
        adjustment.coupon is None
        and type(adjustment.reason) in _TEXTS
        and type(adjustment.target) in _TEXTS
        and adjustment.target in allowed
        and type(amount) is Money
        and amount.currency == currency
        and -HIGHEST_AMOUNT <= amount.minor <= HIGHEST_AMOUNT
    )


def _wrong_adjustment(adjustment: Adjustment, quote: Quote) -> str | None:
    target: object = adjustment.target
    reason: object = adjustment.reason
    coupon: object = adjustment.coupon
    if not isinstance(target, str):
        return f"a target is a line id or a Target, not {type(target).__name__}"
    if not isinstance(reason, str):
        return f"a reason is a text, not {type(reason).__name__}"
    if coupon is not None and not (isinstance(coupon, str) and coupon in quote.coupons):
        return f"coupon {str(coupon)[:80]!r} wasn't given"
    return _wrong_amount(adjustment.amount, quote.currency)


def _wrong_amount(amount: object, currency: str) -> str | None:
    if not isinstance(amount, Money):
        return f"an amount is Money, not {type(amount).__name__}"
    if amount.currency != currency:
        return f"proposed {amount.currency} for a quote in {currency}"
    if abs(amount.minor) > HIGHEST_AMOUNT:
        return f"an amount is at most {HIGHEST_AMOUNT} minor units"
    return None


def _wrong_tax(tax: Tax, lines: frozenset[str]) -> str | None:
    target: object = tax.target
    rate: object = tax.rate
    code: object = tax.code
    if not isinstance(target, str) or (target not in lines and target not in _TAXED_ASIDE):
        return f"tax is on a line, SHIPPING or FEES, not {str(target)[:80]!r}"
    if not isinstance(rate, Decimal):
        return f"a rate is a Decimal, not {type(rate).__name__}"
    if not rate.is_finite() or not 0 <= rate <= HIGHEST_RATE:
        return f"a rate is 0 to {HIGHEST_RATE} per cent, not {str(rate)[:40]}"
    exponent = rate.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -DECIMALS_OF_A_RATE:
        return f"a rate has at most {DECIMALS_OF_A_RATE} decimals"
    if not isinstance(code, str):
        return f"a code is a text, not {type(code).__name__}"
    return None
