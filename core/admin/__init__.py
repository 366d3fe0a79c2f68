"""The operator console on Django's admin: records to read, and actions that call use cases."""

from __future__ import annotations

from core.admin import catalogue, coupons, money, plugins, system

__all__ = ["catalogue", "coupons", "money", "plugins", "system"]
