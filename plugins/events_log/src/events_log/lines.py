"""What a line says, and how it gets onto the disk whole."""

from __future__ import annotations

import errno
import json
import os
from typing import Any

from events_log.settings import Settings
from hookspecs import Event, OrderEvent, OrderSnapshot, PaymentEvent, ProductEvent


def line_of(hook: str, event: Event) -> bytes:
    """Return one line of JSON for an event: ids, codes and amounts, nothing about a person."""
    said: dict[str, Any] = {
        "hook": hook,
        "id": event.id,
        "at": event.at.isoformat(),
        "tenant": event.tenant,
    }
    match event:
        case OrderEvent():
            said |= _order(event.order)
        case PaymentEvent():
            said |= _order(event.order) | {
                "payment_id": event.payment_id,
                "strategy_code": event.strategy_code,
                "amount_minor": event.amount.minor,
            }
        case ProductEvent():
            said["skus"] = list(event.skus)
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _order(order: OrderSnapshot) -> dict[str, Any]:
    return {
        "order": order.number,
        "lines": len(order.lines),
        "total_minor": order.total.minor,
        "currency": order.total.currency,
    }


def append(line: bytes, settings: Settings) -> None:
    """Append a line in one write, so that lines of several processes never mix.

    Raises:
        OSError: it isn't written whole; a rest that was left is closed with a line end.

    """
    path = settings.file
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        written = os.write(file, line)
        if written < len(line):
            os.write(file, b"\n")
            raise OSError(errno.ENOSPC, "only a part of the line could be written", str(path))
        if settings.fsync:
            os.fsync(file)
    finally:
        os.close(file)
