"""Customers, as far as a shop knows them."""

from __future__ import annotations

from django.db import models

from core.models.ids import new_id
from core.models.tenancy import Owned, OwnedManager, OwnedQuerySet


class Customer(Owned):
    """Somebody who buys; an order keeps its own frozen copy of the contact."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    ref = models.CharField(max_length=100)
    email = models.CharField(max_length=254, default="", blank=True)
    name = models.CharField(max_length=200, default="", blank=True)
    locale = models.CharField(max_length=20, default="en")
    time_zone = models.CharField(max_length=60, default="UTC")
    groups = models.JSONField(default=list, blank=True)
    address = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    def __str__(self) -> str:
        return self.ref

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "ref"], name="customer_ref_unique"),
        ]
