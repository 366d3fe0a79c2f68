"""Read an order for whoever waits for it: what is undecided is looked up soon, by the sweeper."""

from __future__ import annotations

from uuid import UUID

from django.db.models.functions import Now

from core.application.queries import order_page
from core.domain.lifecycle import OperationStatus
from core.hooks.registry import Registry
from core.models import Operation
from hookspecs import OrderPage


def read_order(order_id: UUID, *, plugins: Registry) -> OrderPage:
    """Return an order as its customer sees it, and make what it waits for due now.

    Readers are answered at once: no gateway is called. What is a person's by now stays so.

    Raises:
        NotFound: there is no such order.
    """
    page = order_page(order_id, plugins=plugins)
    if page.undecided:
        Operation.objects.filter(
            order_id=order_id,
            status__in=(OperationStatus.UNKNOWN, OperationStatus.IN_PROGRESS),
            due_at__gt=Now(),
        ).update(due_at=Now())
    return page
