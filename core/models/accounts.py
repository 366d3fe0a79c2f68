"""Stock counters against the rows that account for them, in one statement, so at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection

_ACCOUNTS: Final = """
SELECT p.sku, s.reserved, coalesce(o.promised, 0), s.on_hand,
       s.opening + coalesce(r.received, 0) - coalesce(o.shipped, 0)
FROM orderloom_stock s
JOIN orderloom_product p ON p.id = s.product_id
LEFT JOIN (
    SELECT l.product_id,
           sum(CASE WHEN o.stock IN ('HELD', 'KEPT') THEN l.quantity ELSE 0 END) AS promised,
           sum(CASE WHEN o.stock = 'SHIPPED' THEN l.quantity ELSE 0 END) AS shipped
    FROM orderloom_orderline l JOIN orderloom_order o ON o.id = l.order_id
    WHERE o.tenant_id = %s GROUP BY l.product_id) o ON o.product_id = s.product_id
LEFT JOIN (
    SELECT product_id, sum(quantity) AS received
    FROM orderloom_stockreceipt WHERE tenant_id = %s GROUP BY product_id
    ) r ON r.product_id = s.product_id
WHERE s.tenant_id = %s AND (s.reserved <> coalesce(o.promised, 0)
   OR s.on_hand <> s.opening + coalesce(r.received, 0) - coalesce(o.shipped, 0))
ORDER BY p.sku
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockDifference:
    """A product whose counters aren't what its orders and receipts say."""

    sku: str
    reserved: int
    promised: int
    on_hand: int
    accounted: int


def differing_stock(tenant_id: int) -> list[StockDifference]:
    """Return the products of a tenant whose counters differ from their rows."""
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, [tenant_id] * 3)
        rows = cursor.fetchall()
    names = ("sku", "reserved", "promised", "on_hand", "accounted")
    return [
        StockDifference(sku=row[0], **{n: int(v) for n, v in zip(names[1:], row[1:], strict=True)})
        for row in rows
    ]
