"""Send a command to its gateway, outside of any transaction, and record what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from django.db.models.functions import Now

from core.application.apply_facts import ApplyFacts, OperationMoved, apply_facts
from core.application.claim_operation import NOT_THERE, claim_operation, is_not_there, never_sent
from core.application.commanding import request_of
from core.application.comparing import NO_MATCH, compared, is_doubtful
from core.application.payment_step import PaymentStep, payment_step, waiting_data, waits_until
from core.conf import conf
from core.domain.errors import NotSupported
from core.domain.lifecycle import OperationStatus
from core.domain.payments import ObjectKind, object_kind
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.infrastructure.crashpoints import crashpoint
from core.models import Operation, Payment
from hookspecs import (
    Call,
    Declined,
    Done,
    Fact,
    FactKind,
    Feature,
    InProgress,
    NeedsCustomer,
    NotSent,
    Outcome,
    Unknown,
    Verb,
)


def send_operation(operation: Operation, *, plugins: Registry, now: datetime) -> PaymentStep:
    """Call the gateway for a command that this process holds, and record the outcome.

    Raises:
        PluginUnavailable: the plugin's code isn't loaded; the command stays as it is.
        NotSupported: the strategy has no such command; it is abandoned.
    """
    payment = Payment.objects.get(pk=operation.payment_id)
    strategy = plugins.strategy(
        plugin=payment.plugin, code=payment.strategy_code, account=payment.account
    )
    method = _method(strategy, Verb(operation.verb))
    if method is None:
        _record(payment, _unsupported(operation), now=now)
        raise NotSupported(f"{payment.label} can't {operation.verb.lower()}.", verb=operation.verb)
    call = Call(
        deadline=time.monotonic() + conf().deadline(operation.verb), attempt=operation.attempt
    )
    crashpoint("operation.committed")
    answer: Outcome = method(request_of(operation, payment), call)
    crashpoint("answer.received")
    outcome = compared(answer, payment, now=now)
    if isinstance(outcome, NeedsCustomer):
        outcome = waits_until(outcome, strategy.info, since=now)
    doubted = Unknown(cause=NO_MATCH) if is_doubtful(outcome, payment) else outcome
    moved = recorded(operation, doubted, now=now)
    if Feature.MANUAL in strategy.info.features and moved.status == OperationStatus.NEEDS_CUSTOMER:
        moved = replace(moved, due_in=None)  # nobody to ask: a person or an import will say
    _record(payment, moved, now=now, outcome=outcome)
    crashpoint("answer.recorded")
    return payment_step(payment.id)


def recorded(operation: Operation, outcome: Outcome, *, now: datetime) -> OperationMoved:
    """Say what a gateway's answer makes of a command."""
    first = conf().look_ups[0]
    match outcome:
        case Done(facts=facts):
            if facts and all(one.kind is FactKind.APPROVED for one in facts):
                done = _moved(operation, OperationStatus.NEEDS_CUSTOMER, due_in=0.0)
            elif not _tells_of(Verb(operation.verb), facts):
                done = _moved(operation, OperationStatus.IN_PROGRESS, due_in=first)
            else:
                done = _moved(operation, OperationStatus.DONE)
            return done
        case NeedsCustomer(expires_at=expires_at):
            wait = conf().waiting_look
            if expires_at is not None:
                wait = min(wait, max(first, (expires_at - now).total_seconds()))
            told = waiting_data(outcome)
            return _moved(operation, OperationStatus.NEEDS_CUSTOMER, action=told, due_in=wait)
        case InProgress(check_after=after):
            return _moved(operation, OperationStatus.IN_PROGRESS, due_in=after.total_seconds())
        case Declined(code=code, text=text, retry=retry):
            told = {"code": code.value, "text": text, "retry": retry.value}
            return _moved(operation, OperationStatus.DECLINED, outcome=told)
        case NotSent(cause=cause, retry_after=after):
            wait = after.total_seconds() if after is not None else first
            told = {
                "cause": cause,
                "never_sent": operation.attempt <= 1 or never_sent(operation),
                NOT_THERE: is_not_there(operation),
            }
            return _moved(operation, OperationStatus.PLANNED, outcome=told, due_in=wait)
        case Unknown(cause=cause):
            return _moved(
                operation, OperationStatus.UNKNOWN, outcome={"cause": cause}, due_in=first
            )
        case _:
            assert_never(outcome)


def _tells_of(verb: Verb, facts: Sequence[Fact]) -> bool:
    """Say whether an answer shows what was moved: sums are checked against facts alone."""
    object_of = {Verb.CAPTURE: ObjectKind.CAPTURE, Verb.REFUND: ObjectKind.REFUND}
    return verb not in object_of or any(object_kind(fact.kind) is object_of[verb] for fact in facts)


def send_planned(order_id: UUID, *verbs: Verb, plugins: Registry, now: datetime) -> None:
    """Send what is planned for an order now; whatever stops us, the sweeper sends it later."""
    planned = Operation.objects.filter(
        order_id=order_id, verb__in=verbs, status=OperationStatus.PLANNED, due_at__lte=Now()
    )
    while (operation := planned.order_by("created_at", "id").first()) is not None:
        claimed = claim_operation(operation, plugins=plugins, now=now)
        if claimed is None:
            return
        send_operation(claimed, plugins=plugins, now=now)


def _method(strategy: OfferedStrategy, verb: Verb) -> Callable[[Any, Call], Outcome] | None:
    if verb.value.lower() not in strategy.can:
        return None
    methods: dict[Verb, Callable[[Any, Call], Outcome]] = {
        Verb.START: strategy.start,
        Verb.RESUME: strategy.resume,
        Verb.CAPTURE: strategy.capture,
        Verb.VOID: strategy.void,
        Verb.REFUND: strategy.refund,
    }
    return methods[verb]


def _unsupported(operation: Operation) -> OperationMoved:
    told = {"cause": f"no method for {operation.verb}"}
    return _moved(operation, OperationStatus.ABANDONED, outcome=told)


def _moved(operation: Operation, status: OperationStatus, **what: Any) -> OperationMoved:
    return OperationMoved(
        operation_id=operation.id, fence=operation.fence, status=status.value, **what
    )


def _record(
    payment: Payment,
    moved: OperationMoved,
    *,
    now: datetime,
    outcome: Outcome | None = None,
) -> None:
    apply_facts(
        ApplyFacts(
            payment_id=payment.id,
            facts=getattr(outcome, "facts", ()),
            source="REPLY",
            reference=getattr(outcome, "reference", None),
            moved=moved,
        ),
        now=now,
    )
