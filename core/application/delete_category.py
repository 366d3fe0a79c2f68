"""Delete a category that nothing lies in."""

from __future__ import annotations

from django.db import transaction

from core.application.categorise import lock_categories
from core.domain.errors import NotFound, WrongState
from core.models import Category, Product


def delete_category(*, slug: str) -> None:
    """Delete an empty category.

    Raises:
        NotFound: no category has this slug.
        WrongState: products or categories lie in it.
    """
    with transaction.atomic(durable=True):
        row = Category.objects.filter(slug=slug).first()
        if row is None:
            raise NotFound("There is no such category.", field="slug")
        lock_categories([row.name])
        below = Category.objects.filter(parent=row).exists()
        if below or Product.objects.filter(categories__has_item=row.name).exists():
            raise WrongState(
                f"{row.name} isn't empty: take out what lies in it first.",
                status="IN_USE",
                wanted="DELETED",
            )
        row.delete()
