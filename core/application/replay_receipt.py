"""Replay the receipt of an order: whether its own proposals still come to its price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from core.domain.errors import NotFound, OrderloomError
from core.domain.receipt import TAX_PHASE, Priced, Step
from core.domain.replay import Receipt, replay, stored_proposals, stored_steps
from core.hooks.registry import Registry
from core.models import Order, OrderLine
from hookspecs import Quote, Skip

SUMS: Final = (
    *("goods_minor", "shipping_minor", "fees_minor", "tax_minor", "rounding_minor", "total_minor"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAgain:
    """A rule of which this very version is here: whether it still proposes the same."""

    rule: str
    plugin: str
    version: str
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a receipt comes to today; it agrees if there are no differences.

    ``asked_again`` tells of rules that are installed in the version that proposed; what they say
    may have changed with their settings, without making the receipt wrong.
    """

    number: str
    stored_minor: int
    replayed_minor: int | None
    differences: tuple[str, ...]
    asked_again: tuple[AskedAgain, ...]

    @property
    def agrees(self) -> bool:
        """Whether every cent is where it was."""
        return not self.differences


def replay_receipt(order_id: UUID, *, plugins: Registry) -> Replayed:
    """Price an order again from its stored quote, prepared data and proposals, and compare.

    Nothing is written. What doesn't agree was tampered with, or the composer has changed.

    Raises:
        NotFound: there is no such order.
    """
    order = Order.objects.filter(pk=order_id).first()
    if order is None:
        raise NotFound("There is no such order.")
    lines = OrderLine.objects.filter(order_id=order_id).order_by("position")
    asked: list[AskedAgain] = []
    installed: dict[tuple[str, str, str], Any] = {
        (rule.plugin, rule.version, rule.info.key): rule
        for rule in (*plugins.rules, *plugins.taxes)
    }

    def watch(step: Step, quote: Quote) -> None:
        rule = installed.get((step.plugin, step.version, step.rule))
        if rule is not None:
            same = _says_the_same(rule, step, quote)
            again = AskedAgain(rule=step.rule, plugin=step.plugin, version=step.version, same=same)
            asked.append(again)

    replayed, differences = None, ["the receipt can't be read"]
    try:
        replayed = replay(order.receipt, watch=watch)
        differences = [
            *_differences(order.receipt, replayed),
            *_from_rows(order, lines, replayed),
        ]
    except (OrderloomError, ValueError) as error:
        differences = [str(error)]
    return Replayed(
        number=order.number,
        stored_minor=order.total_minor,
        replayed_minor=replayed.total_minor if replayed else None,
        differences=tuple(differences),
        asked_again=tuple(asked),
    )


def _says_the_same(rule: Any, step: Step, quote: Quote) -> bool:
    ask = rule.rates if step.phase == TAX_PHASE else rule.propose
    try:
        answer = ask(quote)
    except OrderloomError:
        return False
    proposed = () if isinstance(answer, Skip) else tuple(answer)
    return sorted(map(repr, proposed)) == sorted(map(repr, stored_proposals(step, quote.currency)))


def _differences(receipt: Receipt, again: Priced) -> Iterable[str]:
    """Compare numbers, not words: tomorrow's composer may say the same in another way."""
    for name in SUMS:
        if receipt[name] != getattr(again, name):
            yield f"{name}: {receipt[name]} is stored, {getattr(again, name)} comes out"
    if receipt["coupons"] != list(again.coupons):
        yield f"coupons: {receipt['coupons']} is stored, {list(again.coupons)} comes out"
    lines = [
        [one.line_id, one.adjustment_minor, one.tax_minor, one.total_minor] for one in again.lines
    ]
    for stored, now in zip(receipt["lines"], lines, strict=True):
        if list(stored) != now:
            yield f"line {now[0]}: {stored[1:]} is stored, {now[1:]} comes out"
    for before, after in zip(stored_steps(receipt), again.steps, strict=True):
        if _moved(before) != _moved(after):
            yield f"{before.rule}: {_moved(before)} is stored, {_moved(after)} comes out"


def _moved(step: Step) -> tuple[Any, ...]:
    return (step.applied, step.proposed_minor, step.accepted_minor, step.running_minor)


def _from_rows(order: Order, lines: Iterable[OrderLine], again: Priced) -> Iterable[str]:
    """Compare with what is charged: the columns of the order and of its lines."""
    for name in SUMS:
        if getattr(order, name) != getattr(again, name):
            yield f"the order's {name}: {getattr(order, name)} is stored"
    rows: Mapping[str, OrderLine] = {str(line.position): line for line in lines}
    for line in again.lines:
        row = rows.get(line.line_id)
        if row is None or (row.total_minor, row.tax_minor) != (line.total_minor, line.tax_minor):
            yield f"line {line.line_id} of the order isn't what the receipt says"
