"""The ledger: cards, what was taken from them, and what was given back."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q


class GiftCard(models.Model):
    """A card. Its code isn't kept, only a digest; ``hint`` is how it ends."""

    tenant = models.SlugField(max_length=60)
    digest = models.CharField(max_length=64)
    hint = models.CharField(max_length=4)
    currency = models.CharField(max_length=3)
    issued_minor = models.BigIntegerField()
    balance_minor = models.BigIntegerField()
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    blocked = models.BooleanField(default=False)
    note = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "gift card"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "digest"], name="gift_card_code_once"),
            models.CheckConstraint(
                condition=Q(balance_minor__gte=0), name="gift_card_never_overdrawn"
            ),
        ]

    def __str__(self) -> str:
        return f"…{self.hint} ({self.currency})"


class Taking(models.Model):
    """Money taken from a card for a payment: held, captured, or released again."""

    class Status(models.TextChoices):
        """What became of it."""

        HELD = "HELD"
        CAPTURED = "CAPTURED"
        RELEASED = "RELEASED"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    card = models.ForeignKey(GiftCard, on_delete=models.PROTECT, related_name="takings")
    tenant = models.SlugField(max_length=60)
    payment_id = models.CharField(max_length=40)
    operation_id = models.CharField(max_length=40)
    capture_operation_id = models.CharField(max_length=40, null=True)
    status = models.CharField(max_length=8, choices=Status.choices)
    taken_minor = models.BigIntegerField()
    captured_minor = models.BigIntegerField(default=0)
    taken_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "operation_id"], name="gift_card_taking_once"
            ),
            models.CheckConstraint(
                condition=Q(taken_minor__gt=0, captured_minor__gte=0)
                & Q(captured_minor__lte=F("taken_minor")),
                name="gift_card_taking_sums",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "payment_id"], name="gift_card_payment")]

    def __str__(self) -> str:
        return str(self.id)


class Refund(models.Model):
    """Money given back onto a card."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    taking = models.ForeignKey(Taking, on_delete=models.PROTECT, related_name="refunds")
    tenant = models.SlugField(max_length=60)
    operation_id = models.CharField(max_length=40)
    amount_minor = models.BigIntegerField()
    given_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "operation_id"], name="gift_card_refund_once"
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="gift_card_refund_positive"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
