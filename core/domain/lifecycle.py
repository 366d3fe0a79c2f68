"""States of orders, products, operations and deliveries, and which may follow which."""

from __future__ import annotations

from enum import StrEnum


class ProductStatus(StrEnum):
    """A product is prepared, sold, and no longer sold."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    RETIRED = "RETIRED"


class OrderStatus(StrEnum):
    """The life of an order."""

    CONFIRMED = "CONFIRMED"
    PAID = "PAID"
    FULFILLED = "FULFILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class StockState(StrEnum):
    """What an order's lines do to the stock: hold, keep once paid, ship, or give back."""

    HELD = "HELD"
    KEPT = "KEPT"
    SHIPPED = "SHIPPED"
    RELEASED = "RELEASED"


class PaymentStatus(StrEnum):
    """How an order stands with its money, over all its payments."""

    NONE = "NONE"
    PENDING = "PENDING"
    UNRESOLVED = "UNRESOLVED"
    AUTHORIZED = "AUTHORIZED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"


class OperationStatus(StrEnum):
    """The life of one command to a gateway."""

    PLANNED = "PLANNED"
    SENT = "SENT"
    UNKNOWN = "UNKNOWN"
    IN_PROGRESS = "IN_PROGRESS"
    NEEDS_CUSTOMER = "NEEDS_CUSTOMER"
    DONE = "DONE"
    DECLINED = "DECLINED"
    ABANDONED = "ABANDONED"


class DeliveryStatus(StrEnum):
    """The life of one event on its way to one receiver."""

    PENDING = "PENDING"
    DONE = "DONE"
    DEAD = "DEAD"


class InboxStatus(StrEnum):
    """The life of a webhook once it is stored."""

    STORED = "STORED"
    APPLIED = "APPLIED"
    UNTRUSTED = "UNTRUSTED"
    UNMATCHED = "UNMATCHED"


LIVE = frozenset(
    {
        OperationStatus.PLANNED,
        OperationStatus.SENT,
        OperationStatus.UNKNOWN,
        OperationStatus.IN_PROGRESS,
        OperationStatus.NEEDS_CUSTOMER,
    }
)
"""Operations that may still have an effect: one per payment, one money-taking one per order."""

UNDECIDED = frozenset({OperationStatus.SENT, OperationStatus.UNKNOWN, OperationStatus.IN_PROGRESS})
"""Operations whose outcome we don't know: no second charge is offered meanwhile."""

_ORDER_SOURCES = {
    OrderStatus.CONFIRMED: frozenset[OrderStatus](),
    OrderStatus.PAID: frozenset({OrderStatus.CONFIRMED, OrderStatus.EXPIRED}),
    OrderStatus.FULFILLED: frozenset({OrderStatus.PAID}),
    OrderStatus.CANCELLED: frozenset({OrderStatus.CONFIRMED, OrderStatus.PAID}),
    OrderStatus.EXPIRED: frozenset({OrderStatus.CONFIRMED}),
}

_PRODUCT_SOURCES = {
    ProductStatus.DRAFT: frozenset[ProductStatus](),
    ProductStatus.PUBLISHED: frozenset({ProductStatus.DRAFT}),
    ProductStatus.RETIRED: frozenset({ProductStatus.DRAFT, ProductStatus.PUBLISHED}),
}


def order_sources(target: OrderStatus) -> frozenset[OrderStatus]:
    """Return the states an order may come from to reach ``target``."""
    return _ORDER_SOURCES[target]


def product_sources(target: ProductStatus) -> frozenset[ProductStatus]:
    """Return the states a product may come from to reach ``target``."""
    return _PRODUCT_SOURCES[target]
