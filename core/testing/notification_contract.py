"""The notification contract suite: subclass `NotificationContract`, give it a channel, pass."""

from __future__ import annotations

import dataclasses
import inspect
import re
import time
from collections.abc import Sequence
from typing import Any

from core.testing.messages import hostile_messages
from core.testing.notification_adapter import NotificationAdapter
from core.testing.orders import TELLS
from core.testing.payment_adapter import watching_tables
from core.testing.plugin_cases import at_once, not_applicable
from core.testing.purity import watching
from hookspecs import (
    Accepted,
    ChannelInfo,
    DeliveryReceipt,
    Message,
    NotificationChannel,
    NotSent,
    ReadsReceipts,
    Undeliverable,
    Unknown,
    Untrusted,
    Webhook,
)

__all__ = ["NotificationContract"]

_METHODS = {"deliver": 2, "read_receipt": 2, "probe": 1}
_SHORT = 0.5
_SLACK = 3


class NotificationContract(NotificationAdapter):
    """What every channel has to do, whoever wrote it, with a core that is hostile.

    A subclass has a fixture ``channel``, overrides ``arrived`` and, as far as its other side can do
    it, the other hooks of ``NotificationAdapter``. A case that doesn't concern it is skipped as
    "not applicable"::

        class TestMine(NotificationContract):
            plugin = "notify-mine"

            @pytest.fixture
            def channel(self, tmp_path):
                self.folder = tmp_path
                return MyChannel(Settings(folder=str(tmp_path)))

            def arrived(self):
                return [
                    Arrived(key=path.name, to=..., text=path.read_text())
                    for path in self.folder.iterdir()
                ]
    """

    # What it is

    def test_it_is_a_channel(self) -> None:
        assert isinstance(self.tested, NotificationChannel)
        for name, count in _METHODS.items():
            method = getattr(self.tested, name, None)
            if method is not None:
                assert not inspect.iscoroutinefunction(method), f"{name} is async"
                inspect.signature(method).bind(*range(count))

    def test_info_is_the_same_at_every_look_and_asks_nobody(self) -> None:
        before = self.tested.info
        self.deliver(self.message())

        with watching(clocks=False) as seen:
            again = self.tested.info

        assert isinstance(before, ChannelInfo)
        assert again == before
        assert seen == []
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", before.code)
        assert before.label
        assert before.address
        for one in before.subscriptions:
            assert one.event in TELLS, f"{one.event} is no tell"
            assert one.audience in {"customer", "staff"}
            assert one.template

    # What arrives

    def test_a_message_arrives(self) -> None:
        message = self.message()

        answer = self.deliver(message)

        assert isinstance(answer, Accepted), answer
        (one,) = self.arrived()
        assert one.to == message.to.address
        assert one.key
        assert _words(message.text) <= _words(one.text)

    def test_the_same_message_again_can_be_told_by_its_key(self) -> None:
        message = self.message()

        answers = [self.deliver(message) for _ in range(3)]

        assert {type(one) for one in answers} == {Accepted}, answers
        assert len(self.keys()) == 1, "a repeat bears another key: people get it twice"

    def test_two_messages_have_two_keys(self) -> None:
        for _ in range(2):
            self.deliver(self.message())

        assert len(self.keys()) == 2, "the second is taken for a repeat of the first"

    def test_eight_messages_at_once_all_arrive(self) -> None:
        messages = [self.message() for _ in range(8)]
        waiting = list(messages)

        answers = at_once(8, lambda: self.deliver(waiting.pop()))

        assert {type(one) for one in answers} == {Accepted}, answers
        assert len(self.keys()) == 8

    def test_one_message_eight_times_at_once_has_one_key(self) -> None:
        message = self.message()

        answers = at_once(8, lambda: self.deliver(message))

        assert not [one for one in answers if isinstance(one, Undeliverable)], answers
        assert len(self.keys()) == 1

    def test_past_the_deadline_nothing_is_sent(self) -> None:
        answer = self.deliver(self.message(), seconds=-1)

        assert isinstance(answer, NotSent), answer
        assert list(self.arrived()) == []

    # A hostile core

    def test_what_a_customer_could_write_goes_to_nobody_else(self) -> None:
        for odd, message in hostile_messages(self.address):
            before = len(self.arrived())

            answer = self.deliver(message)

            new = self.arrived()[before:]
            strangers = {one.to for one in new} - {message.to.address}
            assert not strangers, f"{odd}: it arrived at {strangers}"
            assert len(new) <= 1, f"{odd}: it arrived {len(new)} times"
            arrives = isinstance(answer, Accepted)
            assert arrives == bool(new), f"{odd}: {answer}, and {len(new)} arrived"
            if not arrives:
                assert answer.cause, f"{odd}: {type(answer).__name__} without a cause"

    def test_words_arrive_as_they_were_written(self) -> None:
        for odd, message in hostile_messages(self.address):
            before = len(self.arrived())
            if _is_text(message) and isinstance(self.deliver(message), Accepted):
                (one,) = self.arrived()[before:]
                lost = _words(message.text) - _words(one.text)
                assert not lost, f"{odd}: {sorted(lost)[:3]} got lost"
                assert len(one.text) >= len(message.text.strip()), f"{odd}: the end got lost"

    def test_a_message_is_left_as_it_was(self) -> None:
        message = self.message()
        before = repr(message)

        self.deliver(message)

        assert repr(message) == before

    def test_nothing_of_the_core_is_read_or_written(self) -> None:
        with watching_tables() as touched:
            self.deliver(self.message())

        assert touched == []

    # Doubt

    def test_a_lost_answer_is_unknown_and_a_repeat_can_be_told(self) -> None:
        message = self.message()
        self.lose_next_answer()

        began = time.monotonic()
        lost = self.deliver(message, seconds=_SHORT)
        took = time.monotonic() - began
        self.find_answers_again()
        again = self.deliver(message)

        assert isinstance(lost, Unknown), f"it may have arrived, and this was said: {lost}"
        assert took < _SHORT * _SLACK + 1, f"the caller had {_SHORT} s and got it after {took:.1f}"
        assert isinstance(again, Accepted), again
        assert len(self.keys()) == 1

    def test_what_cant_be_reached_is_tried_again(self) -> None:
        message = self.message()
        self.shut()

        refused = self.deliver(message, seconds=_SHORT)
        self.open()
        again = self.deliver(message)

        assert isinstance(refused, NotSent | Unknown), f"nothing was wrong with it: {refused}"
        assert isinstance(again, Accepted), again
        assert len(self.keys()) == 1

    # Bounces

    def test_receipts_are_believed_once_and_again(self) -> None:
        webhooks = self._receipts()

        first, again = ([self._read(one) for one in webhooks] for _ in range(2))

        assert first == again
        for told in first:
            assert not isinstance(told, Untrusted | Unknown), told
            for one in told:
                assert isinstance(one, DeliveryReceipt)
                assert one.event_id
                assert one.reference or one.message_id, "it can't be found by anything"

    def test_a_forged_receipt_is_untrusted(self) -> None:
        if not self.signed_receipts:
            not_applicable("nobody signs the receipts")
        for genuine in self._receipts():
            for body in (genuine.body + b" ", b"", b"{}", genuine.body[:-1] + b"\x00"):
                told = self._read(dataclasses.replace(genuine, body=body))

                assert isinstance(told, Untrusted), f"{told}\n{body!r}"
            told = self._read(dataclasses.replace(genuine, headers={}))
            assert isinstance(told, Untrusted), told

    def _receipts(self) -> Sequence[Webhook]:
        if not isinstance(self.tested, ReadsReceipts):
            not_applicable("it reads no receipts")
        message = self.message()
        self.deliver(message)
        return self.receipts(message)

    def _read(self, webhook: Webhook) -> Any:
        told = self.tested.read_receipt(webhook, self.call())
        return told if isinstance(told, Untrusted | Unknown) else tuple(told)


def _words(text: str) -> set[str]:
    return set(text.split())


def _is_text(message: Message) -> bool:
    """Half a character can't be sent; whatever becomes of it, it isn't what was written."""
    try:
        message.text.encode()
    except UnicodeEncodeError:
        return False
    return True
