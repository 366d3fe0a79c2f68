"""What has happened, in order and for good: the journal of an order, and the outbox's source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q

from core.domain.journal import link
from core.models.ids import new_id
from core.models.order import Order
from core.models.tenancy import Owned, OwnedManager, OwnedQuerySet


class Event(Owned):
    """Something that has happened: ids and codes only. With an order, a link of its hash chain."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(
        Order,
        on_delete=models.PROTECT,
        null=True,
        related_name="events",
        db_index=False,
        db_constraint=False,
    )
    seq = models.IntegerField(null=True)
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64, default="")
    hash = models.CharField(max_length=64, default="")
    fanned_out = models.BooleanField(default=False)

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "seq"], name="event_sequence_unique"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(fanned_out=False), name="event_not_fanned_out"),
        ]


@dataclass(slots=True)
class Chain:
    """Events of one order about to be written: numbers and links them as they are added."""

    order_id: UUID
    tenant_id: int
    seq: int = 0
    head: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, kind: str, *, at: datetime, data: Mapping[str, Any]) -> None:
        """Add what has happened; ``data`` holds ids and codes only."""
        seq = self.seq + 1
        previous = self.head
        self.head = link(
            previous=previous, order_id=str(self.order_id), seq=seq, kind=kind, at=at, data=data
        )
        self.seq = seq
        self.rows.append(
            {
                "id": new_id(),
                "tenant_id": self.tenant_id,
                "order_id": self.order_id,
                "seq": seq,
                "kind": kind,
                "at": at,
                "data": data,
                "previous_hash": previous,
                "hash": self.head,
                "fanned_out": False,
            }
        )
