"""The two rows without which nothing works, laid after every migrate and every flush."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig

from core.context import DEFAULT_TENANT
from core.models.plugin import PluginGeneration
from core.models.tenancy import Tenant


def lay_ground(sender: AppConfig, using: str, **_: Any) -> None:
    """Make sure that the default tenant and the generation row exist."""
    if sender.label != "orderloom":
        return
    Tenant.objects.using(using).get_or_create(
        id=DEFAULT_TENANT.id, defaults={"slug": DEFAULT_TENANT.slug}
    )
    PluginGeneration.objects.using(using).get_or_create(id=1)
