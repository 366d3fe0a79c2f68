"""Lines of an order as they are asked for, products as they are read, and what may be sold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from core.domain.errors import (
    CurrencyMismatch,
    InvalidInput,
    InvalidQuantity,
    OutOfStock,
    ProductNotForSale,
    UnknownProduct,
)
from core.domain.lifecycle import ProductStatus
from hookspecs import Money

MAX_LINES: Final = 10_000
"""Lines of one order; a thousand is ordinary, more than this is a mistake or an attack."""

MAX_QUANTITY: Final = 1_000_000_000
MAX_MINOR: Final = 10**15
"""The greatest total, in minor units: every sum stays well inside a 64-bit integer."""

UNIT_PRICE: Final = "unit_price"
SHIPPING: Final = "shipping"
"""Names of the terms that the core itself reads: a line's price and the order's shipping."""


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


def refuse_short(skus: Sequence[str]) -> None:
    """Say which products are short, if any are.

    Raises:
        OutOfStock: names the skus.
    """
    if skus:
        named = ", ".join(sorted(skus)[:5]) + (" and others" if len(skus) > 5 else "")
        raise OutOfStock(f"There is not enough left of {named}.", skus=sorted(skus))


def check_quantity(line: Wanted) -> None:
    """Refuse a quantity that nobody can buy.

    Raises:
        InvalidQuantity: below 1, or beyond all measure.
    """
    if type(line.quantity) is int and line.quantity > MAX_QUANTITY:
        raise InvalidQuantity(
            f"The quantity of {line.sku} is too large: at most {MAX_QUANTITY}.", sku=line.sku
        )
    if type(line.quantity) is not int or line.quantity < 1:
        raise InvalidQuantity(
            f"The quantity of {line.sku} has to be a whole number of at least 1, not {line.quantity}.",
            sku=line.sku,
        )


def check_for_sale(line: Wanted, product: Shelved | None, currency: str) -> Shelved:
    """Return the product of a line if it may be sold in this currency.

    Raises:
        UnknownProduct, ProductNotForSale, CurrencyMismatch: it may not.
    """
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
    return product


def agreed_amount(name: str, text: str, currency: str) -> Money:
    """Read an agreed amount.

    Raises:
        InvalidInput: it is no amount in the currency, or below zero.
    """
    try:
        money = Money.parse(text, currency)
    except ValueError:
        raise InvalidInput(
            f"The agreed {name} is not an amount in {currency}: {text!r}.", field=name
        ) from None
    if not 0 <= money.minor <= MAX_MINOR:
        raise InvalidInput(f"The agreed {name} can't be {text}.", field=name)
    return money
