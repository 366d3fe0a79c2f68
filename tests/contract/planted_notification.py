"""A sound channel and copies with a fault each; run by test_planted_faults as a program."""

from __future__ import annotations

import hmac
import json
import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import pytest

from core.testing.notification_adapter import Arrived
from core.testing.notification_contract import NotificationContract
from hookspecs import (
    Accepted,
    Call,
    ChannelInfo,
    DeliveryReceipt,
    Message,
    NotSent,
    Secret,
    Subscription,
    Undeliverable,
    Unknown,
    Untrusted,
    Webhook,
)

KEY = "key-of-the-pigeons"


@dataclass(slots=True)
class Loft:
    """Where pigeons arrive. It writes a header of its own, one line each, as mail does."""

    landed: list[Arrived] = field(default_factory=list)
    shut: bool = False
    mute: bool = False
    lock: Lock = field(default_factory=Lock)

    def take(self, head: str, text: str, *, wait: float) -> None:
        if self.shut:
            raise ConnectionRefusedError("nobody is there")
        lines = [line.partition(": ") for line in head.splitlines()]
        to = [value for name, _, value in lines if name in {"To", "Bcc"}]
        (key,) = [value for name, _, value in lines if name == "Key"][:1]
        with self.lock:
            self.landed.extend(Arrived(key=key, to=each, text=text) for each in to)
        if self.mute:
            time.sleep(wait)
            raise TimeoutError("no answer")


class Pigeon:
    """Sound: refuses what would forge a line, and knows what it doesn't know."""

    def __init__(self, loft: Loft, key: Secret) -> None:
        self._loft, self._key = loft, key

    info: Any = ChannelInfo(
        code="pigeon",
        label="Pigeon",
        address="loft",
        subscriptions=(Subscription(event="order_placed", audience="customer", template="x"),),
    )

    def deliver(self, message: Message, call: Call, /) -> Any:
        if not call.seconds_left():
            return NotSent(cause="too late")
        if wrong := self.refuses(message):
            return Undeliverable(cause=wrong)
        try:
            self._loft.take(self.head(message), self.text(message), wait=call.seconds_left())
        except ConnectionRefusedError as error:
            return NotSent(cause=str(error))
        except TimeoutError as error:
            return self.lost(error)
        return Accepted(reference=self.key(message))

    def refuses(self, message: Message) -> str:
        head = (message.id, message.to.address, message.to.name, message.subject)
        if any(ord(sign) < 32 for text in head for sign in text):
            return "a line break in the head"
        if not message.to.address or "," in message.to.address or len(message.to.address) > 300:
            return "no address"
        return ""

    def head(self, message: Message) -> str:
        return f"Key: {self.key(message)}\nTo: {message.to.address}\nSubject: {message.subject}"

    def key(self, message: Message) -> str:
        return message.id

    def text(self, message: Message) -> str:
        return message.text

    def lost(self, error: TimeoutError) -> Any:
        return Unknown(cause=str(error))

    def read_receipt(self, webhook: Webhook, call: Call, /) -> Any:
        if not self.genuine(webhook):
            return Untrusted(cause="not signed")
        told = json.loads(webhook.body)
        return [DeliveryReceipt(event_id=told["id"], arrived=False, message_id=told["message"])]

    def genuine(self, webhook: Webhook) -> bool:
        wanted = hmac.new(self._key.reveal().encode(), webhook.body, "sha256").hexdigest()
        return hmac.compare_digest(wanted, webhook.headers.get("signature", ""))


