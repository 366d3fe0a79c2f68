"""Cases of the payment contract: webhooks that are authentic, repeated, shuffled, forged or late."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from core.testing.payment_adapter import PaymentAdapter, not_applicable
from core.testing.payment_requests import Asking
from hookspecs import Fact, Feature, Notice, ReadsWebhooks, Refunds, Unknown, Untrusted, Webhook

_SEED = 20_26
_FLIPS = 12


class NewsCases(PaymentAdapter):
    """A webhook is believed once its signature holds, and says the same whenever it comes."""

    def test_authentic_webhooks_are_believed(self) -> None:
        asking, webhooks = self._news()

        answers = [self._read(one) for one in webhooks]

        assert [one for one in answers if isinstance(one, Untrusted | Unknown)] == []
        for notice in (notice for notices in answers for notice in notices):
            assert isinstance(notice, Notice)
            assert notice.event_id
            assert notice.payment_id == asking.payment_id or notice.reference, notice

    def test_repeated_and_shuffled_webhooks_tell_the_same(self) -> None:
        asking, webhooks = self._news()
        in_turn = self.folded(asking, self._facts(webhooks))
        shuffle = random.Random(_SEED)  # noqa: S311 - a test's order

        for _ in range(5):
            mixed = [*webhooks, *webhooks]
            shuffle.shuffle(mixed)

            assert self.folded(asking, self._facts(mixed)) == in_turn, f"seed {_SEED}"

    def test_webhooks_say_what_the_ledger_says(self) -> None:
        asking, webhooks = self._news()

        told = self.folded(asking, self._facts(webhooks))

        if told.captured:
            assert told.captured == sum(one.minor for one in self.charges(asking))
        assert told.refunded + told.refunding <= sum(one.minor for one in self.refunds(asking))

    def test_what_webhooks_tell_a_look_up_tells_as_well(self) -> None:
        asking, webhooks = self._news()
        told = self._facts(webhooks)
        if self.has(ReadsWebhooks, Feature.MANUAL) or not told:
            not_applicable(f"{self.code} tells no facts by webhooks, or by nothing else")

        answer = self.tested.inquire(asking.inquire(), self.call())

        found = list(answer.facts)
        assert self.folded(asking, [*found, *told]) == self.folded(asking, found)

    def test_a_forged_webhook_is_untrusted(self) -> None:
        self._need_signatures()
        _, webhooks = self._news()

        for genuine in webhooks[:2]:
            for forged in _forgeries(genuine, webhooks):
                answer = self._read(forged)

                assert isinstance(answer, Untrusted), f"{answer}\n{forged}"

    def test_what_nobody_signed_brings_no_facts(self) -> None:
        _, webhooks = self._news()
        kept = {"content-type", "content-length", "host"}

        for genuine in webhooks:
            headers = {name: text for name, text in genuine.headers.items() if name in kept}
            answer = self._read(dataclasses.replace(genuine, headers=headers))

            believed = not isinstance(answer, Untrusted | Unknown)
            assert not (believed and any(one.facts for one in answer)), answer

    @pytest.mark.parametrize(
        "shift", [timedelta(days=-1), timedelta(hours=-1)], ids=["day", "hour"]
    )
    def test_a_webhook_signed_in_the_future_is_untrusted(self, shift: timedelta) -> None:
        self._shifted(shift)

    def test_an_old_webhook_is_untrusted(self) -> None:
        self._shifted(timedelta(days=30))

    def test_reading_webhooks_moves_nothing(self) -> None:
        _, webhooks = self._news()
        before = list(self.ledger())

        self._facts(webhooks)

        assert list(self.ledger()) == before

    def _shifted(self, shift: timedelta) -> None:
        self._need_signatures()
        if not self.dated_webhooks:
            not_applicable(f"what signs the webhooks of {self.code} bears no time")
        _, webhooks = self._news()

        for one in webhooks:
            moved = dataclasses.replace(one, received_at=one.received_at + shift)

            assert isinstance(self._read(moved), Untrusted), f"came in {shift} after it was signed"

    def _need_signatures(self) -> None:
        if not self.signed_webhooks:
            not_applicable(f"nobody signs the webhooks of {self.code}")

    def _news(self) -> tuple[Asking, Sequence[Webhook]]:
        self.need(ReadsWebhooks)
        asking = self.asking()
        facts = self.pay(asking)
        if self.has(Refunds):
            refund = asking.refund(self.capture_id(facts), asking.amount)
            self.tested.refund(refund, self.call())
        webhooks = self.webhooks(asking.payment_id)
        assert webhooks, "the provider has sent nothing"
        return asking, webhooks

    def _read(self, webhook: Webhook) -> Any:
        return self.tested.read_webhook(webhook, self.call())

    def _facts(self, webhooks: Sequence[Webhook]) -> list[Fact]:
        answers = [self._read(one) for one in webhooks]
        return [fact for notices in answers for notice in notices for fact in notice.facts]


def _forgeries(genuine: Webhook, others: Sequence[Webhook]) -> list[Webhook]:
    """Return what somebody might make of a webhook who hasn't the key."""
    body, step = genuine.body, max(1, len(genuine.body) // _FLIPS)
    bodies = [
        body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :] for at in range(0, len(body), step)
    ]
    bodies += [body + b" ", b"", b"{}", *(one.body for one in others if one.body != body)]
    forged = [dataclasses.replace(genuine, body=one) for one in bodies]
    for name, text in genuine.headers.items():
        if "sig" in name:
            mangled = text[:-1] + ("0" if text[-1] != "0" else "1")
            for wrong in (mangled, "", text[: len(text) // 2]):
                forged.append(
                    dataclasses.replace(genuine, headers={**genuine.headers, name: wrong})
                )
    return forged
