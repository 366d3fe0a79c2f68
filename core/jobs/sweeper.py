"""Who calls the use cases that finish what nobody finished, and when: inbox, payments, expiry."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from django.utils import timezone

from core.application.drain_inbox import drain_inbox
from core.application.expire_orders import expire_orders
from core.application.pin_registry import pin_registry
from core.application.sweep_authorizations import sweep_authorizations
from core.application.sweep_payments import sweep_payments
from core.context import TenantRef, acting_for
from core.jobs.relay import Relay
from core.models import Tenant

__all__ = ["Sweeper", "Swept", "sweep"]

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Swept:
    """What one round did: webhooks settled, commands looked at, orders expired."""

    webhooks: int = 0
    payments: int = 0
    expired: int = 0

    def __bool__(self) -> bool:
        return bool(self.webhooks or self.payments or self.expired)


def sweep() -> Swept:
    """Work off, for every tenant, what is due: once, without waiting for anything."""
    total = Swept()
    for row in Tenant.objects.order_by("id"):
        with (
            acting_for(TenantRef(id=row.id, slug=row.slug)),
            pin_registry(tenant=row.slug) as plugins,
        ):
            total.webhooks += drain_inbox(plugins=plugins, now=timezone.now())
            total.payments += sweep_payments(plugins=plugins, now=timezone.now())
            total.payments += sweep_authorizations(plugins=plugins, now=timezone.now())
            total.expired += expire_orders(plugins=plugins, now=timezone.now())
    return total


class Sweeper(Relay):
    """Sweeps again and again, beside a relay: a slow provider keeps no message waiting."""

    def work(self) -> bool:
        """Do one round."""
        return bool(sweep())