class Sound(NotificationContract):
    """The suite over pigeons; `kind` is the channel that is tried."""

    kind: type[Pigeon] = Pigeon

    @pytest.fixture
    def channel(self) -> Pigeon:
        self.loft = Loft()
        return self.kind(self.loft, Secret(KEY))

    def arrived(self) -> Sequence[Arrived]:
        return list(self.loft.landed)

    def lose_next_answer(self) -> None:
        self.loft.mute = True

    def find_answers_again(self) -> None:
        self.loft.mute = False

    def shut(self) -> None:
        self.loft.shut = True

    def open(self) -> None:
        self.loft.shut = False

    def receipts(self, message: Message) -> Sequence[Webhook]:
        body = json.dumps({"id": "r-1", "message": message.id}).encode()
        signature = hmac.new(KEY.encode(), body, "sha256").hexdigest()
        return [Webhook(body=body, headers={"signature": signature}, received_at=datetime.now(UTC))]


class TestSoundChannel(Sound):
    """The control: without a fault, everything passes."""


class Forges(Pigeon):
    """What stands in a subject becomes a line of the head."""

    def refuses(self, message: Message) -> str:
        return "" if message.to.address else "no address"


class RaisesOnBreaks(Pigeon):
    def refuses(self, message: Message) -> str:
        if wrong := super().refuses(message):
            raise ValueError(wrong)
        return ""


class LostIsUndeliverable(Pigeon):
    def lost(self, error: TimeoutError) -> Any:
        return Undeliverable(cause=str(error))


class LostIsNotSent(Pigeon):
    def lost(self, error: TimeoutError) -> Any:
        return NotSent(cause=str(error))


class NewKeyEachTime(Pigeon):
    def key(self, message: Message) -> str:
        return uuid.uuid4().hex


class OneKeyForAll(Pigeon):
    def key(self, message: Message) -> str:
        return "key"


class ForgetsTheDeadline(Pigeon):
    def deliver(self, message: Message, call: Call, /) -> Any:
        return super().deliver(message, Call(deadline=time.monotonic() + 4))


class CutsText(Pigeon):
    def text(self, message: Message) -> str:
        return message.text[:1000]


class AsciiOnly(Pigeon):
    def text(self, message: Message) -> str:
        return message.text.encode("ascii", "replace").decode()


class SwallowsFailure(Pigeon):
    def deliver(self, message: Message, call: Call, /) -> Any:
        answer = super().deliver(message, call)
        return Accepted() if isinstance(answer, NotSent) and call.seconds_left() else answer


class LogsItsKey(Pigeon):
    def deliver(self, message: Message, call: Call, /) -> Any:
        logging.getLogger("pigeon").debug("delivering with %s", self._key.reveal())
        return super().deliver(message, call)


class BelievesReceipts(Pigeon):
    def genuine(self, webhook: Webhook) -> bool:
        return b"message" in webhook.body


class SaysTrue(Pigeon):
    def deliver(self, message: Message, call: Call, /) -> Any:
        return isinstance(super().deliver(message, call), Accepted)


class KnowsNoSuchTell(Pigeon):
    info = ChannelInfo(
        code="pigeon",
        label="Pigeon",
        address="loft",
        subscriptions=(Subscription(event="order_shipped", audience="customer", template="x"),),
    )


class TestForges(Sound):
    kind = Forges


class TestRaisesOnBreaks(Sound):
    kind = RaisesOnBreaks


class TestLostIsUndeliverable(Sound):
    kind = LostIsUndeliverable


class TestLostIsNotSent(Sound):
    kind = LostIsNotSent


class TestNewKeyEachTime(Sound):
    kind = NewKeyEachTime


class TestOneKeyForAll(Sound):
    kind = OneKeyForAll


class TestForgetsTheDeadline(Sound):
    kind = ForgetsTheDeadline


class TestCutsText(Sound):
    kind = CutsText


class TestAsciiOnly(Sound):
    kind = AsciiOnly


class TestSwallowsFailure(Sound):
    kind = SwallowsFailure


class TestLogsItsKey(Sound):
    kind = LogsItsKey


class TestBelievesReceipts(Sound):
    kind = BelievesReceipts


class TestSaysTrue(Sound):
    kind = SaysTrue


class TestKnowsNoSuchTell(Sound):
    kind = KnowsNoSuchTell
