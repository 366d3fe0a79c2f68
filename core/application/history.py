"""What a source of imported orders has brought so far: its orders, and the stock booked for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from django.db.models import Count, Max, Sum

from core.application.receive_stock import ReceiveStock, receive_stock
from core.domain.errors import IdempotencyConflict
from core.models import Order, OrderLine, StockReceipt
from hookspecs import Money

CHUNK: Final = 500
"""Values that go into one query."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was imported from a source: digests by order key, units sold and booked in by sku."""

    source: str
    digests: Mapping[str, str]
    sold: Mapping[str, int]
    booked: Mapping[str, int]

    def lacking(self, needed: Mapping[str, int]) -> dict[str, int]:
        """Return the units to book in so that orders which take ``needed`` leave the rest alone."""
        left = {sku: self.booked.get(sku, 0) - self.sold.get(sku, 0) for sku in needed}
        return {sku: units - left[sku] for sku, units in needed.items() if units > left[sku]}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTotals:
    """What imported orders of one currency come to.

    ``other`` are fees, rounding and taxes on top; ``largest`` the goods of the largest order.
    """

    orders: int
    goods: Money
    freight: Money
    other: Money
    total: Money
    largest: Money


def principal_of(source: str) -> str:
    """Return in whose name a source's orders are placed."""
    return f"import:{source}"


def read_history(source: str) -> History:
    """Read what a source has brought; the receipts first, so that two imports book alike."""
    booked: Counter[str] = Counter()
    receipts = StockReceipt.objects.filter(key__startswith=f"{principal_of(source)}:")
    for sku, units in receipts.values_list("product__sku", "quantity"):
        booked[sku] += units
    digests: dict[str, str] = {}
    sold: Counter[str] = Counter()
    lines = OrderLine.objects.filter(order__idem_principal=principal_of(source))
    for key, digest, sku, quantity in lines.values_list(
        "order__idem_key", "order__idem_digest", "sku", "quantity"
    ).iterator():
        digests[key] = digest
        sold[sku] += quantity
    return History(source=source, digests=digests, sold=sold, booked=booked)


def book_in(history: History, needed: Mapping[str, int], *, now: datetime) -> int:
    """Book in what orders will take beyond what is booked already; return how many receipts.

    The key says how much is booked in altogether afterwards, so that two imports at once and one
    that is begun again book nothing twice.
    """
    name, booked = principal_of(history.source), 0
    for sku, units in sorted(history.lacking(needed).items()):
        receipt = ReceiveStock(
            sku=sku,
            quantity=units,
            reason=f"Sold before, as {name} says",
            key=f"{name}:{sku}:{history.booked.get(sku, 0) + units}",
        )
        try:
            booked += receive_stock(receipt, now=now)
        except IdempotencyConflict:
            continue  # another import of the same has booked as much, in other steps
    return booked


def sum_orders(source: str, keys: Iterable[str]) -> dict[str, OrderTotals]:
    """Return by currency what the orders under some keys of a source come to."""
    sums: dict[str, Counter[str]] = {}
    largest: Counter[str] = Counter()
    for some in chunks(keys):
        found = Order.objects.filter(idem_principal=principal_of(source), idem_key__in=some)
        for row in (
            found.order_by()
            .values("currency")
            .annotate(
                orders=Count("id"),
                goods=Sum("goods_minor"),
                freight=Sum("shipping_minor"),
                total=Sum("total_minor"),
                largest=Max("goods_minor"),
            )
        ):
            currency = row["currency"]
            largest[currency] = max(largest[currency], row["largest"])
            counted = {
                "orders": row["orders"],
                "goods": row["goods"],
                "freight": row["freight"],
                "total": row["total"],
            }
            sums.setdefault(currency, Counter()).update(counted)
    return {
        currency: _totals(counted, largest[currency], currency)
        for currency, counted in sorted(sums.items())
    }


def _totals(counted: Mapping[str, int], largest: int, currency: str) -> OrderTotals:
    goods, freight, total = (Money(counted[n], currency) for n in ("goods", "freight", "total"))
    return OrderTotals(
        orders=counted["orders"],
        goods=goods,
        freight=freight,
        other=total - goods - freight,
        total=total,
        largest=Money(largest, currency),
    )


def chunks(values: Iterable[T]) -> Iterator[Sequence[T]]:
    """Cut values into pieces that fit into one query."""
    left = iter(values)
    while some := list(islice(left, CHUNK)):
        yield some
