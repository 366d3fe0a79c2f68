"""Keys for programs: shown once, stored hashed, bound to a tenant."""

from __future__ import annotations

from django.db import models

from core.models.ids import new_id
from core.models.tenancy import Owned, OwnedManager, OwnedQuerySet


class ApiKey(Owned):
    """A key and what it may do; ``scopes`` are words such as ``orders:terms``."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    label = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    def __str__(self) -> str:
        return self.label

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest"], name="api_key_digest_unique")]
