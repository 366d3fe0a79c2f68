"""Tenants, and the manager that shows nobody another tenant's rows."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models

from core import context

M = TypeVar("M", bound=models.Model)


class Tenant(models.Model):
    """Owner of a separate catalogue, orders and switches. Row 1 is the default one."""

    id = models.PositiveIntegerField(primary_key=True)
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=200, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slug"], name="tenant_slug_unique")]


class OwnedQuerySet(models.QuerySet[M]):
    """Rows that belong to a tenant."""

    def of(self, ref: context.TenantRef) -> Self:
        """Keep the rows of one tenant."""
        return self.filter(tenant_id=ref.id)


class OwnedManager(models.Manager[M]):
    """Shows the rows of the tenant at hand, and none where no tenant is set."""

    def get_queryset(self) -> models.QuerySet[M]:
        """Fail closed: no tenant, no rows."""
        every = super().get_queryset()
        ref = context.tenant_or_none()
        return every.none() if ref is None else every.filter(tenant_id=ref.id)

    def across_tenants(self) -> models.QuerySet[M]:
        """Cross the border on purpose; the places that may are listed by a test."""
        return super().get_queryset()


class Owned(models.Model):
    """Every row that belongs to a tenant."""

    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        abstract = True
