"""Import a folder of orders as history: paid elsewhere, out of stock that is booked in first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from core.application.checking_orders import Checked, Shop, check_order, read_shop, refuse
from core.application.compose_order import refuse_gone_pricing
from core.application.history import OrderTotals, book_in, read_history, sum_orders
from core.application.order_folder import CUSTOMERS, ORDER_LINES, ORDERS, Folder, read_folder
from core.application.place_order import place_order
from core.application.register_customer import RegisterCustomer, register_customer
from core.application.row_errors import RowError
from core.domain.errors import InvalidInput, NameTaken, OrderloomError
from core.hooks.registry import Registry

Progress = Callable[[str, int, int], None]
"""Is told what is done, how much of it, and of how many."""

_SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_FILES: Final = (CUSTOMERS, ORDERS, ORDER_LINES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrders:
    """Which folder, and how. ``source`` names for ever where its orders come from.

    An order is imported once per source and order id, wherever the folder lies;
    ``all_or_nothing`` writes only if every row is fine.
    """

    folder: Path
    source: str
    encoding: str = "utf-8"
    all_or_nothing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersImported:
    """What became of a folder; ``totals`` by currency are those of its orders in the shop."""

    rows: int
    lines: int
    written: bool = False
    placed: int = 0
    already_there: int = 0
    refused: int = 0
    customers: int = 0
    receipts: int = 0
    totals: Mapping[str, OrderTotals] = field(default_factory=dict)
    errors: Sequence[RowError] = ()


def import_orders(
    command: ImportOrders, *, plugins: Registry, now: datetime, progress: Progress
) -> OrdersImported:
    """Import what can be imported, each order in a transaction of its own; begin again at any time.

    Everything is checked first, without writing. Then come new customers, then stock receipts of
    what the orders will take, then the orders.

    Raises:
        InvalidInput: the source's name.
        UnreadableFile: one of the files can't be read at all.
        PricingUnavailable: a plugin whose rules count is gone.
    """
    if not _SOURCE.fullmatch(command.source):
        raise InvalidInput(
            "A source is named by up to 40 small letters, digits, dots and dashes, "
            f"not {command.source[:60]!r}.",
            field="source",
        )
    refuse_gone_pricing(plugins)
    folder = read_folder(command.folder, encoding=command.encoding, now=now)
    shop = read_shop(
        folder.orders.values(),
        history=read_history(command.source),
        customers=folder.customers,
        now=now,
    )
    checked = _check(folder, shop, plugins=plugins, now=now, progress=progress)
    waiting = [each for each in checked if not each.placed]
    outcome = OrdersImported(
        rows=folder.rows,
        lines=folder.lines,
        already_there=len(checked) - len(waiting),
        refused=folder.rows - len(checked),
        errors=_errors(folder),
    )
    if command.all_or_nothing and outcome.errors:
        return outcome
    customers = _register(shop.newcomers.values(), now=now)
    receipts = book_in(shop.history, _units(waiting), now=now)
    placed, replayed = _place(waiting, plugins=plugins, now=now, progress=progress)
    there = [each.command.key for each in checked if not each.order.errors]
    return replace(
        outcome,
        written=True,
        placed=placed,
        already_there=outcome.already_there + replayed,
        refused=folder.rows - len(there),
        customers=customers,
        receipts=receipts,
        totals=sum_orders(command.source, there),
        errors=_errors(folder),
    )


def _check(
    folder: Folder, shop: Shop, *, plugins: Registry, now: datetime, progress: Progress
) -> list[Checked]:
    fine: list[Checked] = []
    for count, order in enumerate(folder.orders.values(), 1):
        checked = check_order(order, shop, plugins=plugins, now=now)
        if checked is not None:
            fine.append(checked)
        progress("orders checked", count, len(folder.orders))
    return fine


def _register(newcomers: Iterable[RegisterCustomer], *, now: datetime) -> int:
    """Register customers who aren't there yet; somebody else may have been faster."""
    count = 0
    for newcomer in newcomers:
        try:
            register_customer(newcomer, now=now)
        except NameTaken:
            continue
        count += 1
    return count


def _units(waiting: Iterable[Checked]) -> Counter[str]:
    units: Counter[str] = Counter()
    for each in waiting:
        for line in each.order.lines:
            units[line.sku] += line.quantity
    return units


def _place(
    waiting: Sequence[Checked], *, plugins: Registry, now: datetime, progress: Progress
) -> tuple[int, int]:
    """Place what waits; return how many are new, and how many somebody else had placed by then."""
    placed = replayed = 0
    for count, each in enumerate(waiting, 1):
        try:
            again = place_order(each.command, plugins=plugins, now=now).replayed
        except OrderloomError as refusal:
            refuse(each.order, refusal)
        else:
            placed, replayed = placed + (not again), replayed + again
        progress("orders placed", count, len(waiting))
    return placed, replayed


def _errors(folder: Folder) -> list[RowError]:
    """Return all errors, file by file and line by line."""
    every = [*folder.errors, *(e for order in folder.orders.values() for e in order.errors)]
    return sorted(every, key=lambda error: (_FILES.index(error.file), error.line, error.code))
