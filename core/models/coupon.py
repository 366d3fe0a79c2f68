"""Coupons and their uses: a use is counted by a guarded update, and a limit is a constraint."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import models
from django.db.models import F, FilteredRelation, Q

from core.domain.coupons import CouponRead
from core.models.ids import new_id
from core.models.order import Order
from core.models.sheet import Move
from core.models.tenancy import Owned, OwnedManager, OwnedQuerySet


class CouponQuerySet(OwnedQuerySet["Coupon"]):
    """Named reads and moves of coupons."""

    # Mutators

    def withdraw(self, code: str, *, now: datetime) -> int:
        """End a coupon that wasn't ended before; return the rows changed."""
        return self.filter(code=code, withdrawn_at=None).update(withdrawn_at=now)

    # Queries

    def readable(self, codes: Iterable[str], who: str) -> dict[str, CouponRead]:
        """Return coupons with the turns that a customer has taken, in one statement, unlocked."""
        mine = Q(uses_made__who=who, uses_made__given_back_at=None)
        rows = self.filter(code__in=sorted(codes)).annotate(
            mine=FilteredRelation("uses_made", condition=mine), turn=F("mine__turn")
        )
        columns = ("valid_from", "valid_until", "most_uses", "most_per_customer", "uses")
        found: dict[str, CouponRead] = {}
        turns: dict[str, list[int]] = {}
        for row in rows.values("id", "code", "withdrawn_at", "mine__id", "turn", *columns):
            taken = turns.setdefault(row["code"], [])
            if row["mine__id"] is not None:
                taken.append(row["turn"] or 0)
            found[row["code"]] = CouponRead(
                coupon_id=row["id"],
                code=row["code"],
                withdrawn=row["withdrawn_at"] is not None,
                turns=taken,
                **{name: row[name] for name in columns},
            )
        return found


class Coupon(Owned):
    """A code, when it is valid, and how often it may be used; a pricing rule says what for."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(max_length=40)
    note = models.CharField(max_length=200, default="", blank=True)
    valid_from = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    most_uses = models.BigIntegerField(null=True)
    most_per_customer = models.IntegerField(null=True)
    uses = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    objects = OwnedManager.from_queryset(CouponQuerySet)()

    def __str__(self) -> str:
        return self.code

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="coupon_code_unique"),
            models.CheckConstraint(
                condition=Q(uses__gte=0) & (Q(most_uses=None) | Q(uses__lte=F("most_uses"))),
                name="coupon_uses_within_limit",
            ),
            models.CheckConstraint(
                condition=Q(most_per_customer=None) | Q(most_per_customer__gt=0),
                name="coupon_limit_per_customer_positive",
            ),
        ]


class CouponUse(Owned):
    """One order's use of a coupon; `who` is a fingerprint, `turn` which of their uses it is.

    A use that was given back keeps its row and counts no more.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    coupon = models.ForeignKey(
        Coupon, on_delete=models.PROTECT, related_name="uses_made", db_index=False
    )
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    who = models.CharField(max_length=64)
    turn = models.IntegerField(null=True)
    given_back_at = models.DateTimeField(null=True)

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "coupon"], name="coupon_once_per_order"),
            models.UniqueConstraint(
                fields=["coupon", "who", "turn", "tenant"],
                condition=Q(given_back_at=None),
                name="coupon_turn_unique",
            ),
        ]


USE: Final = Move(
    model=Coupon,
    key="id",
    sets=(("uses", "t.uses + 1"),),
    when="t.withdrawn_at IS NULL AND (t.most_uses IS NULL OR t.uses < t.most_uses)",
    rule="coupon_available",
)
"""Count a use, if one is left. Rows bring ``id``."""

GIVE_BACK: Final = Move(
    model=Coupon,
    key="id",
    sets=(("uses", "t.uses - 1"),),
    when="t.uses > 0",
    rule="coupon_used",
)
"""Take a use back."""

_MARK: Final = Move(
    model=CouponUse,
    key="id",
    sets=(("given_back_at", "r.given_back_at"),),
    when="(t.given_back_at IS NULL) = (r.given_back_at IS NOT NULL)",
    rule="coupon_use_moved",
)

TAKEN: Final = frozenset({"coupon_available", "coupon_turn_unique"})
"""What is violated if somebody else was faster."""

Moves = list[tuple[Move, list[dict[str, Any]]]]


def given_back(order_id: UUID, *, now: datetime) -> Moves:
    """Return the moves that give an order's uses back to their coupons."""
    live = CouponUse.objects.filter(order_id=order_id, given_back_at=None)
    return _moved(live, GIVE_BACK, now)


def taken_again(order_id: UUID) -> Moves:
    """Return the moves that count an order's uses once more, if they are still to be had."""
    back = CouponUse.objects.filter(order_id=order_id, given_back_at__isnull=False)
    return _moved(back, USE, None)


def _moved(uses: Iterable[CouponUse], move: Move, at: datetime | None) -> Moves:
    rows = list(uses)
    return [
        (move, [{"id": use.coupon_id} for use in rows]),
        (_MARK, [{"id": use.id, "given_back_at": at} for use in rows]),
    ]
