"""Events on their way: one row per event and receiver, and who subscribes to what."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.domain.lifecycle import DeliveryStatus
from core.models.ids import new_id
from core.models.journal import Event
from core.models.tenancy import Owned, OwnedManager, OwnedQuerySet


class Delivery(Owned):
    """One event for one receiver: a plugin for a tell, a recipient on a channel for a message.

    ``receiver`` is ``tell:<plugin>``, ``signal:<name>`` or
    ``message:<channel>:<subscription id>:<recipient digest>``.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="deliveries")
    receiver = models.CharField(max_length=200)
    plugin = models.CharField(max_length=100)
    channel = models.CharField(max_length=60, default="")
    recipient = models.JSONField(null=True)
    template = models.CharField(max_length=60, default="")
    status = models.CharField(max_length=10, default=DeliveryStatus.PENDING)
    attempt = models.IntegerField(default=0)
    fence = models.IntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    reference = models.CharField(max_length=200, null=True)
    cause = models.TextField(default="", blank=True)

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "receiver"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(status__in=list(DeliveryStatus)), name="delivery_status_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(status=DeliveryStatus.PENDING),
                name="delivery_due",
            ),
        ]


class Subscription(Owned):
    """Who hears of which event on which channel; first filled from what a channel suggests."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.CharField(max_length=40)
    audience = models.CharField(max_length=20)
    channel = models.CharField(max_length=60)
    template = models.CharField(max_length=60)
    active = models.BooleanField(default=True)

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "event", "audience", "channel"], name="subscription_once"
            ),
        ]
