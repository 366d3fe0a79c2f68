"""Check imported orders against the shop before anything is written, and say how to place them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from core.application.compose_order import Composition, compose_order
from core.application.history import History, chunks, principal_of
from core.application.order_folder import FolderLine, FolderOrder
from core.application.place_order import PlaceOrder
from core.application.register_customer import RegisterCustomer
from core.context import tenant
from core.domain.errors import (
    CurrencyMismatch,
    IdempotencyConflict,
    OrderloomError,
    Refusal,
    TotalChanged,
    UnknownCustomer,
    UnknownProduct,
)
from core.domain.lines import Shelved, Wanted
from core.hooks.registry import Registry
from core.models import Customer as CustomerRow
from core.models.catalogue import read_shelf
from hookspecs import Customer, Money

SOURCE: Final = "import"
"""The source that imported orders bear, whatever the name of what they come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What orders are checked against: products, customers there, and customers to come."""

    shelf: Mapping[str, Shelved]
    customers: frozenset[str]
    newcomers: Mapping[str, RegisterCustomer]
    history: History


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An order that can be placed, as far as can be known; ``placed`` if it is there already."""

    order: FolderOrder
    command: PlaceOrder
    placed: bool


class _Agreed(NamedTuple):
    """A product at agreed terms: an order has one line of it, however many the files have."""

    sku: str
    price: Money
    discount: Decimal

    def wanted(self, quantity: int) -> Wanted:
        terms = {"unit_price": str(self.price.decimal)}
        if self.discount:
            terms["discount"] = f"{self.discount:f}"
        return Wanted(sku=self.sku, quantity=quantity, terms=terms)

    def minor(self, quantity: int) -> int:
        goods = self.price * quantity
        return (goods - goods.percent(self.discount * 100)).minor


def read_shop(
    orders: Iterable[FolderOrder],
    *,
    history: History,
    customers: Mapping[str, RegisterCustomer] | None,
    now: datetime,
) -> Shop:
    """Read products and customers that orders name; without ``customers`` all may be new.

    Prices are the products' own, since those of the orders were agreed.
    """
    named = list(orders)
    refs = {order.customer_ref for order in named} - {""}
    known: set[str] = set()
    for some in chunks(sorted(refs | set(customers or ()))):
        known.update(CustomerRow.objects.filter(ref__in=some).values_list("ref", flat=True))
    shelf: dict[str, Shelved] = {}
    for skus in chunks(sorted({line.sku for order in named for line in order.lines})):
        units = dict.fromkeys(skus, 1)
        shelf |= read_shelf(tenant_id=tenant().id, units=units, currency="", now=now)
    if customers is None:
        customers = {ref: RegisterCustomer(ref=ref) for ref in sorted(refs)}
    newcomers = {ref: each for ref, each in customers.items() if ref not in known}
    return Shop(shelf=shelf, customers=frozenset(known), newcomers=newcomers, history=history)


def check_order(
    order: FolderOrder, shop: Shop, *, plugins: Registry, now: datetime
) -> Checked | None:
    """Return how to place an order; None if it can't be, with the reasons in its errors."""
    if order.errors:
        return None
    command = _command(order, shop)
    if command is None:
        return None
    before = shop.history.digests.get(command.key)
    try:
        if before is None:
            _foresee(command, order, shop, plugins=plugins, now=now)
        elif before != command.digest():
            raise IdempotencyConflict(
                f"Order {order.order_id} was imported before, with other content."
            )
    except OrderloomError as refusal:
        refuse(order, refusal)
        return None
    return Checked(order=order, command=command, placed=before is not None)


def refuse(order: FolderOrder, refusal: OrderloomError) -> None:
    """Note a refusal at the line it is about, or at the order."""
    if isinstance(refusal, TotalChanged):
        currency = refusal.details["currency"]
        priced, filed = refusal.details["total_minor"], refusal.details["confirmed_minor"]
        text = (
            f"The files come to {Money(filed, currency)}, the shop's rules to "
            f"{Money(priced, currency)}: is a rule missing, or one too many?"
        )
        order.errors.append(order.row.error(refusal.code, text))
        return
    sku = refusal.details.get("sku")
    for line in order.lines:
        if line.sku == sku:
            order.refuse_line(line.row.refused(refusal, column="product_id"))
            return
    order.errors.append(order.row.refused(refusal))


def _command(order: FolderOrder, shop: Shop) -> PlaceOrder | None:
    """Read amounts in the products' currency, and say how to place the order."""
    currency = ""
    units: dict[_Agreed, int] = {}
    for line in order.lines:
        try:
            product = _product(line, shop, currency)
            currency = product.currency
            price = line.row.amount("unit_price", currency)
        except Refusal as refusal:
            order.refuse_line(line.row.refused(refusal))
            continue
        agreed = _Agreed(line.sku, price, line.discount)
        units[agreed] = units.get(agreed, 0) + line.quantity
    if not units:
        return None
    try:
        freight = order.row.amount("freight", currency)
        _check_customer(order, shop)
    except Refusal as refusal:
        order.errors.append(order.row.refused(refusal))
    if order.errors:
        return None
    reference = f"{shop.history.source}:{order.order_id}"
    return PlaceOrder(
        composition=Composition(
            lines=tuple(agreed.wanted(quantity) for agreed, quantity in units.items()),
            currency=currency,
            terms={"shipping": str(freight.decimal)},
            terms_allowed=True,
            customer_ref=order.customer_ref or None,
        ),
        principal=principal_of(shop.history.source),
        key=reference,
        source=SOURCE,
        confirmed_total_minor=sum(agreed.minor(n) for agreed, n in units.items()) + freight.minor,
        placed_at=order.placed_at,
        collected_elsewhere=reference,
        notify=False,
    )


def _product(line: FolderLine, shop: Shop, currency: str) -> Shelved:
    product = shop.shelf.get(line.sku)
    if product is None:
        raise UnknownProduct(f"There is no product {line.sku}.", field="product_id")
    if currency and product.currency != currency:
        text = f"{product.name} is sold in {product.currency}, other lines are in {currency}."
        raise CurrencyMismatch(text, field="product_id")
    return product


def _check_customer(order: FolderOrder, shop: Shop) -> None:
    ref = order.customer_ref
    if ref and ref not in shop.customers and ref not in shop.newcomers:
        raise UnknownCustomer(f"There is no customer {ref}.", field="customer_id")


def _foresee(
    command: PlaceOrder, order: FolderOrder, shop: Shop, *, plugins: Registry, now: datetime
) -> None:
    """Compose the order as placing it will; customers and stock that are to come are taken as there."""
    composition = command.composition
    newcomer = shop.newcomers.get(order.customer_ref)
    if newcomer:
        contact = Customer(ref=newcomer.ref, name=newcomer.name)
        composition = replace(composition, customer_ref=None, contact=contact)
    composed = compose_order(composition, plugins=plugins, now=now, check_stock=False)
    composed.draft.confirm(
        priced=composed.priced,
        shelf=composed.shelf,
        confirmed_total_minor=command.confirmed_total_minor,
    )
