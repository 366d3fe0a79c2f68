"""`plugins trace [ORDER | --last N]`: which plugins an order has met, when, and how that ended."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from pydantic_core import to_jsonable_python

from core.application.trace_orders import TracedCall, trace_orders
from core.context import TenantRef, acting_for
from core.management.verbs.verb import Teller, Verb
from core.models import Tenant

__all__ = ["TRACE"]


def _trace(teller: Teller, options: dict[str, Any]) -> int:
    row = Tenant.objects.filter(slug=options["tenant"]).first()
    if row is None:
        raise CommandError(f"There is no tenant {options['tenant']}.")
    with acting_for(TenantRef(id=row.id, slug=row.slug)):
        found = trace_orders(named=options["order"], last=options["last"])
    if teller.as_json:
        teller.json(to_jsonable_python([asdict(one) for one in found]))
        return 0
    for order in found:
        teller.line(f"{order.number}  {order.status}  {order.placed_at:%Y-%m-%d %H:%M:%S}")
        if order.calls:
            columns = ("when", "plugin", "version", "call", "outcome", "attempts")
            teller.table(columns, [_row(call) for call in order.calls])
    return 0


def _row(call: TracedCall) -> tuple[str, ...]:
    at = f"{call.at:%Y-%m-%d %H:%M:%S.%f}" if call.at else "not yet"
    return (at, call.plugin, call.version, call.call, call.outcome, str(call.attempts))


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("order", nargs="?", help="its number or id")
    parser.add_argument("--last", type=int, default=1, metavar="N", help="else the last N orders")
    parser.add_argument("--tenant", default="default", help="whose shop")


TRACE: Final = Verb(
    name="trace",
    about="which plugins were called for an order, and how that ended",
    run=_trace,
    arguments=_arguments,
)
