"""The two Django signals, sent by the relay with `send_robust`, after the fact, at least once."""

from __future__ import annotations

from django.dispatch import Signal

order_placed = Signal()
"""`sender` is the Order model; `order` its row, `event_id` what tells a repeat."""

payment_processed = Signal()
"""`sender` is the Payment model; `payment` its row, `outcome` CAPTURED, DECLINED or REFUNDED,
`event_id` what tells a repeat."""
