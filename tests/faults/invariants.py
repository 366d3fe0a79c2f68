"""The invariants as raw SQL, one function each: they ask the tables, and never our own code.

Each takes a cursor and returns what contradicts it, so that a failed assertion names the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db.backends.utils import CursorWrapper

Rows = list[tuple[Any, ...]]


def _rows(cursor: CursorWrapper, sql: str, *values: Any) -> Rows:
    cursor.execute(sql, values)
    return list(cursor.fetchall())


def i1_sums_are_totals_and_no_provider_is_asked_for_more(cursor: CursorWrapper) -> Rows:
    """I1: goods, shipping, fees and rounding (and tax where prices exclude it) are the total."""
    return _rows(
        cursor,
        """
        SELECT o.id, o.total_minor, l.lines, asked.most, asked.taken FROM orderloom_order o
        LEFT JOIN LATERAL (SELECT coalesce(sum(total_minor), 0) AS lines, count(*) AS count
            FROM orderloom_orderline WHERE order_id = o.id) l ON true
        LEFT JOIN LATERAL (SELECT coalesce(max(amount_minor), 0) AS most,
            coalesce(sum(amount_minor) FILTER (WHERE EXISTS (SELECT 1 FROM orderloom_fact f
                WHERE f.payment_id = p.id AND f.kind IN ('CAPTURED', 'CAPTURE_PENDING'))), 0)
            AS taken FROM orderloom_payment p WHERE p.order_id = o.id) asked ON true
        WHERE o.total_minor <> o.goods_minor + o.shipping_minor + o.fees_minor + o.rounding_minor
              + CASE WHEN o.prices_include_tax THEN 0 ELSE o.tax_minor END
           OR l.lines <> o.goods_minor OR l.count = 0
           OR asked.most > o.total_minor OR asked.taken > o.total_minor
        """,
    )


def i2_nobody_is_promised_more_than_there_is(cursor: CursorWrapper) -> Rows:
    """I2: 0 ≤ reserved ≤ on hand."""
    return _rows(
        cursor,
        "SELECT product_id, reserved, on_hand FROM orderloom_stock"
        " WHERE reserved < 0 OR reserved > on_hand",
    )


def i3_counters_are_what_orders_hold(cursor: CursorWrapper) -> Rows:
    """I3: what orders hold or keep equals the counters."""
    return _rows(
        cursor,
        """
        SELECT s.product_id, s.reserved, coalesce(h.held, 0) FROM orderloom_stock s
        LEFT JOIN (SELECT l.product_id, sum(l.quantity) AS held FROM orderloom_orderline l
            JOIN orderloom_order o ON o.id = l.order_id WHERE o.stock IN ('HELD', 'KEPT')
            GROUP BY l.product_id) h ON h.product_id = s.product_id
        WHERE s.reserved <> coalesce(h.held, 0)
        """,
    )


def i4_one_order_for_a_key(cursor: CursorWrapper) -> Rows:
    """I4: one order per idempotency key, and one operation."""
    return _rows(
        cursor,
        """
        SELECT 'order', idem_principal, idem_key, count(*) FROM orderloom_order
        GROUP BY tenant_id, idem_principal, idem_key HAVING count(*) > 1
        UNION ALL SELECT 'operation', idem_principal, idem_key, count(*) FROM orderloom_operation
        WHERE idem_key IS NOT NULL
        GROUP BY tenant_id, idem_principal, idem_key HAVING count(*) > 1
        """,
    )


def i5_no_more_goes_back_than_came(cursor: CursorWrapper) -> Rows:
    """I5: refunded + refunding ≤ captured ≤ the amount asked of that payment."""
    return _rows(
        cursor,
        """
        WITH object AS (SELECT payment_id, object_id, max(operation_id) AS operation_id,
                bool_or(kind = 'CAPTURED') AS captured,
                bool_or(kind IN ('REFUNDED', 'REFUND_PENDING'))
                    AND NOT bool_or(kind = 'REFUND_FAILED') AS refunded,
                max(amount_minor) AS amount FROM orderloom_fact
            WHERE kind IN ('CAPTURED', 'REFUNDED', 'REFUND_PENDING', 'REFUND_FAILED')
            GROUP BY payment_id, object_id),
        money AS (SELECT p.id, p.amount_minor AS asked,
            coalesce((SELECT sum(amount) FROM object o
                WHERE o.payment_id = p.id AND o.captured), 0) AS captured,
            coalesce((SELECT sum(amount) FROM object o
                WHERE o.payment_id = p.id AND o.refunded), 0) AS refunded,
            coalesce((SELECT sum(amount_minor) FROM orderloom_operation op
                WHERE op.payment_id = p.id AND op.verb = 'REFUND'
                AND op.status IN ('PLANNED', 'SENT', 'UNKNOWN', 'IN_PROGRESS')
                AND NOT EXISTS (SELECT 1 FROM object o WHERE o.payment_id = p.id AND o.refunded
                    AND o.operation_id = replace(op.id::text, '-', ''))), 0) AS refunding
            FROM orderloom_payment p)
        SELECT * FROM money WHERE refunded + refunding > captured OR captured > asked
        """,
    )


def i6_nothing_is_sent_beyond_its_lease(cursor: CursorWrapper, grace: float = 0.0) -> Rows:
    """I6: no operation SENT beyond its lease, after a sweeper has had `grace` seconds."""
    return _rows(
        cursor,
        "SELECT id, verb, lease_until FROM orderloom_operation WHERE status = 'SENT'"
        " AND (lease_until IS NULL OR lease_until < now() - make_interval(secs => %s))",
        grace,
    )


def i8_every_event_has_one_effect_on_each_receiver(cursor: CursorWrapper) -> Rows:
    """I8: each event has exactly one delivery per receiver, subscribed customers included."""
    return _rows(
        cursor,
        """
        SELECT event_id, receiver, count(*) FROM orderloom_delivery
        GROUP BY event_id, receiver HAVING count(*) <> 1
        UNION ALL SELECT e.id, s.channel, count(d.id) FROM orderloom_event e
        JOIN orderloom_order o ON o.id = e.order_id AND o.notify AND o.contact->>'email' <> ''
        JOIN orderloom_subscription s ON s.event = e.kind AND s.tenant_id = e.tenant_id
            AND s.active AND s.audience = 'customer'
        LEFT JOIN orderloom_delivery d ON d.event_id = e.id AND d.channel = s.channel
            AND d.recipient->>'address' = o.contact->>'email'
        WHERE e.fanned_out GROUP BY e.id, s.channel HAVING count(d.id) <> 1
        """,
    )


def journals_have_no_gap(cursor: CursorWrapper) -> Rows:
    """An order's journal counts 1, 2, 3 up to what the order says, each linked to the one before."""
    return _rows(
        cursor,
        """
        SELECT o.id, o.log_seq, count(e.id) FROM orderloom_order o
        LEFT JOIN orderloom_event e ON e.order_id = o.id
        LEFT JOIN orderloom_event b ON b.order_id = o.id AND b.seq = e.seq - 1
        GROUP BY o.id, o.log_seq, o.log_head
        HAVING count(e.id) <> o.log_seq OR max(e.seq) <> o.log_seq OR min(e.seq) <> 1
            OR count(DISTINCT e.seq) <> o.log_seq
            OR bool_or(e.previous_hash <> coalesce(b.hash, ''))
        """,
    )


