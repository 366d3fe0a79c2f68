"""Read coupons as the staff see them. Nothing here writes."""

from __future__ import annotations

from typing import Any, Final

from core.models import Coupon

_SHOWN: Final = (
    *("code", "note", "valid_from", "valid_until"),
    *("most_uses", "most_per_customer", "uses", "withdrawn_at"),
)


def read_coupons(*, after: str = "", limit: int = 50) -> list[dict[str, Any]]:
    """Return coupons in order of their code, those greater than ``after``."""
    rows = Coupon.objects.filter(code__gt=after).order_by("code").values(*_SHOWN)[:limit]
    return [{**row, "withdrawn": row.pop("withdrawn_at") is not None} for row in rows]
