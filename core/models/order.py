"""Orders and their lines: after placing, the row is the aggregate."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import F, Q

from core.domain.lifecycle import OrderStatus, PaymentStatus, StockState
from core.domain.order import ConfirmedOrder
from core.models.customer import Customer
from core.models.ids import new_id
from core.models.sheet import Move
from core.models.tenancy import Owned, OwnedManager, OwnedQuerySet


class OrderQuerySet(OwnedQuerySet["Order"]):
    """Named reads of orders."""

    def placed_under(self, principal: str, key: str) -> Order | None:
        """Return the order that was placed under an idempotency key, if there is one."""
        return self.filter(idem_principal=principal, idem_key=key).first()


class Order(Owned):
    """A placed order. ``log_seq`` counts what happened to it, and is the version of every move."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=20)
    source = models.CharField(max_length=40)
    status = models.CharField(max_length=10, default=OrderStatus.CONFIRMED)
    payment_status = models.CharField(max_length=20, default=PaymentStatus.NONE)
    stock = models.CharField(max_length=10, default=StockState.HELD)
    currency = models.CharField(max_length=3)
    goods_minor = models.BigIntegerField()
    shipping_minor = models.BigIntegerField()
    fees_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    rounding_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    prices_include_tax = models.BooleanField()
    receipt = models.JSONField()
    contact = models.JSONField()
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    placed_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    notify = models.BooleanField(default=True)
    idem_principal = models.CharField(max_length=100)
    idem_key = models.CharField(max_length=200)
    idem_digest = models.CharField(max_length=64)
    token_hash = models.CharField(max_length=64)
    token_expires_at = models.DateTimeField(null=True)
    log_seq = models.IntegerField(default=0)
    log_head = models.CharField(max_length=64, default="")

    objects = OwnedManager.from_queryset(OrderQuerySet)()

    def __str__(self) -> str:
        return self.number

    # Factories

    @staticmethod
    def place(
        confirmed: ConfirmedOrder, *, order_id: UUID, tenant_id: int, **own: Any
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the row of an order and the rows of its lines; nothing else makes them.

        ``own`` are the columns that composing doesn't know: number, contact, key, times, state.
        """
        priced = confirmed.priced
        order = {
            "id": order_id,
            "tenant_id": tenant_id,
            "currency": confirmed.currency,
            "goods_minor": priced.goods_minor,
            "shipping_minor": priced.shipping_minor,
            "fees_minor": priced.fees_minor,
            "tax_minor": priced.tax_minor,
            "rounding_minor": priced.rounding_minor,
            "total_minor": priced.total_minor,
            "prices_include_tax": priced.prices_include_tax,
            "receipt": priced.receipt(),
            **own,
        }
        lines = [
            {
                "tenant_id": tenant_id,
                "order_id": order_id,
                "position": line.position,
                "product_id": line.product_id,
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "unit_price_minor": line.unit_price_minor,
                "adjustment_minor": line.adjustment_minor,
                "tax_minor": line.tax_minor,
                "total_minor": line.total_minor,
                "attributes": dict(line.attributes),
                "terms": dict(line.terms),
            }
            for line in confirmed.lines
        ]
        return order, lines

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="order_number_unique"),
            models.UniqueConstraint(
                fields=["tenant", "idem_principal", "idem_key"], name="order_key_unique"
            ),
            models.CheckConstraint(
                condition=Q(
                    total_minor=F("goods_minor")
                    + F("shipping_minor")
                    + F("fees_minor")
                    + F("rounding_minor"),
                    prices_include_tax=True,
                )
                | Q(
                    total_minor=F("goods_minor")
                    + F("shipping_minor")
                    + F("fees_minor")
                    + F("rounding_minor")
                    + F("tax_minor"),
                    prices_include_tax=False,
                ),
                name="order_total_adds_up",
            ),
            models.CheckConstraint(condition=Q(total_minor__gt=0), name="order_total_positive"),
            models.CheckConstraint(
                condition=Q(status__in=list(OrderStatus)), name="order_status_known"
            ),
            models.CheckConstraint(
                condition=Q(stock__in=list(StockState)), name="order_stock_known"
            ),
            models.CheckConstraint(
                condition=Q(payment_status__in=list(PaymentStatus)),
                name="order_payment_status_known",
            ),
        ]


class OrderLine(Owned):
    """One line of an order, as it was sold."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="lines", db_index=False, db_constraint=False
    )
    position = models.IntegerField()
    product_id = models.UUIDField()
    sku = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    quantity = models.BigIntegerField()
    unit_price_minor = models.BigIntegerField()
    adjustment_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    attributes = models.JSONField(default=dict)
    terms = models.JSONField(default=dict)

    objects = OwnedManager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="order_line_position"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_line_quantity"),
            models.CheckConstraint(
                condition=Q(
                    total_minor=F("unit_price_minor") * F("quantity") + F("adjustment_minor")
                ),
                name="order_line_total_adds_up",
            ),
            models.CheckConstraint(condition=Q(total_minor__gte=0), name="order_line_not_negative"),
        ]


@lru_cache(maxsize=32)
def advance(events: int) -> Move:
    """Return the move of an order by that many events of its journal.

    Rows bring ``id``, ``status``, ``payment_status``, ``stock``, ``log_seq`` and ``log_head``.
    """
    columns = ("status", "payment_status", "stock", "log_seq", "log_head")
    return Move(
        model=Order,
        key="id",
        sets=tuple((column, f"r.{column}") for column in columns),
        when=f"t.log_seq = r.log_seq - {events}",
        rule="order_moved",
    )