def nobody_is_cancelled_and_kept(cursor: CursorWrapper) -> Rows:
    """An order that is over holds nothing, and one that is paid keeps its goods."""
    return _rows(
        cursor,
        "SELECT id, status, stock FROM orderloom_order"
        " WHERE (status IN ('CANCELLED', 'EXPIRED') AND stock <> 'RELEASED')"
        " OR (status = 'PAID' AND stock <> 'KEPT') OR (status = 'CONFIRMED' AND stock <> 'HELD')",
    )


def nothing_is_undecided(cursor: CursorWrapper) -> Rows:
    """Nothing is left to be sent, asked, applied or told."""
    return _rows(
        cursor,
        """
        SELECT 'operation', id::text, concat_ws(' ', verb, status, attempt, looks, outcome)
        FROM orderloom_operation
        WHERE status IN ('PLANNED', 'SENT', 'UNKNOWN', 'IN_PROGRESS')
        UNION ALL SELECT 'delivery', id::text, receiver || ' ' || cause FROM orderloom_delivery
        WHERE status <> 'DONE'
        UNION ALL SELECT 'event', id::text, kind FROM orderloom_event WHERE NOT fanned_out
        UNION ALL SELECT 'inbox', id::text, cause FROM orderloom_inboxentry WHERE status = 'STORED'
        """,
    )


def nothing_waits_for_a_customer(cursor: CursorWrapper) -> Rows:
    """No command waits for its customer; true only where all of them have done their part."""
    return _rows(
        cursor,
        "SELECT 'operation', id::text, concat_ws(' ', verb, status, looks, due_at - now(), action)"
        " FROM orderloom_operation WHERE status = 'NEEDS_CUSTOMER'",
    )


ALWAYS: Final[tuple[Callable[[CursorWrapper], Rows], ...]] = (
    i1_sums_are_totals_and_no_provider_is_asked_for_more,
    i2_nobody_is_promised_more_than_there_is,
    i3_counters_are_what_orders_hold,
    i4_one_order_for_a_key,
    i5_no_more_goes_back_than_came,
    i8_every_event_has_one_effect_on_each_receiver,
    journals_have_no_gap,
    nobody_is_cancelled_and_kept,
)
"""What holds at every moment, under way as well."""

AT_REST: Final = (*ALWAYS, i6_nothing_is_sent_beyond_its_lease, nothing_is_undecided)
"""What holds once everything has come to an end."""


def broken(cursor: CursorWrapper, *, at_rest: bool = True) -> dict[str, Rows]:
    """Return the invariants that don't hold, each with what contradicts it."""
    asked = AT_REST if at_rest else ALWAYS
    found = {one.__name__: one(cursor) for one in asked}
    return {name: rows for name, rows in found.items() if rows}
