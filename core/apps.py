"""The one Django app of the core."""

from __future__ import annotations

from django.apps import AppConfig


class OrderloomConfig(AppConfig):
    """Name the app so that its tables are called `orderloom_…` for ever."""

    name = "core"
    label = "orderloom"
    verbose_name = "Orderloom"
    default_auto_field = "django.db.models.BigAutoField"
