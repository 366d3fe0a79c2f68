"""The hash chain of an order's journal: each link vouches for all before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

ORDER_PLACED = "order_placed"
ORDER_PAID = "order_paid"
ORDER_CANCELLED = "order_cancelled"
ORDER_FULFILLED = "order_fulfilled"
ORDER_EXPIRED = "order_expired"
PAYMENT_STARTED = "payment_started"
PAYMENT_AUTHORIZED = "payment_authorized"
PAYMENT_CAPTURED = "payment_captured"
PAYMENT_DECLINED = "payment_declined"
PAYMENT_REFUNDED = "payment_refunded"
PAYMENT_MOVED = "payment_moved"
PAYMENT_RESOLVED = "payment_resolved"
INCIDENT = "payment_incident"
TAKEN_THOUGH_DECLINED = "TAKEN_THOUGH_DECLINED"
PRODUCT_CHANGED = "product_changed"


def link(
    *, previous: str, order_id: str, seq: int, kind: str, at: datetime, data: Mapping[str, Any]
) -> str:
    """Return the hash of one event: SHA-256 over the previous hash and what is said, as hex.

    ``at`` counts in microseconds of UTC, so that a database that keeps no more agrees.
    """
    said = json.dumps(
        [
            previous,
            order_id,
            seq,
            kind,
            at.astimezone(UTC).isoformat(timespec="microseconds"),
            data,
        ],
        sort_keys=True,
        separators=(",", ":"),
        default=str,
    )
    return hashlib.sha256(said.encode()).hexdigest()
