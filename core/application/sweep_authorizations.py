"""Look after authorisations whose time is over: many providers let them lapse without a word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError
from django.db.models import QuerySet
from django.db.models.functions import Now

from core.application.look_up_payment import look_up_payment
from core.conf import conf
from core.domain.errors import OrderloomError
from core.domain.lifecycle import LIVE
from core.hooks.registry import Registry
from core.models import Payment

log = structlog.get_logger(__name__)


def sweep_authorizations(*, plugins: Registry, now: datetime, limit: int = 50) -> int:
    """Ask after what is held longer than its strategy says that it lasts; return how many.

    Time says when to look and never what is true: what the gateway answers moves payment and order.
    What it still holds then is asked for again and again.
    """
    looked_at = 0
    for held, lasts in _held(plugins):
        unseen = held.filter(look_at__isnull=True)
        if unseen.exists():
            unseen.update(look_at=Now() + lasts)
        due = held.filter(look_at__lte=Now()).exclude(operations__status__in=LIVE)
        for payment in due.order_by("look_at", "id")[:limit]:
            looked_at += 1
            Payment.objects.filter(pk=payment.pk).update(look_at=Now() + _later())
            _look(payment, plugins=plugins, now=now)
    return looked_at


def _held(plugins: Registry) -> Iterator[tuple[QuerySet[Payment], timedelta]]:
    """Yield what each strategy holds whose authorisations come to an end."""
    for (plugin, code), strategy in plugins.serving.items():
        if strategy.info.authorization_lasts is not None:
            held = Payment.objects.filter(plugin=plugin, strategy_code=code, held_minor__gt=0)
            yield held, strategy.info.authorization_lasts


def _look(payment: Payment, *, plugins: Registry, now: datetime) -> None:
    try:
        look_up_payment(payment.id, plugins=plugins, now=now)
    except OrderloomError as refused:
        log.warning("payment.held.refused", payment=str(payment.pk), code=refused.code)
    except DatabaseError:
        raise
    except Exception:  # one that can't be read must not keep the others waiting
        log.exception("payment.held.failed", payment=str(payment.pk))


def _later() -> timedelta:
    return timedelta(seconds=conf().held_look)
