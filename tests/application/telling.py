"""Who is told in the tests: plugins that listen, and channels that answer as they are bid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.application.deliver_events import DeliveryCount, deliver_events
from core.hooks.registry import Registry
from core.testing.registries import FakePlugin
from hookspecs import (
    Accepted,
    Call,
    ChannelInfo,
    Delivered,
    Event,
    Message,
    NotificationChannel,
    Subscription,
)

EVENTS = (
    "order_placed",
    "order_paid",
    "order_cancelled",
    "order_fulfilled",
    "payment_refunded",
)


@dataclass
class Listener:
    """Remembers what it heard, and raises as long as it is broken."""

    name: str = "listener"
    hooks: Sequence[str] = ("order_placed",)
    heard: list[Event] = field(default_factory=list)
    broken: bool = False

    def plugin(self) -> FakePlugin:
        return FakePlugin(name=self.name, tells=dict.fromkeys(self.hooks, self.hear))

    def hear(self, event: Event) -> None:
        self.heard.append(event)
        if self.broken:
            raise OSError("the listener is broken")


@dataclass
class Postbox:
    """A channel that keeps what it is given, and answers what `answer` says."""

    code: str = "post"
    address: str = "email"
    audience: str = "customer"
    messages: list[Message] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    answer: Callable[[Message], Delivered] = lambda message: Accepted(reference=f"ref-{message.id}")

    @property
    def info(self) -> ChannelInfo:
        return ChannelInfo(
            code=self.code,
            label="Post",
            address=self.address,
            subscriptions=tuple(
                Subscription(event=event, audience=self.audience, template=event)
                for event in EVENTS
            ),
        )

    def deliver(self, message: Message, call: Call, /) -> Delivered:
        self.messages.append(message)
        self.attempts.append(call.attempt)
        return self.answer(message)

    def plugin(self, name: str = "postbox") -> FakePlugin:
        channel: NotificationChannel = self
        return FakePlugin(name=name, channels=(channel,))


def work_off(plugins: Registry, **_: Any) -> DeliveryCount:
    """Do rounds until nothing is due."""
    total = DeliveryCount()
    while count := deliver_events(plugins=plugins):
        total.add(count)
    return total
