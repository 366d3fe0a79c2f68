"""The nursery and the world outside of tests/faults, for races about money."""

from __future__ import annotations

from tests.faults.conftest import _outside, dice, nursery, outside, shop

__all__ = ["_outside", "dice", "nursery", "outside", "shop"]
