"""Webhooks, stored raw before anything is made of them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.domain.lifecycle import InboxStatus
from core.models.ids import new_id
from core.models.tenancy import Owned, OwnedManager, OwnedQuerySet


class WebhookEndpoint(Owned):
    """An opaque address of a tenant for one plugin: ``/webhooks/<plugin>/<id>``."""

    id = models.CharField(max_length=40, primary_key=True)
    plugin = models.CharField(max_length=100)
    created_at = models.DateTimeField()

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "plugin"], name="webhook_endpoint_once"),
        ]


class InboxEntry(Owned):
    """One webhook as it came in. A bad signature is never parsed; nothing is thrown away."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="+")
    plugin = models.CharField(max_length=100)
    body = models.BinaryField()
    headers = models.JSONField()
    received_at = models.DateTimeField()
    status = models.CharField(max_length=10, default=InboxStatus.STORED)
    attempt = models.IntegerField(default=0)
    fence = models.IntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    cause = models.TextField(default="", blank=True)

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(status=InboxStatus.STORED), name="inbox_due"
            ),
        ]
