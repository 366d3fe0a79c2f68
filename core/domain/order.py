"""An order being composed: drafts know the rules, and only a draft makes a confirmed order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Self
from uuid import UUID

from core.domain.errors import (
    CurrencyMismatch,
    EmptyOrder,
    InvalidInput,
    InvalidQuantity,
    OutOfStock,
    ProductNotForSale,
    TooManyLines,
    TotalChanged,
    TotalNotPositive,
    UnknownProduct,
)
from core.domain.lifecycle import ProductStatus
from core.domain.receipt import Priced
from hookspecs import Address, Customer, Money, Quote, QuoteLine

MAX_LINES: Final = 10_000
"""Lines of one order; a thousand is ordinary, more than this is a mistake or an attack."""

MAX_QUANTITY: Final = 1_000_000_000
MAX_MINOR: Final = 10**15
"""The greatest total, in minor units: every sum stays well inside a 64-bit integer."""

UNIT_PRICE: Final = "unit_price"
SHIPPING: Final = "shipping"
"""Names of the terms that the core itself reads: a line's price and the order's shipping."""

_SEAL: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One line as somebody asks for it. ``terms`` come from staff and imports only."""

    sku: str
    quantity: int
    attributes: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A product as it was read for composing an order."""

    product_id: UUID
    sku: str
    name: str
    status: str
    price_minor: int
    currency: str
    tax_class: str
    categories: frozenset[str]
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedLine:
    """One line of a confirmed order; amounts in minor units."""

    position: int
    product_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price_minor: int
    adjustment_minor: int
    tax_minor: int
    total_minor: int
    attributes: Mapping[str, str]
    terms: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedOrder:
    """An order that may be stored: it has lines and a positive total. Only a draft makes one."""

    currency: str
    lines: tuple[ConfirmedLine, ...]
    priced: Priced
    seal: object = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse to be made by anything but ``OrderDraft.confirm``."""
        if self.seal is not _SEAL:
            raise TypeError("only OrderDraft.confirm makes a ConfirmedOrder")

    def units(self) -> dict[UUID, int]:
        """Return how many units of each product the order takes, over all its lines."""
        taken: dict[UUID, int] = {}
        for line in self.lines:
            taken[line.product_id] = taken.get(line.product_id, 0) + line.quantity
        return taken


@dataclass(slots=True)
class OrderDraft:
    """What somebody wants, checked line by line; sealed once it is confirmed.

    The same sku twice is one line if attributes and terms agree, two lines otherwise.
    """

    currency: str
    lines: tuple[Wanted, ...]
    terms: Mapping[str, str]
    sealed: bool = False

    @classmethod
    def of(
        cls, *, currency: str, wanted: Iterable[Wanted], terms: Mapping[str, str] | None = None
    ) -> Self:
        """Compose a draft.

        Raises:
            EmptyOrder: nothing is wanted.
            TooManyLines: more than ``MAX_LINES``.
            InvalidQuantity: a quantity below 1, or beyond all measure.
        """
        merged: dict[tuple[Any, ...], int] = {}
        for line in wanted:
            _check_quantity(line)
            key = (
                line.sku,
                tuple(sorted(line.attributes.items())),
                tuple(sorted(line.terms.items())),
            )
            merged[key] = merged.get(key, 0) + line.quantity
            if len(merged) > MAX_LINES:
                raise TooManyLines(f"An order may have {MAX_LINES} lines at most.", limit=MAX_LINES)
        if not merged:
            raise EmptyOrder("An order needs at least one line.")
        lines = tuple(
            Wanted(
                sku=sku,
                quantity=quantity,
                attributes=MappingProxyType(dict(attributes)),
                terms=MappingProxyType(dict(agreed)),
            )
            for (sku, attributes, agreed), quantity in merged.items()
        )
        return cls(currency=currency, lines=lines, terms=MappingProxyType(dict(terms or {})))

    @property
    def has_terms(self) -> bool:
        """Whether anything in it was agreed with staff or imported."""
        return bool(self.terms) or any(line.terms for line in self.lines)

    def skus(self) -> list[str]:
        """Return the skus in it, each once, in order."""
        return sorted({line.sku for line in self.lines})

    def quote(
        self,
        *,
        shelf: Mapping[str, Shelved],
        tenant: str,
        now: datetime,
        customer: Customer | None,
        prices_include_tax: bool,
        coupons: frozenset[str] = frozenset(),
        shipping_method: str | None = None,
        payment_strategy: str | None = None,
        ship_to: Address | None = None,
        check_stock: bool = True,
    ) -> Quote:
        """Look every line up on the shelf and return the quote that pricing starts from.

        Raises:
            UnknownProduct: no product has the sku.
            ProductNotForSale: a draft; or retired, and the line has no agreed price.
            CurrencyMismatch: the product has no price in the draft's currency.
            OutOfStock: fewer units on the shelf than wanted, for all lines at once.
            InvalidInput: terms that can't be read.
        """
        for line in self.lines:
            _check_for_sale(line, shelf.get(line.sku), self.currency)
        if check_stock:
            self._check_stock(shelf)
        zero = Money(0, self.currency)
        agreed_shipping = self.terms.get(SHIPPING)
        return Quote(
            tenant=tenant,
            currency=self.currency,
            now=now,
            lines=tuple(
                self._quote_line(position, line, shelf[line.sku], zero)
                for position, line in enumerate(self.lines, 1)
            ),
            customer=customer,
            shipping=zero
            if agreed_shipping is None
            else _agreed(SHIPPING, agreed_shipping, self.currency),
            fees=zero,
            tax=zero,
            rounding=zero,
            shipping_method=shipping_method,
            payment_strategy=payment_strategy,
            coupons=coupons,
            prices_include_tax=prices_include_tax,
            ship_to=ship_to,
        )

    def confirm(
        self,
        *,
        priced: Priced,
        shelf: Mapping[str, Shelved],
        confirmed_total_minor: int | None = None,
    ) -> ConfirmedOrder:
        """Seal the draft and return the order that may be stored.

        Raises:
            TotalNotPositive: it costs nothing.
            TotalChanged: it no longer costs what the customer confirmed.
            InvalidInput: it costs more than can be counted.
        """
        if self.sealed:
            raise TypeError("this draft was confirmed before")
        _check_total(priced, confirmed_total_minor, self.currency)
        lines = tuple(
            ConfirmedLine(
                position=position,
                product_id=shelf[wanted.sku].product_id,
                sku=wanted.sku,
                name=shelf[wanted.sku].name,
                quantity=wanted.quantity,
                unit_price_minor=quoted.list_price.minor,
                adjustment_minor=paid.adjustment_minor,
                tax_minor=paid.tax_minor,
                total_minor=paid.total_minor,
                attributes=wanted.attributes,
                terms=wanted.terms,
            )
            for position, (wanted, quoted, paid) in enumerate(
                zip(self.lines, priced.quote.lines, priced.lines, strict=True), 1
            )
        )
        self.sealed = True
        return ConfirmedOrder(currency=self.currency, lines=lines, priced=priced, seal=_SEAL)

    def _quote_line(self, position: int, line: Wanted, product: Shelved, zero: Money) -> QuoteLine:
        agreed = line.terms.get(UNIT_PRICE)
        price = (
            Money(product.price_minor, product.currency)
            if agreed is None
            else _agreed(UNIT_PRICE, agreed, self.currency)
        )
        return QuoteLine(
            line_id=str(position),
            sku=line.sku,
            quantity=line.quantity,
            list_price=price,
            amount=price * line.quantity,
            floor=zero,
            tax_class=product.tax_class,
            attributes=line.attributes,
            terms=line.terms,
            categories=product.categories,
        )

    def _check_stock(self, shelf: Mapping[str, Shelved]) -> None:
        wanted: dict[str, int] = {}
        for line in self.lines:
            wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
        refuse_short([sku for sku, quantity in wanted.items() if shelf[sku].available < quantity])


