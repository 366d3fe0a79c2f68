"""Plugins and API keys in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core.admin.console import Console
from core.application.list_plugins import list_plugins
from core.models import ApiKey, Plugin


@admin.register(Plugin)
class PluginConsole(Console):
    """Every plugin as it stands: loaded, left out, switched off, or gone but remembered."""

    fields = ("name", "title", "distribution", "version", "was_on", "prices", "seen_at")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show what `manage.py plugins list` shows."""
        views = list_plugins(plugins=request.__dict__["registry"])
        context = {**self.admin_site.each_context(request), "title": "Plugins", "views": views}
        context |= extra_context or {}
        return TemplateResponse(request, "orderloom/console/plugins.html", context)


@admin.register(ApiKey)
class ApiKeyConsole(Console):
    """Keys and what they may do; the secret was shown once, and is nowhere."""

    list_display = ("label", "scopes", "created_at", "expires_at", "revoked_at")
    search_fields = ("label",)
    fields = list_display
