"""Two orders with one card: never more than it holds, on a real PostgreSQL, with a control."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from hookspecs import Call, Money, StartRequest, Unknown
from payment_gift_card.codes import digest_of
from payment_gift_card.ledger import RefusedError, give_back
from payment_gift_card.models import GiftCard, Refund, Taking
from payment_gift_card.strategy import GiftCardStrategy
from payment_gift_card.wording import facts_of

pytestmark = pytest.mark.postgres

BUYERS, ROUNDS = 8, 5


def at_once(moves: list[Callable[[], object]]) -> list[object]:
    """Make every move in a thread, and on a connection, of its own."""
    gate = threading.Barrier(len(moves))

    def run(move: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            gate.wait(20)
            return move()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(moves)) as pool:
        return list(pool.map(run, moves))


def spent() -> int:
    return Taking.objects.aggregate(total=Sum("captured_minor"))["total"] or 0


@pytest.mark.parametrize("_", range(ROUNDS))
def test_orders_with_one_card_never_take_more_than_it_holds(
    strategy: GiftCardStrategy,
    starting: Callable[..., StartRequest],
    call: Call,
    card: str,
    _: int,
) -> None:
    requests = [starting(card, minor=1999) for _ in range(BUYERS)]

    at_once([lambda one=one: strategy.start(one, call) for one in requests])  # type: ignore[misc]

    assert spent() == 5000
    assert GiftCard.objects.get().balance_minor == 0
    assert Taking.objects.count() == 3


def test_without_the_lock_they_take_more(card: str) -> None:
    gate = threading.Barrier(2)

    def naive() -> None:
        with transaction.atomic():
            row = GiftCard.objects.get(digest=digest_of(card))
            gate.wait(20)
            row.balance_minor -= (taken := min(row.balance_minor, 4000))
            row.save(update_fields=["balance_minor"])
            Taking.objects.create(
                card=row,
                tenant="default",
                payment_id=uuid.uuid4().hex,
                operation_id=uuid.uuid4().hex,
                status=Taking.Status.CAPTURED,
                taken_minor=taken,
                captured_minor=taken,
                taken_at=timezone.now(),
            )

    at_once([naive, naive])

    assert spent() == 8000


def test_one_operation_at_once_takes_once(
    strategy: GiftCardStrategy, starting: Callable[..., StartRequest], call: Call, card: str
) -> None:
    request = starting(card)

    answers = at_once([lambda: strategy.start(request, call) for _ in range(BUYERS)])

    assert len({repr(one) for one in answers}) == 1
    assert spent() == 1999


def test_refunds_at_once_never_give_back_more_than_was_taken(
    strategy: GiftCardStrategy, starting: Callable[..., StartRequest], call: Call, card: str
) -> None:
    strategy.start(starting(card, minor=1000), call)
    taking = Taking.objects.get()

    def give() -> object:
        key = uuid.uuid4().hex
        try:
            return give_back(
                str(taking.id),
                Money(300, "EUR"),
                tenant="default",
                operation_id=key,
                now=timezone.now(),
            )
        except RefusedError as refused:
            return refused

    at_once([give] * BUYERS)

    assert Refund.objects.count() == 3
    assert GiftCard.objects.get().balance_minor == 4900
    assert len(facts_of(Taking.objects.get())) == 4


def test_a_card_that_somebody_holds_too_long_is_unknown(
    strategy: GiftCardStrategy, starting: Callable[..., StartRequest], call: Call, card: str
) -> None:
    held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            GiftCard.objects.select_for_update().get()
            held.set()
            enough.wait(20)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(lambda: (hold(), connection.close()))
        held.wait(20)
        answer = strategy.start(starting(card), call)
        enough.set()
        holding.result(20)

    assert isinstance(answer, Unknown)
    assert spent() == 0
