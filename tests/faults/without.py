"""Protections switched off inside one child, for the controls: the shop as it must not be."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from core.application import (
    apply_facts,
    cancel_order,
    claim_deliveries,
    claim_operation,
    commit_operation,
    deliver_events,
    expire_orders,
    follow_up,
    look_up_payment,
    move_order,
    receive_webhook,
    start_payment,
    sweep_payments,
    switch_plugin,
)
from core.hooks.pool import Pools
from core.models import Operation, Order
from core.models.order import advance
from core.models.sheet import Condition, Move, Sheet
from tests.faults import acts


def the_journal() -> None:
    """The command's row is committed only when the gateway has answered, and no guard minds."""

    def late(*given: Any, **named: Any) -> Any:
        connection.set_autocommit(False)
        answer = start_payment.start_payment(*given, **named)
        connection.commit()
        connection.set_autocommit(True)
        return answer

    acts.start_payment = late
    Pools.refuse_in_transaction = lambda *_: None  # type: ignore[method-assign]


def the_order_of_acknowledging() -> None:
    """A delivery is acknowledged before it is sent."""

    def claim(*, messages: bool, limit: int) -> list[Any]:
        claimed = claim_deliveries.claim_deliveries(messages=messages, limit=limit)
        if messages:
            claim_deliveries.acknowledge(claimed)
        return claimed

    deliver_events.claim_deliveries = claim


def the_message_id() -> None:
    """Each attempt at a message has an id of its own."""
    render = deliver_events.render_message

    def renamed(asked: Any) -> Any:
        return render(dataclasses.replace(asked, message_id=str(uuid.uuid4())))

    deliver_events.render_message = renamed


def the_lease() -> None:
    """Nobody looks after a command whose worker is gone."""

    def nobody(*_: Any) -> int:
        return 0

    look_up_payment.mark_overdue = nobody
    sweep_payments.mark_overdue = nobody


def the_second_look() -> None:
    """A command is crossed off what is due before it is looked up."""
    look = sweep_payments.look_up_payment

    def crossed_off(payment_id: uuid.UUID, **named: Any) -> Any:
        Operation.objects.filter(payment_id=payment_id).update(due_at=None)
        return look(payment_id, **named)

    sweep_payments.look_up_payment = crossed_off


def the_second_try_at_expiring() -> None:
    """An order is crossed off what is due before it has expired."""

    def crossed_off(order_id: uuid.UUID, *, now: datetime) -> bool:
        Order.objects.filter(pk=order_id).update(expires_at=now + timedelta(days=1))
        return False

    expire_orders._put_off = crossed_off


def the_fence_of_switches() -> None:
    """A worker believes its own registry, whatever the switch says."""
    rule = start_payment.SWITCHED_ON.rule
    start_payment.SWITCHED_ON = Condition(sql="true", rule=rule)
    claim_operation._begins = lambda _: False


def the_one_transaction_of_a_switch() -> None:
    """A switch is committed before its generation."""
    moved = switch_plugin._moved

    def half(*given: Any) -> bool:
        done = moved(*given)
        with connection.cursor() as cursor:
            cursor.execute("COMMIT")
        return done

    switch_plugin._moved = half


def the_fence() -> None:
    """An order and a command are moved by whoever comes, whatever has happened meanwhile."""

    def unguarded(events: int) -> Move:
        return dataclasses.replace(advance(events), when="1 = 1")

    for module in (apply_facts, cancel_order, follow_up, move_order, start_payment):
        if hasattr(module, "advance"):
            module.advance = unguarded
    for name in ("OPERATION_MOVES", "OPERATION_MOVES_DUE"):
        move = dataclasses.replace(getattr(apply_facts, name), when="1 = 1")
        setattr(apply_facts, name, move)


def the_question() -> None:
    """Nobody asks whether another charge pends."""
    nothing: Callable[..., None] = lambda *_, **__: None  # noqa: E731
    for module in (start_payment, cancel_order, expire_orders):
        module.settle_pending = nothing


def the_turn() -> None:
    """A payment's next command waits for no other."""
    commit_operation.LIVE = frozenset()


def the_intent() -> None:
    """An order is cancelled first, and what goes back is thought of afterwards."""
    cancel_order.held_back = lambda *_: []


def the_cap() -> None:
    """Of what nobody has verified, as much is kept as comes."""
    receive_webhook.UNVERIFIED_LIMIT = 10**9  # type: ignore[misc]


def haste() -> None:
    """Nobody hurries between reading and writing: no protection less, but a race that is met."""
    write = Sheet.write

    def slowly(sheet: Sheet) -> None:
        time.sleep(0.03)
        write(sheet)

    Sheet.write = slowly  # type: ignore[method-assign]
