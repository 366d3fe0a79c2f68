"""Ask a gateway how a payment stands, and let the answer decide what is in doubt."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from core.application.apply_facts import ApplyFacts, OperationMoved, apply_facts
from core.application.claim_operation import NOT_THERE, claim_operation
from core.application.commanding import inquiry_of
from core.application.comparing import NO_MATCH, compared, is_doubtful
from core.application.facts import folded, stated_of
from core.application.payment_step import PaymentStep, payment_step, waiting_data, waits_until
from core.application.send_operation import send_operation
from core.conf import conf
from core.domain.lifecycle import LIVE, OperationStatus
from core.domain.settling import decided_by
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.infrastructure.crashpoints import crashpoint
from core.models import Operation, Payment
from hookspecs import (
    Call,
    Declined,
    Feature,
    Finding,
    InProgress,
    NeedsCustomer,
    NotFound,
    PaymentInfo,
    Resend,
    Unknown,
    Verb,
)


def look_up_payment(payment_id: UUID, *, plugins: Registry, now: datetime) -> PaymentStep:
    """Inquire after a payment's command under way, or after the payment as a whole.

    Raises:
        NotFound: there is no such payment.
        PluginUnavailable: the plugin's code isn't loaded.
    """
    payment_step(payment_id)  # refuses where there is none
    inquire_payment(payment_id, plugins=plugins, now=now)
    return payment_step(payment_id)


def inquire_payment(payment_id: UUID, *, plugins: Registry, now: datetime) -> str:
    """Ask the gateway and apply its answer; return why nothing is known, or "".

    Raises:
        PluginUnavailable: the plugin's code isn't loaded.
    """
    payment = Payment.objects.get(pk=payment_id)
    operations = Operation.objects.filter(payment_id=payment_id).order_by("-created_at", "-id")
    mark_overdue(payment_id)
    operation = operations.filter(status__in=LIVE).first() or operations.first()
    if operation is None:
        return ""
    if operation.status == OperationStatus.SENT:
        return "a command is with the gateway right now"
    strategy = plugins.strategy(
        plugin=payment.plugin, code=payment.strategy_code, account=payment.account
    )
    call = Call(deadline=time.monotonic() + conf().deadline("INQUIRE"))
    answer = strategy.inquire(inquiry_of(operation, payment, now=now), call)
    finding = compared(answer, payment, now=now)
    if isinstance(finding, NeedsCustomer):
        finding = waits_until(finding, strategy.info, since=operation.created_at)
    crashpoint("lookup.answered")
    live = operation.status in LIVE
    moved = _decide(operation, payment, finding, strategy=strategy, now=now) if live else None
    apply_facts(
        ApplyFacts(
            payment_id=payment.id,
            facts=getattr(finding, "facts", ()),
            source="LOOK_UP",
            reference=getattr(finding, "reference", None),
            moved=moved,
        ),
        now=now,
    )
    if moved is not None and moved.status == OperationStatus.PLANNED:
        again = Operation.objects.get(pk=operation.pk)
        claimed = claim_operation(again, plugins=plugins, now=now)
        if claimed is not None:
            send_operation(claimed, plugins=plugins, now=now)
    return finding.cause if isinstance(finding, Unknown) else ""


def mark_overdue(payment_id: UUID | None = None) -> int:
    """Turn commands whose worker is gone (SENT beyond the lease) into UNKNOWN ones."""
    lost = Operation.objects.filter(status=OperationStatus.SENT, lease_until__lt=Now())
    if payment_id is not None:
        lost = lost.filter(payment_id=payment_id)
    return lost.update(
        status=OperationStatus.UNKNOWN, fence=F("fence") + 1, lease_until=None, due_at=Now()
    )


def _decide(
    operation: Operation,
    payment: Payment,
    finding: Finding,
    *,
    strategy: OfferedStrategy,
    now: datetime,
) -> OperationMoved:
    """Say what a finding makes of a command under way."""
    info = strategy.info
    if isinstance(finding, Unknown):
        return _again(operation, OperationStatus.UNKNOWN, now=now, cause=finding.cause)
    if isinstance(finding, NotFound) and _too_early(operation, info.visible_after):
        early = "not found, but too early to tell"
        return _again(operation, OperationStatus.UNKNOWN, now=now, cause=early)
    known = stated_of(payment)
    brought = list(getattr(finding, "facts", ()))
    decided = (
        None
        if isinstance(finding, Resend)
        else decided_by(
            finding,
            verb=Verb(operation.verb),
            operation_id=operation.id.hex,
            before=int(operation.params.get("before_minor", 0)),
            after=folded(payment, known + brought),
        )
    )
    if decided is OperationStatus.DONE and is_doubtful(finding, payment):
        return _again(operation, OperationStatus.UNKNOWN, now=now, cause=NO_MATCH)
    if decided is None:
        return _not_done(operation, info, proved=isinstance(finding, NotFound), now=now)
    return _decided(operation, decided, finding, now=now)


def _decided(
    operation: Operation, status: OperationStatus, finding: Finding, *, now: datetime
) -> OperationMoved:
    """Say how a command goes on, or how it ended."""
    match finding:
        case NeedsCustomer() if status == OperationStatus.NEEDS_CUSTOMER:
            again = _again(operation, status, now=now, action=waiting_data(finding))
            return _by_its_end(again, finding.expires_at, now=now)
        case InProgress() if status == OperationStatus.IN_PROGRESS:
            due = finding.check_after.total_seconds()
            return _moved(operation, status, due_in=due, looks=operation.looks + 1)
        case Declined() if status == OperationStatus.DECLINED:
            told = {"code": finding.code.value, "text": finding.text, "retry": finding.retry.value}
            return _moved(operation, status, outcome=told)
        case _:
            return _moved(operation, status)


def _by_its_end(
    moved: OperationMoved, ends_at: datetime | None, *, now: datetime
) -> OperationMoved:
    """Look again when a customer's time to act is over, whatever the table of look-ups says."""
    left = 0.0 if ends_at is None else (ends_at - now).total_seconds()
    if left <= 0:
        return moved
    return replace(moved, due_in=left if moved.due_in is None else min(moved.due_in, left))


