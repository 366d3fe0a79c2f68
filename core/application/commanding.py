"""Rows of commands, and the requests that plugins get made of them: the same at every attempt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.application.queries import order_snapshot
from core.conf import conf
from core.domain.lifecycle import OperationStatus
from core.infrastructure.sealing import seal, unseal
from core.models import Operation, Payment
from core.models.ids import new_id
from hookspecs import (
    CaptureRequest,
    InquireRequest,
    Money,
    PaymentRequest,
    RefundRequest,
    ResumeRequest,
    StartRequest,
    Verb,
    VoidRequest,
)

_TAKES_MONEY = frozenset({Verb.START, Verb.RESUME, Verb.CAPTURE})


def operation_row(
    *,
    verb: Verb,
    payment_id: UUID,
    order_id: UUID,
    tenant_id: int,
    amount_minor: int,
    params: Mapping[str, Any],
    now: datetime,
    keys_kept: timedelta = timedelta(hours=24),
    sent: bool,
    idem: tuple[str, str, str] | None = None,
) -> dict[str, Any]:
    """Return the row of a command, born SENT when this process goes on to call, else PLANNED.

    ``idem`` is principal, key and digest of whoever asked for it.
    """
    principal, key, digest = idem or (None, None, None)
    return {
        "id": new_id(),
        "tenant_id": tenant_id,
        "payment_id": payment_id,
        "order_id": order_id,
        "verb": verb.value,
        "status": OperationStatus.SENT if sent else OperationStatus.PLANNED,
        "takes_money": verb in _TAKES_MONEY,
        "amount_minor": amount_minor,
        "params": dict(params),
        "attempt": 1 if sent else 0,
        "fence": 1 if sent else 0,
        "looks": 0,
        "retry_safe_until": now + keys_kept,
        "action": None,
        "outcome": None,
        "idem_principal": principal,
        "idem_key": key,
        "idem_digest": digest,
        "created_at": now,
    }


def operation_clock(*, sent: Verb | None = None) -> dict[str, float]:
    """Return the columns of a new command that the database's clock sets, in seconds from now.

    ``sent`` is its verb if it is born SENT: a verb's deadline says how long the lease is.
    """
    if sent is None:
        return {"due_at": 0.0}
    lease = conf().deadline(sent) + conf().lease
    return {"sent_at": 0.0, "lease_until": lease, "due_at": lease}


def sealed_inputs(inputs: Mapping[str, str], secret: frozenset[str]) -> dict[str, Any]:
    """Return a customer's inputs as they are stored: secret ones encrypted."""
    return {
        "inputs": {name: text for name, text in inputs.items() if name not in secret},
        "sealed": {name: seal(text) for name, text in inputs.items() if name in secret},
    }


def request_of(operation: Operation, payment: Payment) -> PaymentRequest:
    """Return the request of a command, made of its frozen parameters alone."""
    params = operation.params
    shared = _shared(operation, payment)
    match Verb(operation.verb):
        case Verb.START:
            sealed = {name: unseal(text) for name, text in params["sealed"].items()}
            return StartRequest(
                **shared,
                return_url=params["return_url"],
                cancel_url=params["cancel_url"],
                webhook_url=params["webhook_url"],
                capture_now=params["capture_now"],
                inputs={**params["inputs"], **sealed},
            )
        case Verb.RESUME:
            return ResumeRequest(
                **shared, capture_now=params["capture_now"], returned=params["returned"]
            )
        case Verb.CAPTURE:
            return CaptureRequest(
                **shared, authorization_id=params["authorization_id"], final=params["final"]
            )
        case Verb.VOID:
            return VoidRequest(**shared, authorization_id=params.get("authorization_id"))
        case Verb.REFUND:
            return RefundRequest(
                **shared, capture_id=params["capture_id"], reason=params.get("reason", "")
            )


def inquiry_of(operation: Operation, payment: Payment, *, now: datetime) -> InquireRequest:
    """Return the question what has become of a command."""
    return InquireRequest(
        **{**_shared(operation, payment), "reference": payment.reference},
        verb=Verb(operation.verb),
        sent_at=operation.sent_at or now,
    )


def _shared(operation: Operation, payment: Payment) -> dict[str, Any]:
    return {
        "operation_id": operation.id.hex,
        "payment_id": payment.id.hex,
        "amount": Money(operation.amount_minor, payment.currency),
        "order": order_snapshot(operation.order_id),
        "reference": operation.params.get("reference"),
    }
