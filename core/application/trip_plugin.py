"""Tell all processes what the breakers of this one have found, and ask which of them may probe."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from core.application.moving_generation import hold_generation, move_generation
from core.application.refresh_registry import look_again
from core.conf import conf
from core.hooks.breaker import Breaker, Breakers, News
from core.models import PluginChange, PluginHealth

__all__ = ["QUARANTINED", "trip_plugin"]

log = structlog.get_logger(__name__)

QUARANTINED: Final = "QUARANTINED"
_NOBODY: Final = "the breaker"
_LONGEST_CAUSE: Final = 300
_A_MOMENT: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """What came of an opening: `ours` is False where another process was first."""

    ours: bool
    quarantined: bool


def trip_plugin(*, breakers: Breakers, now: datetime) -> int:
    """Do what is to be done for each breaker of this process; return for how many.

    Of many processes that find the same thing one writes it down, and one of them probes. The third
    opening within an hour puts what failed into quarantine. Without news nothing is read.
    """
    told = breakers.to_tell(time.monotonic())
    for breaker, news in told:
        if news is News.DUE:
            _ask_to_probe(breaker)
            continue
        if news is News.OPENED:
            _open(breaker, now)
        else:
            _probed(breaker, well=news is News.PROBED_WELL)
        breaker.news = None
    return len(told)


def _open(breaker: Breaker, now: datetime) -> None:
    with transaction.atomic(durable=True):
        hold_generation()  # changes follow one another: whoever is second finds the first one's row
        opened = _opened(breaker)
        if opened.ours:
            generation = move_generation()
        if opened.quarantined:
            PluginChange.objects.create(
                plugin=breaker.key.plugin,
                who=_NOBODY,
                kind=QUARANTINED,
                reason=f"{breaker.key.kind}: {breaker.cause}"[:_LONGEST_CAUSE],
                generation=generation,
                at=now,
            )
    if opened.ours:
        look_again()
        event = "plugin.quarantined" if opened.quarantined else "plugin.rests"
        log.error(event, **breaker.key._asdict(), version=breaker.version, cause=breaker.cause)


def _opened(breaker: Breaker) -> _Opened:
    plugin, kind, account = breaker.key
    row = PluginHealth.objects.filter(plugin=plugin, kind=kind, account=account).first()
    if row is None or row.version != breaker.version:
        row = row or PluginHealth(plugin=plugin, kind=kind, account=account)
        row.opened_at = row.opened_before_at = row.quarantined_at = None
    elif row.is_open:
        return _Opened(ours=False, quarantined=False)
    row.version, row.is_open, row.ticket = breaker.version, True, row.ticket + 1
    row.cause, row.wait = breaker.cause[:_LONGEST_CAUSE], breaker.wait
    row.save()
    this = PluginHealth.objects.filter(pk=row.pk)
    third = this.filter(
        opened_before_at__gt=Now() - timedelta(seconds=conf().quarantine_within),
        quarantined_at=None,
    ).update(quarantined_at=Now())
    this.update(
        opened_before_at=F("opened_at"),
        opened_at=Now(),
        due_at=Now() + timedelta(seconds=breaker.wait),
    )
    return _Opened(ours=True, quarantined=bool(third))


def _ask_to_probe(breaker: Breaker) -> None:
    """Take the ticket if it is time, in one statement; whoever doesn't get it rests on."""
    plugin, kind, account = breaker.key
    row = PluginHealth.objects.filter(plugin=plugin, kind=kind, account=account).first()
    if row is None or not row.is_open or row.version != breaker.version:
        breaker.close()
        return
    claimed = PluginHealth.objects.filter(
        pk=row.pk, ticket=row.ticket, is_open=True, due_at__lte=Now()
    ).update(ticket=F("ticket") + 1, due_at=Now() + timedelta(seconds=row.wait))
    if claimed:
        breaker.grant(time.monotonic(), ticket=row.ticket + 1, wait=row.wait)
    else:
        breaker.ask_later(time.monotonic(), wait=min(row.wait, _A_MOMENT))


def _probed(breaker: Breaker, *, well: bool) -> None:
    """Write down what our probe found, unless its time was over and somebody else has probed."""
    plugin, kind, account = breaker.key
    ours = PluginHealth.objects.filter(
        plugin=plugin, kind=kind, account=account, ticket=breaker.ticket, is_open=True
    )
    if not well:
        ours.update(
            wait=breaker.wait,
            due_at=Now() + timedelta(seconds=breaker.wait),
            cause=breaker.cause[:_LONGEST_CAUSE],
        )
        return
    with transaction.atomic(durable=True):
        hold_generation()
        if ours.update(is_open=False):
            move_generation()
    look_again()