def _not_done(
    operation: Operation, info: PaymentInfo, *, proved: bool, now: datetime
) -> OperationMoved:
    """It did not happen: the same key again while it is honoured, else it is over or a person's.

    "Send it again", said of a key that has just ended, proves nothing: the next look may.
    """
    if _is_honoured(operation, info.keys_kept, now=now):
        told = {NOT_THERE: True} if proved else None
        return _moved(operation, OperationStatus.PLANNED, due_in=0.0, outcome=told)
    harmless = proved or Feature.HARMLESS_START in info.features
    if harmless and operation.verb == Verb.START:
        return _moved(
            operation, OperationStatus.ABANDONED, outcome={"cause": "its key has expired"}
        )
    waits = "a person has to decide: its key has expired"
    if not proved:
        return _again(operation, OperationStatus.UNKNOWN, now=now, cause=waits)
    return _moved(operation, OperationStatus.UNKNOWN, outcome={"cause": waits})


def _again(
    operation: Operation,
    status: OperationStatus,
    *,
    now: datetime,
    cause: str = "",
    **what: object,
) -> OperationMoved:
    """Look again later; after the table's last entry a person is asked."""
    looks = operation.looks + 1
    age = (now - operation.created_at).total_seconds()
    outcome = {"cause": cause} if cause else None
    due_in = next_look(conf().look_ups, age=age, looks=looks)
    return _moved(operation, status, looks=looks, due_in=due_in, outcome=outcome, **what)


def next_look(table: Sequence[float], *, age: float, looks: int) -> float | None:
    """Return in how many seconds to look again, or None: it is a person's turn.

    The table counts from a command's birth, so that whoever reads in between, and has it looked up
    early, doesn't use it up; what was sent late is looked up as often all the same.
    """
    later = [seconds for seconds in table if seconds > age]
    if later:
        return min(later) - max(age, 0.0)
    return table[looks] if looks < len(table) else None


def _is_honoured(operation: Operation, keys_kept: timedelta, *, now: datetime) -> bool:
    """Say whether the provider still knows a key: it counts from when it saw the key first."""
    safe = operation.retry_safe_until is not None and now < operation.retry_safe_until
    return safe and not _sent_before(operation, keys_kept)


def _sent_before(operation: Operation, ago: timedelta) -> bool:
    return Operation.objects.filter(pk=operation.pk, sent_at__lte=Now() - ago).exists()


def _too_early(operation: Operation, visible_after: timedelta) -> bool:
    """Say so by the clock that set ``sent_at``: the database's."""
    return Operation.objects.filter(pk=operation.pk, sent_at__gt=Now() - visible_after).exists()


def _moved(operation: Operation, status: OperationStatus, **what: object) -> OperationMoved:
    return OperationMoved(
        operation_id=operation.id,
        fence=operation.fence,
        status=status.value,
        **what,  # type: ignore[arg-type]
    )
