"""Publish a product: from now on it can be bought."""

from __future__ import annotations

from datetime import datetime

from core.application.move_product import move_product
from core.domain.lifecycle import ProductStatus


def publish_product(*, sku: str, now: datetime) -> None:
    """Publish a draft.

    Raises:
        NotFound: no product has this sku.
        WrongState: it isn't a draft.
    """
    move_product(sku=sku, target=ProductStatus.PUBLISHED, now=now)
