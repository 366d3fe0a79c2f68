"""Delete a product that was never published."""

from __future__ import annotations

from django.db import transaction

from core.application.move_product import refuse_move
from core.models import Product


def delete_product(*, sku: str) -> None:
    """Delete a draft; what was ever for sale is retired instead, because history names it.

    Raises:
        NotFound: no product has this sku.
        WrongState: it isn't a draft.
    """
    with transaction.atomic(durable=True):
        deleted = Product.objects.delete_draft(sku)
    if not deleted:
        refuse_move(sku, "deleted")
