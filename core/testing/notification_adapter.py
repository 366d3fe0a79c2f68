"""What the notification contract suite is told about a channel's other side, and how it delivers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, get_type_hints

import pytest

from core.hooks.answers import expecting
from core.testing.messages import a_message
from core.testing.plugin_cases import PluginCases, not_applicable
from hookspecs import Message, NotificationChannel, Webhook

__all__ = ["Arrived", "NotificationAdapter"]

_ANSWER = expecting(get_type_hints(NotificationChannel.deliver)["return"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A message on the other side: `key` is what a receiver can tell a repeat by."""

    key: str
    to: str
    text: str = ""


class NotificationAdapter(PluginCases):
    """What a test class says of its channel's other side: override what it can do.

    ``address`` is one that messages arrive at. ``signed_receipts`` is false where nobody signs
    bounces.
    """

    contract: ClassVar[str] = "notification"
    address: ClassVar[str] = "anna@shop.example"
    signed_receipts: ClassVar[bool] = True
    tested: Any

    @pytest.fixture(autouse=True)
    def _take_channel(self, channel: NotificationChannel) -> None:
        self.tested = channel

    # To be overridden

    def arrived(self) -> Sequence[Arrived]:
        """Return what has arrived on the other side, repeats included: what cases judge by."""
        raise NotImplementedError("say what has arrived on the other side")

    def lose_next_answer(self) -> None:
        """Have the next message taken, and the answer lost on the way."""
        not_applicable("no answer can get lost")

    def find_answers_again(self) -> None:
        """Let answers through again."""

    def shut(self) -> None:
        """Have the other side refuse every connection, or be unable to take anything."""
        not_applicable("the other side can't be shut")

    def open(self) -> None:
        """Let the other side take messages again."""

    def receipts(self, message: Message) -> Sequence[Webhook]:
        """Return what the other side sends about a message later, such as a bounce."""
        not_applicable(f"nothing is sent about {message.id} later")

    # How cases ask

    def message(self, **more: Any) -> Message:
        """Return a message with an id of its own."""
        return a_message(self.address, **more)

    def deliver(self, message: Message, *, seconds: float = 15.0) -> Any:
        """Hand a message over as the core does, and hold the answer against the page."""
        return _ANSWER(self.tested.deliver(message, self.call(seconds)))

    def use(self) -> Iterable[Any]:
        """Deliver, come too late, and deliver what nobody can take."""
        yield self.deliver(self.message())
        yield self.deliver(self.message(), seconds=-1)
        yield self.deliver(self.message(subject="a\r\nb: c"))

    # How cases judge

    def keys(self) -> set[str]:
        """Return what receivers can tell messages apart by."""
        return {one.key for one in self.arrived()}
