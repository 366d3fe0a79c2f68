"""What a plugin still has to serve: payments that are open, messages and tells not delivered yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from core.domain.lifecycle import LIVE, DeliveryStatus
from core.models import Delivery, Payment

__all__ = ["OpenWork", "busy_plugins", "open_work"]

_OPEN: Final = ("APPROVED", "PROCESSING", "AUTHORIZED", "PARTIALLY_CAPTURED")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWork:
    """How many payments are open, by what they are about, and how many deliveries wait."""

    payments: int
    deliveries: int


def open_work(plugin: str, *, tenant: str | None = None) -> OpenWork:
    """Count what is open, for one tenant or for all of them."""
    waiting = Delivery.objects.across_tenants().filter(plugin=plugin, status=DeliveryStatus.PENDING)
    live, held = _open()
    payments = live.filter(plugin=plugin), held.filter(plugin=plugin)
    if tenant is not None:
        waiting = waiting.filter(tenant__slug=tenant)
        payments = payments[0].filter(tenant__slug=tenant), payments[1].filter(tenant__slug=tenant)
    ids = {*payments[0].values_list("pk", flat=True), *payments[1].values_list("pk", flat=True)}
    return OpenWork(payments=len(ids), deliveries=waiting.count())


def busy_plugins() -> frozenset[str]:
    """Name the plugins that have a payment open, in any tenant."""
    live, held = _open()
    return frozenset(
        {
            *live.values_list("plugin", flat=True).distinct(),
            *held.values_list("plugin", flat=True).distinct(),
        }
    )


def _open() -> tuple[QuerySet[Payment], QuerySet[Payment]]:
    """A command under way, or money that is held: two reads, each along an index of its own."""
    every = Payment.objects.across_tenants()
    return (
        every.filter(operations__status__in=sorted(LIVE)),
        every.filter(status__in=_OPEN),
    )
