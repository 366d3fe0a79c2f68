"""The Django app that brings the tables."""

from __future__ import annotations

from django.apps import AppConfig


class GiftCardConfig(AppConfig):
    """Name the app."""

    name = "payment_gift_card"
    verbose_name = "Gift cards"
    default_auto_field = "django.db.models.BigAutoField"
