"""The shelf of tests/application, seen by the payment plugins."""

from __future__ import annotations

from tests.application.conftest import shelf, shop

__all__ = ["shelf", "shop"]
