"""The relay's loop: it goes on whatever a round comes to, and ends when it is told."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import OperationalError

from core.jobs.relay import Relay

pytestmark = pytest.mark.once


class Rounds(Relay):
    """A relay whose rounds come to what the test says."""

    def __init__(self, *outcomes: str | Exception) -> None:
        super().__init__(poll=0.01)
        self.outcomes = list(outcomes)
        self.rounds = 0
        self.over = threading.Event()

    def work(self) -> bool:
        self.rounds += 1
        if not self.outcomes:
            self.over.set()
            return False
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return bool(outcome)


def test_it_goes_on_after_a_database_that_was_away_and_after_a_round_that_failed() -> None:
    relay = Rounds(OperationalError("away"), RuntimeError("a bug"), "busy")

    relay.start()
    came_through = relay.over.wait(10)

    assert came_through
    assert relay.stop()
    assert relay.rounds >= 4


def test_it_ends_within_its_round() -> None:
    relay = Rounds()
    relay.start()
    began = time.monotonic()

    ended = relay.stop(timeout=5)

    assert ended
    assert time.monotonic() - began < 3


def test_one_that_was_never_started_has_ended() -> None:
    assert Rounds().stop()
