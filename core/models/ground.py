"""The two rows without which nothing works, laid after every migrate and every flush."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models import F

from core.context import DEFAULT_TENANT
from core.models.plugin import PluginGeneration
from core.models.tenancy import Tenant


def lay_ground(sender: AppConfig, using: str, plan: Any = (), **_: Any) -> None:
    """Make sure that the default tenant and the generation row exist.

    Where tables have changed, the generation does too: a plugin may have waited for its own.
    """
    if sender.label != "orderloom":
        return
    Tenant.objects.using(using).get_or_create(
        id=DEFAULT_TENANT.id, defaults={"slug": DEFAULT_TENANT.slug}
    )
    counter = PluginGeneration.objects.using(using)
    if not counter.get_or_create(id=1)[1] and plan:
        counter.update(generation=F("generation") + 1)
