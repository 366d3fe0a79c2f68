"""API keys in the console."""

from __future__ import annotations

from django.contrib import admin

from core.admin.console import Console
from core.models import ApiKey


@admin.register(ApiKey)
class ApiKeyConsole(Console):
    """Keys and what they may do; the secret was shown once, and is nowhere."""

    list_display = ("label", "scopes", "created_at", "expires_at", "revoked_at")
    search_fields = ("label",)
    fields = list_display
