"""An order being composed: drafts know the rules, and only a draft makes a confirmed order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Self
from uuid import UUID

from core.domain.confirmation import Confirmed, changes, read_confirmation
from core.domain.errors import (
    EmptyOrder,
    InvalidInput,
    TooManyLines,
    TotalChanged,
    TotalNotPositive,
)
from core.domain.lines import (
    MAX_LINES,
    MAX_MINOR,
    SHIPPING,
    UNIT_PRICE,
    Shelved,
    Wanted,
    agreed_amount,
    check_for_sale,
    check_quantity,
    refuse_short,
)
from core.domain.receipt import Priced
from hookspecs import Address, Customer, Money, Quote, QuoteLine

_SEAL: Final = object()


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
            check_quantity(line)
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

    def units(self) -> dict[str, int]:
        """Return the skus in it, in order, with how many of each it takes over all its lines."""
        taken: dict[str, int] = {}
        for line in self.lines:
            taken[line.sku] = taken.get(line.sku, 0) + line.quantity
        return dict(sorted(taken.items()))

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
            check_for_sale(line, shelf.get(line.sku), self.currency)
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
            else agreed_amount(SHIPPING, agreed_shipping, self.currency),
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
        confirmation: str = "",
    ) -> ConfirmedOrder:
        """Seal the draft and return the order that may be stored.

        Raises:
            TotalNotPositive: it costs nothing.
            TotalChanged: it no longer costs what the customer confirmed; says what has changed.
            InvalidInput: it costs more than can be counted, or the confirmation is no quote's.
        """
        if self.sealed:
            raise TypeError("this draft was confirmed before")
        _check_total(priced)
        confirmed = read_confirmation(confirmation) if confirmation else None
        _check_confirmed(priced, confirmed_total_minor, confirmed, shelf)
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
            else agreed_amount(UNIT_PRICE, agreed, self.currency)
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
        refuse_short([sku for sku, taken in self.units().items() if shelf[sku].available < taken])


def _check_total(priced: Priced) -> None:
    total = priced.total_minor
    if total <= 0:
        raise TotalNotPositive("An order has to cost something.", total_minor=total)
    if total > MAX_MINOR:
        raise InvalidInput("An order this large can't be counted.", field="lines")


def _check_confirmed(
    priced: Priced, minor: int | None, confirmed: Confirmed | None, shelf: Mapping[str, Shelved]
) -> None:
    total, currency = priced.total_minor, priced.quote.currency
    if confirmed is not None and confirmed.currency != currency:
        raise InvalidInput("The confirmation is in another currency.", field="confirmation")
    if minor is None:
        minor = confirmed.total_minor if confirmed else total
    if minor == total:
        return
    names = {sku: product.name for sku, product in shelf.items()}
    raise TotalChanged(
        f"The total is {Money(total, currency)} now, no longer {Money(minor, currency)}.",
        total_minor=total,
        confirmed_minor=minor,
        difference_minor=total - minor,
        currency=currency,
        changes=list(changes(confirmed, priced, names)) if confirmed else [],
    )