def refuse_short(skus: Sequence[str]) -> None:
    """Say which products are short, if any are.

    Raises:
        OutOfStock: names the skus.
    """
    if skus:
        named = ", ".join(sorted(skus)[:5]) + (" and others" if len(skus) > 5 else "")
        raise OutOfStock(f"There is not enough left of {named}.", skus=sorted(skus))


def _check_quantity(line: Wanted) -> None:
    if type(line.quantity) is not int or not 1 <= line.quantity <= MAX_QUANTITY:
        raise InvalidQuantity(
            f"The quantity of {line.sku} has to be a whole number of at least 1, not {line.quantity}.",
            sku=line.sku,
        )


def _check_for_sale(line: Wanted, product: Shelved | None, currency: str) -> None:
    if product is None:
        raise UnknownProduct(f"There is no product {line.sku}.", sku=line.sku)
    agreed = UNIT_PRICE in line.terms
    if product.status != ProductStatus.PUBLISHED and not (
        agreed and product.status == ProductStatus.RETIRED
    ):
        raise ProductNotForSale(f"{product.name} is not for sale.", sku=line.sku)
    if product.currency != currency and not agreed:
        raise CurrencyMismatch(
            f"{product.name} has no price in {currency}.", sku=line.sku, currency=currency
        )


def _agreed(name: str, text: str, currency: str) -> Money:
    try:
        money = Money.parse(text, currency)
    except ValueError:
        raise InvalidInput(
            f"The agreed {name} is not an amount in {currency}: {text!r}.", field=name
        ) from None
    if not 0 <= money.minor <= MAX_MINOR:
        raise InvalidInput(f"The agreed {name} can't be {text}.", field=name)
    return money


def _check_total(priced: Priced, confirmed_minor: int | None, currency: str) -> None:
    total = priced.total_minor
    if total <= 0:
        raise TotalNotPositive("An order has to cost something.", total_minor=total)
    if total > MAX_MINOR:
        raise InvalidInput("An order this large can't be counted.", field="lines")
    if confirmed_minor is not None and confirmed_minor != total:
        raise TotalChanged(
            f"The total is {Money(total, currency)} now, no longer "
            f"{Money(confirmed_minor, currency)}.",
            total_minor=total,
            confirmed_minor=confirmed_minor,
            difference_minor=total - confirmed_minor,
            currency=currency,
        )
