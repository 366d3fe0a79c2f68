"""Payments, the commands to gateways, and the facts that gateways state."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q

from core.domain.lifecycle import LIVE, OperationStatus
from core.models.fields import Amount
from core.models.ids import new_id
from core.models.order import Order
from core.models.sheet import Move
from core.models.tenancy import Owned, OwnedManager, OwnedQuerySet


class Payment(Owned):
    """One attempt to collect one amount for one order, with what was true of its plugin then."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    plugin = models.CharField(max_length=100)
    distribution = models.CharField(max_length=120, default="")
    version = models.CharField(max_length=40, default="")
    api = models.CharField(max_length=20, default="")
    settings_version = models.CharField(max_length=64, default="")
    strategy_code = models.CharField(max_length=60)
    label = models.CharField(max_length=200)
    account = models.CharField(max_length=200, null=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20, default="OPEN")
    reference = models.CharField(max_length=200, null=True)
    held_minor = models.BigIntegerField(db_default=0)
    look_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    amount = Amount("amount_minor")

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    def __str__(self) -> str:
        return self.label

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_amount_positive"),
        ]
        indexes = [
            models.Index(fields=["tenant", "plugin", "reference"], name="payment_by_reference"),
            models.Index(
                fields=["tenant", "plugin", "look_at"],
                condition=Q(held_minor__gt=0),
                name="payment_held",
            ),
        ]


class Operation(Owned):
    """One command to a gateway. Its id is the idempotency key; its parameters never change."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="operations")
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    verb = models.CharField(max_length=10)
    status = models.CharField(max_length=20, default=OperationStatus.PLANNED)
    takes_money = models.BooleanField()
    amount_minor = models.BigIntegerField()
    params = models.JSONField()
    attempt = models.IntegerField(default=0)
    fence = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    looks = models.IntegerField(default=0)
    retry_safe_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    action = models.JSONField(null=True)
    outcome = models.JSONField(null=True)
    idem_principal = models.CharField(max_length=100, null=True)
    idem_key = models.CharField(max_length=200, null=True)
    idem_digest = models.CharField(max_length=64, null=True)
    created_at = models.DateTimeField()

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment"],
                condition=Q(status__in=sorted(LIVE)),
                name="operation_one_live_per_payment",
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(status__in=sorted(LIVE), takes_money=True),
                name="operation_one_charge_per_order",
            ),
            models.UniqueConstraint(
                fields=["tenant", "idem_principal", "idem_key"], name="operation_key_unique"
            ),
            models.CheckConstraint(
                condition=Q(status__in=list(OperationStatus)), name="operation_status_known"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="operation_amount"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(status__in=sorted(LIVE)), name="operation_due"
            ),
        ]


class Fact(Owned):
    """What a gateway said happened. Append-only; the same fact is stored once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="facts")
    kind = models.CharField(max_length=30)
    object_id = models.CharField(max_length=200)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    parent_id = models.CharField(max_length=200, null=True)
    operation_id = models.CharField(max_length=60, null=True)
    account = models.CharField(max_length=200, null=True)
    sequence = models.BigIntegerField(default=0)
    stated_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    source = models.CharField(max_length=20)
    digest = models.CharField(max_length=64)

    amount = Amount("amount_minor")

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment", "digest"], name="fact_once"),
        ]


_LIVE_STATES = ", ".join(f"'{status}'" for status in sorted(LIVE))

OPERATION_MOVES: Final = Move(
    model=Operation,
    key="id",
    sets=(
        ("status", "r.status"),
        ("action", "r.action"),
        ("outcome", "r.outcome"),
        ("looks", "r.looks"),
        ("due_at", "NULL"),
        ("lease_until", "NULL"),
    ),
    when=f"t.fence = r.fence AND t.status IN ({_LIVE_STATES})",
    rule="operation_moved",
)
"""What became of a command, told by the worker that holds its fence; it is not due any more."""

OPERATION_MOVES_DUE: Final = Move(
    model=Operation,
    key="id",
    sets=tuple(pair for pair in OPERATION_MOVES.sets if pair[0] != "due_at"),
    when=OPERATION_MOVES.when,
    rule="operation_moved",
)
"""The same for a command that is to be looked at again: ``due_at`` comes from the clock."""

PAYMENT_STANDS: Final = Move(
    model=Payment,
    key="id",
    sets=(
        ("status", "r.status"),
        ("reference", "COALESCE(t.reference, r.reference)"),
        ("held_minor", "r.held_minor"),
    ),
    when="1 = 1",
    rule="payment_known",
)
"""How a payment stands, and what of it is authorised, as its facts and operations say."""
