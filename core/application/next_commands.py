"""Rows of the commands that take what is authorised and give back what was taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from core.application.commanding import operation_row
from core.domain.lifecycle import OperationStatus
from core.domain.payments import Folded
from core.domain.remaining import Part, spread, to_capture
from core.domain.settling import is_live, kept_minor, moved_minor
from core.models import Operation, Order, Payment
from hookspecs import FactKind, Verb

KEYS_KEPT: Final = timedelta(hours=24)
WHEN_SECURED: Final = "when_secured"
"""Among the parameters of a START: only authorise, and capture once the rest is secured."""
_GIVES_BACK: Final = (Verb.REFUND, Verb.VOID)
_FAILED: Final = (OperationStatus.DECLINED, OperationStatus.ABANDONED)


def capture_row(
    payment: Payment,
    after: Folded,
    part: Part,
    *,
    final: bool,
    now: datetime,
    **more: Any,
) -> dict[str, Any]:
    """Return the command that takes a part of an authorisation; ``more`` as ``operation_row``."""
    params = {
        "reference": payment.reference,
        "authorization_id": part.object_id,
        "final": final,
        "before_minor": moved_minor(Verb.CAPTURE, after),
    }
    return _row(Verb.CAPTURE, payment, params, amount_minor=part.minor, now=now, **more)


def void_row(
    payment: Payment, authorization_id: str | None, *, minor: int, now: datetime, **more: Any
) -> dict[str, Any]:
    """Return the command that lets an authorisation go untaken."""
    params = {"reference": payment.reference, "authorization_id": authorization_id}
    return _row(Verb.VOID, payment, params, amount_minor=minor, now=now, **more)


def refund_row(
    payment: Payment, after: Folded, part: Part, *, reason: str, now: datetime, **more: Any
) -> dict[str, Any]:
    """Return the command that gives a part of a capture back."""
    params = {
        "reference": payment.reference,
        "capture_id": part.object_id,
        "reason": reason,
        "before_minor": moved_minor(Verb.REFUND, after),
    }
    return _row(Verb.REFUND, payment, params, amount_minor=part.minor, now=now, **more)


def back_row(
    payment: Payment,
    after: Folded,
    *,
    reason: str,
    now: datetime,
    keys_kept: timedelta = KEYS_KEPT,
) -> dict[str, Any] | None:
    """Return the next command towards giving a payment back whole; None: nothing is held.

    One at a time, since a payment has one live command: what more there is follows the facts.
    """
    more: dict[str, Any] = {"now": now, "keys_kept": keys_kept, "sent": False}
    if after.refundable > 0 and (parts := spread(after, minor=after.refundable)):
        return refund_row(payment, after, parts[0], reason=reason, **more)
    if held := to_capture(after):
        return void_row(payment, held[0].object_id, minor=held[0].minor, **more)
    return None


def may_give_back(operations: Sequence[Operation], after: Folded) -> bool:
    """Say whether giving back goes by itself: what failed once is a person's, never tried on."""
    sent_back = any(one.kind is FactKind.REFUND_FAILED for one in after.objects)
    failed = any(op.verb in _GIVES_BACK and op.status in _FAILED for op in operations)
    return not (sent_back or failed)


def secured_row(
    order: Order,
    payments: Sequence[Payment],
    operations: Sequence[Operation],
    folds: Mapping[UUID, Folded],
    *,
    now: datetime,
) -> dict[str, Any] | None:
    """Return the next capture of what was held until the rest of its order is secured.

    None while the rest isn't, or while a charge of the order is under way.
    """
    missing = order.total_minor - sum(kept_minor(one) for one in folds.values())
    held = sum(one.authorized for one in folds.values())
    if not 0 < missing <= held or any(op.takes_money and is_live(op.status) for op in operations):
        return None
    for payment in payments:
        own = [op for op in operations if op.payment_id == payment.id]
        tried = any(op.verb == Verb.CAPTURE and op.status in _FAILED for op in own)
        waits = any(op.params.get(WHEN_SECURED) for op in own) and not tried
        parts = to_capture(folds[payment.id]) if waits else ()
        if parts and not any(is_live(op.status) for op in own):
            return capture_row(
                payment, folds[payment.id], parts[0], final=True, now=now, sent=False
            )
    return None


def _row(verb: Verb, payment: Payment, params: dict[str, Any], **more: Any) -> dict[str, Any]:
    return operation_row(
        verb=verb,
        payment_id=payment.id,
        order_id=payment.order_id,
        tenant_id=payment.tenant_id,
        params=params,
        **more,
    )
