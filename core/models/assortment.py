"""How a catalogue is laid out: categories to look in, families of variants."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from core.domain.categories import CategoryTree
from core.models.tenancy import Owned, OwnedManager, OwnedQuerySet


class CategoryQuerySet(OwnedQuerySet["Category"]):
    """Named reads of categories."""

    def tree(self) -> CategoryTree:
        """Return the tenant's categories, in their order, in one statement."""
        rows = self.order_by("position", "name").values_list("name", "parent__name")
        return CategoryTree({name: above or "" for name, above in rows})


class Category(Owned):
    """A shelf of the shop. Products name it; its slug is for addresses."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100)
    slug = models.CharField(max_length=100)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    position = models.IntegerField(default=0)

    objects = OwnedManager.from_queryset(CategoryQuerySet)()

    def __str__(self) -> str:
        return self.name

    class Meta:
        verbose_name_plural = "categories"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="category_name_unique"),
            models.UniqueConstraint(fields=["tenant", "slug"], name="category_slug_unique"),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                name="category_not_below_itself",
            ),
        ]


class Family(Owned):
    """Products that are variants of one thing; ``options`` name what sets them apart."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=200)
    options = models.JSONField()

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    def __str__(self) -> str:
        return self.name

    class Meta:
        verbose_name_plural = "families"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="family_name_unique"),
        ]
