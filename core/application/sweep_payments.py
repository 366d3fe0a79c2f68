"""Finish what nobody finished: send what is planned, look up what is in doubt or overdue."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import DatabaseError
from django.db.models.functions import Now

from core.application.claim_operation import claim_operation
from core.application.look_up_payment import look_up_payment, mark_overdue
from core.application.resume_payment import resume_if_approved
from core.application.send_operation import send_operation
from core.conf import conf
from core.domain.errors import OrderloomError, PluginUnavailable
from core.domain.lifecycle import LIVE, OperationStatus
from core.hooks.registry import Registry
from core.models import Operation

log = structlog.get_logger(__name__)


def sweep_payments(
    *, plugins: Registry, now: datetime, limit: int = 50, order_id: UUID | None = None
) -> int:
    """Work off the commands that are due, of all orders or of one; return how many.

    No promise depends on webhooks arriving: this alone finishes everything.
    """
    mark_overdue()
    due = Operation.objects.filter(status__in=LIVE - {OperationStatus.SENT}, due_at__lte=Now())
    if order_id is not None:
        due = due.filter(order_id=order_id)
    looked_at = 0
    for operation in list(due.order_by("due_at", "id")[:limit]):
        looked_at += 1
        try:
            _finish(operation, plugins=plugins, now=now)
        except OrderloomError as refused:
            log.warning("payment.sweep.refused", operation=str(operation.pk), code=refused.code)
            away = isinstance(refused, PluginUnavailable)
            _postpone(operation, conf().waiting_look if away else conf().look_ups[0])
        except DatabaseError:
            raise
        except Exception:  # one command that can't be read must not keep the others waiting
            log.exception("payment.sweep.failed", operation=str(operation.pk))
            _postpone(operation, conf().waiting_look)
    return looked_at


def _finish(operation: Operation, *, plugins: Registry, now: datetime) -> None:
    if operation.status == OperationStatus.PLANNED:
        claimed = claim_operation(operation, plugins=plugins, now=now)
        if claimed is not None:
            send_operation(claimed, plugins=plugins, now=now)
        return
    look_up_payment(operation.payment_id, plugins=plugins, now=now)
    resume_if_approved(operation.payment_id, plugins=plugins, now=now)


def _postpone(operation: Operation, seconds: float) -> None:
    """A plugin that isn't there may be back in a while; who lost a race looks again soon."""
    due_at = Now() + timedelta(seconds=seconds)
    Operation.objects.filter(pk=operation.pk, fence=operation.fence).update(due_at=due_at)
