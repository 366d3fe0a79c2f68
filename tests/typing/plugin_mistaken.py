"""Mistakes that both checkers have to find: each marked line, and no other."""

# pyright: strict

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import hookspecs
from hookspecs import (
    Accepted,
    Adjustment,
    CacheWarmer,
    Call,
    Catalogue,
    ChannelInfo,
    Declined,
    Delivered,
    Event,
    Finding,
    InquireRequest,
    Message,
    Money,
    NotFound,
    NotificationChannel,
    Outcome,
    PaymentInfo,
    PaymentStrategy,
    Phase,
    PricingRule,
    Quote,
    RuleInfo,
    StartRequest,
    WarmerInfo,
)


class NoInquiry:
    info = PaymentInfo(code="a", label="A")

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        return Declined(text=404)  # mistake: a number for a text


class ByName:
    info = PaymentInfo(code="a", label="A")

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        return NotFound()  # mistake: only a look-up may say so

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        request.amount = Money(1, "EUR")  # mistake: a request is frozen
        return NotFound()


class HalfRule:
    info = RuleInfo(key="a", label="A", phase=Phase.LINE)

    def propose(self, quote: Quote, clock: float, /) -> Sequence[Adjustment]:
        return [Adjustment(target="a", amount=-1.5, reason="x")]  # mistake: a float for Money


class Loud:
    info = ChannelInfo(code="a", label="A", address="email", prefix="x")  # mistake: no such field

    async def deliver(self, message: Message, call: Call, /) -> Delivered:
        return Accepted(reference=message.id)


class Cold:
    info = WarmerInfo(
        namespace="a", label="A", depends_on=frozenset[str](), ttl=timedelta(seconds=1)
    )

    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Iterable[int]:
        return [1]

    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        return {sku: catalogue.stock(sku) for sku in keys}  # mistake: a catalogue has no such verb


def offers() -> None:
    strategy: PaymentStrategy = NoInquiry()  # mistake: it lacks inquire
    sound: PaymentStrategy = ByName()
    rule: PricingRule = HalfRule()  # mistake: nobody gives it a clock
    channel: NotificationChannel = Loud()  # mistake: nobody awaits it
    warmer: CacheWarmer = Cold()  # mistake: keys are texts
    print(strategy, sound, rule, channel, warmer)
    hookspecs.no_such_word()  # mistake: not a word of the page
    print(Money(1.5, "EUR"))  # mistake: a float
