"""Explain the price of an order: what every rule did, why not, and whether it still adds up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.application.explain_order import Explained, explain_order
from core.application.replay_receipt import Replayed, replay_receipt
from core.domain.receipt import TAX_PHASE, Step
from core.management.asking import AskingCommand
from hookspecs import Money


class Command(AskingCommand):
    """`explain ORDER [--replay] [--json]`; exit code 1 if a replayed receipt doesn't agree."""

    help = "Says why an order costs what it costs, and why not less; --replay prices it again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order", metavar="ORDER", help="its number or its id")
        parser.add_argument(
            "--replay", action="store_true", help="price its stored proposals again, and compare"
        )
        self.shared(parser)

    def answer(self, options: dict[str, Any]) -> None:
        """Explain, and replay if that was asked for."""
        why, replayed = explain_order(options["order"]), None
        if options["replay"]:
            replayed = replay_receipt(why.order_id, plugins=self.plugins(options))
        self.say(options, _told(why, replayed), _lines(why, replayed))
        if replayed is not None and not replayed.agrees:
            raise CommandError(f"{why.number}: its receipt doesn't come to what is charged.")


def _told(why: Explained, replayed: Replayed | None) -> dict[str, Any]:
    shadow = why.shadow
    told: dict[str, Any] = {
        "number": why.number,
        "total": why.total,
        "steps": [_step(step) for step in why.steps],
        "shadow": shadow
        and {
            "total_minor": shadow.total_minor,
            "failed": shadow.failed,
            "steps": [_step(step) for step in shadow.steps],
        },
    }
    if replayed is not None:
        told["replay"] = {**asdict(replayed), "agrees": replayed.agrees}
    return told


def _step(step: Step) -> dict[str, Any]:
    return {name: value for name, value in step._asdict().items() if name != "proposals"}


def _lines(why: Explained, replayed: Replayed | None) -> Iterator[str]:
    currency = why.total.currency
    yield f"Order {why.number}: {why.total}"
    yield from _told_steps(why.steps, currency)
    if why.shadow is not None:
        minor = why.shadow.total_minor
        total = why.shadow.failed if minor is None else Money(minor, currency)
        yield f"Without effect; with these rules the total would have been: {total}"
        yield from _told_steps(why.shadow.steps, currency)
    if replayed is not None:
        yield from _replay_lines(replayed, currency)


def _told_steps(steps: Iterable[Step], currency: str) -> Iterator[str]:
    for step in steps:
        sign = "" if step.phase == TAX_PHASE or step.accepted_minor < 0 else "+"
        did = f"{sign}{Money(step.accepted_minor, currency)}" if step.applied else "not applied"
        yield f"  {step.phase:<8} {step.label}: {did} ({step.reason or 'no reason given'})"
        if step.proposed_minor != step.accepted_minor:
            yield f"           proposed {Money(step.proposed_minor, currency)}"
        running = Money(step.running_minor, currency)
        yield f"           {step.rule} of {step.plugin} {step.version}; then {running}"


def _replay_lines(replayed: Replayed, currency: str) -> Iterator[str]:
    again = replayed.replayed_minor
    total = "nothing" if again is None else Money(again, currency)
    yield f"Priced again: {total}; {'every cent agrees' if replayed.agrees else 'it differs'}."
    yield from (f"  {difference}" for difference in replayed.differences)
    for one in replayed.asked_again:
        said = "proposes the same" if one.same else "would propose something else today"
        yield f"  {one.rule} of {one.plugin} {one.version} {said}"
