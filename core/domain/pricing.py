"""How proposals become one exact price: phases, groups, floors, taxes, and a step for each rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

from core.domain.proposals import (
    Asked,
    AskedForTax,
    AskedRule,
    AskedTax,
    ask_rule,
    ask_tax,
)
from core.domain.receipt import TAX_PHASE, Priced, PricedLine, Step
from core.domain.running import Change, Running
from core.domain.taxes import TaxRounding, levied
from hookspecs import Adjustment, Mode, Money, Phase, Quote, Target, Tax

__all__ = [
    "Asked",
    "AskedForTax",
    "AskedRule",
    "AskedTax",
    "Priced",
    "PricedLine",
    "Step",
    "TaxRounding",
    "compose",
    "order_rules",
]

_NONE: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})
_REASONS_SHOWN: Final = 3
_NAMES: Final = {phase: phase.name for phase in Phase}


def order_rules(rules: Iterable[Asked], /) -> tuple[Asked, ...]:
    """Return the settled order: phase, group order, group name, priority (high first), key."""
    return tuple(sorted(rules, key=_place))


def compose(
    *,
    quote: Quote,
    rules: Sequence[Asked],
    taxes: Sequence[AskedForTax],
    prepared: Mapping[str, Mapping[str, Any]] = _NONE,
    tax_rounding: TaxRounding = TaxRounding.PER_LINE,
) -> Priced:
    """Price a quote: ask every rule in the settled order, then the taxes, then rounding.

    The order in which lines and rules are given can't matter, and every sum is exact.

    Args:
        quote: as it starts; the amount of a line is its list price times its quantity.
        rules: what the plugins offer, guarded.
        taxes: the same for taxes.
        prepared: what each rule's `prepare` gave, by the rule's key.
        tax_rounding: whether each line's tax is rounded, or the sum of a code and rate.

    Raises:
        RuleFailedError: a rule broke its contract and isn't optional; names rule and plugin.
        ValueError: line ids that aren't unique, or amounts in another currency than the quote's.

    """
    composer = _Composer(quote, prepared)
    ordered = order_rules(rules)
    composer.ask_groups([rule for rule in ordered if rule.info.phase is not Phase.ROUND])
    line_taxes = composer.tax(
        sorted(taxes, key=lambda tax: (tax.info.key, tax.plugin)), tax_rounding
    )
    composer.ask_groups([rule for rule in ordered if rule.info.phase is Phase.ROUND])
    return composer.priced(line_taxes, tax_rounding)


def _place(rule: Asked) -> tuple[int, int, str, int, str, str]:
    info = rule.info
    return info.phase, info.group.order, info.group.name, -info.priority, info.key, rule.plugin


class _Composer:
    """One quote under way: its running amounts, and the steps so far."""

    __slots__ = ("_coupons", "_lines", "_prepared", "_running", "_start", "_steps")

    def __init__(self, quote: Quote, prepared: Mapping[str, Mapping[str, Any]]) -> None:
        self._start = quote
        self._running = Running(quote)
        self._lines = frozenset(self._running.line_ids)
        self._prepared = prepared
        self._steps: list[Step] = []
        self._coupons: set[str] = set()

    def ask_groups(self, ordered: Sequence[Asked]) -> None:
        closed: Asked | None = None
        for _, group in groupby(ordered, key=lambda rule: (rule.info.phase, rule.info.group)):
            members = tuple(group)
            info = members[0].info
            if closed is not None and closed.info.phase is info.phase:
                self._pass_over(members, f"not asked: {closed.info.label} excludes it")
            elif info.group.mode is Mode.STACK:
                for rule in members:
                    self._stack(rule)
            elif info.group.mode is Mode.BEST:
                self._best(members)
            else:
                winner = self._first(members)
                closed = winner if info.group.mode is Mode.EXCLUSIVE else None

    def tax(self, taxes: Sequence[AskedForTax], rounding: TaxRounding) -> dict[str, int]:
        """Ask the tax rules, levy what comes of them, and return the tax by target."""
        quote = self._running.quote
        taken: set[tuple[str, str]] = set()
        asked = [
            (rule, *ask_tax(rule, quote, self._lines, self._prepared.get(rule.info.key), taken))
            for rule in taxes
        ]
        named = [tax for _, own, _ in asked for tax in own]
        levies = levied(
            taxes=named,
            amounts=self._running.amounts,
            included=quote.prices_include_tax,
            rounding=rounding,
        )
        by_target: dict[str, int] = {}
        for tax, minor in zip(named, levies, strict=True):
            by_target[tax.target] = by_target.get(tax.target, 0) + minor
        position = 0
        for rule, own, reason in asked:
            minor = sum(levies[position : position + len(own)])
            position += len(own)
            self._running.levy(self._running.tax + minor)
            self._note_tax(rule, own, reason, minor)
        return by_target

    def priced(self, taxes: Mapping[str, int], rounding: TaxRounding) -> Priced:
        amounts = self._running.amounts
        lines = tuple(
            PricedLine(
                line_id=line.line_id,
                adjustment_minor=amounts[line.line_id] - line.list_price.minor * line.quantity,
                tax_minor=taxes.get(line.line_id, 0),
                total_minor=amounts[line.line_id],
            )
            for line in self._start.lines
        )
        return Priced(
            start=self._start,
            quote=self._running.quote,
            lines=lines,
            goods_minor=sum(line.total_minor for line in lines),
            shipping_minor=amounts[Target.SHIPPING],
            fees_minor=amounts[Target.FEES],
            tax_minor=self._running.tax,
            rounding_minor=amounts[Target.ROUNDING],
            total_minor=self._running.total,
            prices_include_tax=self._start.prices_include_tax,
            tax_rounding=rounding,
            steps=tuple(self._steps),
            coupons=tuple(sorted(self._coupons)),
            prepared={key: dict(value) for key, value in self._prepared.items()},
        )

    def _ask(self, rule: Asked) -> tuple[tuple[Adjustment, ...], str]:
        prepared = self._prepared.get(rule.info.key)
        return ask_rule(rule, self._running.quote, self._lines, prepared)

    def _stack(self, rule: Asked) -> bool:
        proposals, why = self._ask(rule)
        if not proposals:
            self._note(rule, reason=why)
            return False
        self._accept(rule, proposals, self._running.trial(proposals))
        return True

    def _first(self, members: Sequence[Asked]) -> Asked | None:
        winner: Asked | None = None
        for rule in members:
            if winner is not None:
                self._note(rule, reason=f"not asked: {winner.info.label} came first")
            elif self._stack(rule):
                winner = rule
        return winner

    def _best(self, members: Sequence[Asked]) -> None:
        asked = [(rule, *self._ask(rule)) for rule in members]
        trials = {
            place: self._running.trial(proposals)
            for place, (_, proposals, _) in enumerate(asked)
            if proposals
        }
        # The members stand by priority, then key: of equal benefits `min` takes the first.
        winner = min(trials, key=lambda place: trials[place].accepted_minor, default=None)
        for place, (rule, proposals, why) in enumerate(asked):
            trial = trials.get(place)
            if trial is None or winner is None:
                self._note(rule, reason=why)
            elif place == winner:
                self._accept(rule, proposals, trial)
            else:
                behind = trial.accepted_minor - trials[winner].accepted_minor
                lost = self._lost(asked[winner][0], behind)
                self._note(rule, reason=lost, proposals=proposals, proposed=trial.proposed_minor)

    def _lost(self, winner: Asked, behind: int) -> str:
        if not behind:
            return f"lost to {winner.info.label}, which gives the same and comes first"
        return f"lost to {winner.info.label} by {Money(behind, self._start.currency)}"

    def _accept(self, rule: Asked, proposals: tuple[Adjustment, ...], change: Change) -> None:
        self._running.accept(change)
        applied = any(change.applies(proposal) for proposal in proposals)
        self._coupons.update(
            one.coupon for one in proposals if one.coupon is not None and change.applies(one)
        )
        reason = _shown(proposal.reason for proposal in proposals)
        self._note(
            rule,
            reason=reason if applied else f"nothing left to change: {reason}",
            applied=applied,
            proposals=proposals,
            proposed=change.proposed_minor,
            accepted=change.accepted_minor,
        )

    def _pass_over(self, members: Iterable[Asked], reason: str) -> None:
        for rule in members:
            self._note(rule, reason=reason)

    def _note(
        self,
        rule: Asked,
        *,
        reason: str,
        applied: bool = False,
        proposals: tuple[Adjustment, ...] = (),
        proposed: int = 0,
        accepted: int = 0,
    ) -> None:
        info = rule.info
        self._steps.append(
            Step(
                phase=_NAMES[info.phase],
                group=info.group.name,
                mode=info.group.mode,
                rule=info.key,
                plugin=rule.plugin,
                version=rule.version,
                label=info.label,
                applied=applied,
                reason=reason,
                proposed_minor=proposed,
                accepted_minor=accepted,
                running_minor=self._running.total,
                proposals=proposals,
            )
        )

    def _note_tax(self, rule: AskedForTax, own: tuple[Tax, ...], reason: str, minor: int) -> None:
        self._steps.append(
            Step(
                phase=TAX_PHASE,
                group="",
                mode="",
                rule=rule.info.key,
                plugin=rule.plugin,
                version=rule.version,
                label=rule.info.label,
                applied=bool(own),
                reason=reason or _shown(f"{tax.code} {tax.rate} %" for tax in own),
                proposed_minor=minor,
                accepted_minor=minor,
                running_minor=self._running.total,
                proposals=own,
            )
        )


def _shown(reasons: Iterable[str]) -> str:
    """Return the distinct reasons, the first few of many."""
    distinct = tuple(dict.fromkeys(reasons))
    shown = "; ".join(distinct[:_REASONS_SHOWN])
    more = len(distinct) - _REASONS_SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown
