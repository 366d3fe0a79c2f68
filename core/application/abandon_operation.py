"""Give a command up that provably had no effect."""

from __future__ import annotations

from datetime import datetime

from core.application.apply_facts import ApplyFacts, OperationMoved, apply_facts
from core.domain.lifecycle import OperationStatus
from core.models import Operation

__all__ = ["abandon_operation"]


def abandon_operation(operation: Operation, *, cause: str, now: datetime) -> None:
    """End a command, and let its order be paid another way; ``cause`` says why, in words."""
    moved = OperationMoved(
        operation_id=operation.id,
        fence=operation.fence,
        status=OperationStatus.ABANDONED.value,
        outcome={"cause": cause},
    )
    apply_facts(
        ApplyFacts(payment_id=operation.payment_id, facts=(), source="PERSON", moved=moved),
        now=now,
    )
