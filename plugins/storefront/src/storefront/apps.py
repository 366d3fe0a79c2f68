"""The Django app that brings templates, static files and translations."""

from __future__ import annotations

from django.apps import AppConfig


class StorefrontConfig(AppConfig):
    """Name the app."""

    name = "storefront"
    verbose_name = "Shop pages"
