"""The addresses of the house, each handed on to the door that answers there."""

from __future__ import annotations

from typing import cast

from django.apps import apps
from django.contrib import admin
from django.urls import URLPattern, URLResolver, path

from core.apps import OrderloomConfig
from core.http.api import api
from core.http.pages import plugin_pages
from core.http.probes import livez, readyz
from core.http.webhooks import webhook

__all__ = ["urlpatterns"]

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("webhooks/<str:plugin>/<str:endpoint>", webhook, name="webhook"),
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    *plugin_pages(cast(OrderloomConfig, apps.get_app_config("orderloom")).loaded.pages),
]
