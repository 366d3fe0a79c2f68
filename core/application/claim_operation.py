"""Take a command over, behind the fence: no charge begins with a plugin that is switched off."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import BooleanField, F, Q, Subquery, Value
from django.db.models.functions import Coalesce, Now

from core.application.abandon_operation import abandon_operation
from core.conf import conf
from core.domain.lifecycle import OperationStatus
from core.hooks.registry import Registry
from core.hooks.states import Switch
from core.models import Operation, Payment, PluginSwitch
from core.models.plugin import EVERYWHERE
from hookspecs import Verb

__all__ = ["NOT_THERE", "claim_operation", "is_not_there", "never_sent"]

NOT_THERE: Final = "not_there"
"""What a look-up notes of a command that provably didn't reach the gateway."""

_SWITCHED_OFF: Final = "its plugin was switched off before it was sent"
_TOO_LATE: Final = "its key has expired before it reached the gateway"


def claim_operation(operation: Operation, *, plugins: Registry, now: datetime) -> Operation | None:
    """Take a command over under a new fence, if nobody else holds it; leases use its clock.

    One that would begin a charge is taken only if its plugin's switch is on, which the statement
    that claims reads again: this worker may not have heard yet. Switched off, it is given up, so
    that the order can be paid another way; so is one that has outlived its key, as it may while its
    gateway can't be reached or its plugin rests. Once in doubt, what has outlived its key is never
    sent again: a look-up says what became of it. Whatever serves what has begun isn't fenced.
    """
    lease = timedelta(seconds=conf().deadline(operation.verb) + conf().lease)
    free = (
        Q(status=OperationStatus.PLANNED)
        | Q(status=OperationStatus.UNKNOWN)
        | Q(status=OperationStatus.SENT, lease_until__lt=Now())
    )
    held = Operation.objects.filter(free, pk=operation.pk, fence=operation.fence)
    begins = _begins(operation)
    plugin = Payment.objects.values_list("plugin", flat=True).get(pk=operation.payment_id)
    if begins and _is_off(plugin, plugins):
        abandon_operation(operation, cause=_SWITCHED_OFF, now=now)
        return None
    if _has_outlived_its_key(operation, now):
        if begins:
            abandon_operation(operation, cause=_TOO_LATE, now=now)
            return None
        if _is_in_doubt(operation):
            _leave_to_a_look_up(operation)
            return None
    fenced = held.filter(_is_on(plugin, operation.tenant_id)) if begins else held
    claimed = fenced.update(
        status=OperationStatus.SENT,
        fence=F("fence") + 1,
        attempt=F("attempt") + 1,
        lease_until=Now() + lease,
        due_at=Now() + lease,
        sent_at=Coalesce(F("sent_at"), Now()),
    )
    if claimed:
        return Operation.objects.get(pk=operation.pk)
    if begins and held.exclude(_is_on(plugin, operation.tenant_id)).exists():
        abandon_operation(operation, cause=_SWITCHED_OFF, now=now)
    return None


def never_sent(operation: Operation) -> bool:
    """Say whether every attempt so far provably came to nothing: once in doubt, it never does."""
    return bool((operation.outcome or {}).get("never_sent"))


def is_not_there(operation: Operation) -> bool:
    """Say whether a look-up has shown that it isn't at the gateway, and nothing was sent since."""
    return bool((operation.outcome or {}).get(NOT_THERE))


def _begins(operation: Operation) -> bool:
    """Say whether sending this begins a charge: nothing of it is at the gateway, provably."""
    if operation.verb != Verb.START or operation.status != OperationStatus.PLANNED:
        return False
    return operation.attempt == 0 or never_sent(operation) or is_not_there(operation)


def _has_outlived_its_key(operation: Operation, now: datetime) -> bool:
    planned = operation.status == OperationStatus.PLANNED
    safe = operation.retry_safe_until
    return planned and safe is not None and now >= safe


def _is_in_doubt(operation: Operation) -> bool:
    """Say whether an attempt may have reached the gateway."""
    sent = operation.attempt > 0
    return sent and not never_sent(operation) and not is_not_there(operation)


def _leave_to_a_look_up(operation: Operation) -> None:
    Operation.objects.filter(
        pk=operation.pk, fence=operation.fence, status=OperationStatus.PLANNED
    ).update(status=OperationStatus.UNKNOWN, fence=F("fence") + 1, due_at=Now())


def _is_off(plugin: str, plugins: Registry) -> bool:
    """What this worker knows of switches, those of the settings file included."""
    view = plugins.plugin(plugin)
    return view is not None and view.switch is Switch.OFF


def _is_on(plugin: str, tenant_id: int) -> Coalesce:
    """The switch as the database has it: the tenant's own, else the installation's, else on."""
    rows = PluginSwitch.objects.filter(plugin=plugin).values("is_on")
    own, everywhere = rows.filter(tenant_id=tenant_id), rows.filter(EVERYWHERE)
    return Coalesce(
        Subquery(own[:1]), Subquery(everywhere[:1]), Value(value=True), output_field=BooleanField()
    )
