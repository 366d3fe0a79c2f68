"""Read a folder of orders: orders.csv, order_lines.csv and, if it is there, customers.csv."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from core.application.countries import country_code
from core.application.reading_csv import Columns, Row, read_table
from core.application.register_customer import RegisterCustomer
from core.application.row_errors import BROKEN_QUOTES, DUPLICATE_ID, RowError, UnreadableFile
from core.domain.errors import EmptyOrder, Refusal
from hookspecs import Address

ORDERS: Final = "orders.csv"
ORDER_LINES: Final = "order_lines.csv"
CUSTOMERS: Final = "customers.csv"
UNKNOWN_ORDER: Final = "UNKNOWN_ORDER"
BROKEN_LINE: Final = "BROKEN_LINE"
"""A line of no order; an order one of whose lines is refused."""

COLUMNS: Final = {
    ORDERS: Columns(needed=("order_id", "customer_id", "ordered_on", "freight")),
    ORDER_LINES: Columns(needed=("order_id", "product_id", "unit_price", "quantity", "discount")),
    CUSTOMERS: Columns(
        needed=("customer_id", "company"),
        optional=("contact", "city", "region", "postal_code", "country"),
    ),
}
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderLine:
    """A line as the file has it. Its price is read later: the currency is the product's."""

    row: Row
    sku: str
    quantity: int
    discount: Decimal


@dataclass(slots=True, kw_only=True)
class FolderOrder:
    """An order as the files have it, with its lines and whatever is wrong with either."""

    row: Row
    order_id: str
    placed_at: datetime
    customer_ref: str = ""
    lines: list[FolderLine] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)

    def refuse_line(self, error: RowError) -> None:
        """Refuse the order for one of its lines."""
        if not self.errors:
            text = f"Order {self.order_id} is left out for line {error.line} of {error.file}."
            self.errors.append(self.row.error(BROKEN_LINE, text))
        self.errors.append(error)


@dataclass(slots=True, kw_only=True)
class Folder:
    """What a folder holds; ``rows`` and ``lines`` count orders and lines, broken or not.

    ``customers`` is None without a file of them; ``errors`` are those that belong to no order.
    """

    rows: int = 0
    lines: int = 0
    orders: dict[str, FolderOrder] = field(default_factory=dict)
    customers: dict[str, RegisterCustomer] | None = None
    errors: list[RowError] = field(default_factory=list)


def read_folder(path: Path, *, encoding: str, now: datetime) -> Folder:
    """Read a folder whole; what is wrong with an order or with one of its lines is kept with it.

    Raises:
        UnreadableFile: orders or lines are missing, or one of the files can't be taken apart.
    """
    folder = Folder()

    def rows(name: str) -> Iterable[Row]:
        return read_table(path / name, COLUMNS[name], encoding=encoding)

    for row in rows(ORDERS):
        _read_order(folder, row, now)
    for row in rows(ORDER_LINES):
        _read_line(folder, row)
    if (path / CUSTOMERS).exists():
        folder.customers = {}
        for row in rows(CUSTOMERS):
            _read_customer(folder, folder.customers, row)
    for order in folder.orders.values():
        if not order.lines and not order.errors:
            text = f"Order {order.order_id} has no line."
            order.errors.append(order.row.error(EmptyOrder.code, text))
    return folder


def _read_order(folder: Folder, row: Row, now: datetime) -> None:
    folder.rows += 1
    order_id = row.cells.get("order_id", "")
    before = folder.orders.get(order_id)
    if before is not None:
        text = f"Order {order_id} is in line {before.row.line} already: neither is taken."
        before.errors.append(row.error(DUPLICATE_ID, text, column="order_id"))
        return
    order = FolderOrder(row=row, order_id=order_id, placed_at=now)
    try:
        if not row.broken:
            row.text("order_id", longest=_LONGEST)
            order.customer_ref = row.text("customer_id", longest=_LONGEST, empty=True)
            order.placed_at = row.moment("ordered_on", now=now)
    except Refusal as refusal:
        order.errors.append(row.refused(refusal))
    if row.broken:
        order.errors.append(row.broken)
    if order_id:
        folder.orders[order_id] = order
    else:
        folder.errors += order.errors


def _read_line(folder: Folder, row: Row) -> None:
    """Read a line; where quotes are broken nobody knows whose lines are swallowed."""
    folder.lines += 1
    if row.broken and (row.broken.code == BROKEN_QUOTES or not row.cells):
        raise UnreadableFile(row.broken)
    order_id = row.cells.get("order_id", "")
    order = folder.orders.get(order_id)
    if order is None:
        text = f"There is no order {order_id[:_LONGEST]!r} in {ORDERS}."
        folder.errors.append(row.broken or row.error(UNKNOWN_ORDER, text, column="order_id"))
        return
    if row.broken:
        order.refuse_line(row.broken)
        return
    try:
        line = FolderLine(
            row=row,
            sku=row.text("product_id", longest=_LONGEST),
            quantity=row.quantity("quantity"),
            discount=row.fraction("discount"),
        )
    except Refusal as refusal:
        order.refuse_line(row.refused(refusal))
        return
    order.lines.append(line)


def _read_customer(folder: Folder, customers: dict[str, RegisterCustomer], row: Row) -> None:
    if row.broken:
        folder.errors.append(row.broken)
        return
    try:
        customer = RegisterCustomer(
            ref=row.text("customer_id", longest=_LONGEST),
            name=row.text("company", longest=200),
            address=_address(row),
        )
    except Refusal as refusal:
        folder.errors.append(row.refused(refusal))
        return
    if customer.ref in customers:
        text = f"There is a customer {customer.ref} already."
        folder.errors.append(row.error(DUPLICATE_ID, text, column="customer_id"))
        return
    customers[customer.ref] = customer


def _address(row: Row) -> Address | None:
    if not row.cells.get("country"):
        return None
    return Address(
        country=country_code(row.cells["country"]),
        name=row.text("contact", longest=200, empty=True),
        city=row.text("city", longest=200, empty=True),
        postal_code=row.text("postal_code", longest=40, empty=True),
        region=row.text("region", longest=100, empty=True),
    )
