"""Retire a product: only agreed terms sell it from now on."""

from __future__ import annotations

from datetime import datetime

from core.application.move_product import move_product
from core.domain.lifecycle import ProductStatus


def retire_product(*, sku: str, now: datetime) -> None:
    """Retire a draft or a published product; its history stays.

    Raises:
        NotFound: no product has this sku.
        WrongState: it is retired already.
    """
    move_product(sku=sku, target=ProductStatus.RETIRED, now=now)
