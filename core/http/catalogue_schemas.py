"""What the API is asked about the catalogue, and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from core.http.schemas import Asked, AskedMoney, Currency, Name, Picture, Prose, Sku, Texts, Word
from hookspecs import Money, Product


def _near(moment: datetime) -> datetime:
    if moment.tzinfo is None or not 1970 <= moment.year <= 9000:
        raise ValueError("needs a time zone, and a year from 1970 to 9000")
    return moment


Moment = Annotated[datetime, Field(strict=False), AfterValidator(_near)]
TaxClass = Annotated[Word, StringConstraints(max_length=40)]
Quantity = Annotated[int, Field(ge=-(10**9), le=10**9)]
Reason = Annotated[Name, StringConstraints(min_length=1, max_length=200)]


class AskedProduct(Asked):
    """A product, to begin with a draft; a category may be a path such as ``Drinks > Tea``."""

    sku: Sku
    name: Name
    price: AskedMoney | None = None
    description: Prose = ""
    picture: Picture = ""
    tax_class: TaxClass = ""
    categories: list[Name] = Field(default_factory=list, max_length=50)
    attributes: Texts = Field(default_factory=dict)
    family: Name = ""
    on_hand: int = Field(default=0, ge=0, le=10**15)


class AskedChange(Asked):
    """What of a product shall be another; whatever is left out stays as it is."""

    name: Name = ""
    price: AskedMoney | None = None
    description: Prose = ""
    picture: Picture = ""
    tax_class: TaxClass = ""
    categories: list[Name] = Field(default_factory=list, max_length=50)
    attributes: Texts = Field(default_factory=dict)
    family: Name = ""


class AskedPrice(Asked):
    """What one costs in a currency, from a quantity on, from one moment until another."""

    currency: Currency
    minor: int = Field(ge=-(10**15), le=10**15)
    from_quantity: int = Field(default=1, ge=-(10**9), le=10**9)
    valid_from: Moment | None = None
    valid_until: Moment | None = None


class AskedPrices(Asked):
    """All prices of a product but its own."""

    prices: list[AskedPrice] = Field(max_length=500)


class AskedReceipt(Asked):
    """Units that came or, negative, went, and why."""

    quantity: Quantity
    reason: Reason


class AskedCount(Asked):
    """How many lie on the shelf, those promised to orders included, and why they were counted."""

    counted: Quantity
    reason: Reason


class AskedFamily(Asked):
    """A family: what its variants are variants of, and what sets them apart."""

    name: Name
    options: list[Word] = Field(max_length=5)


class AskedCategory(Asked):
    """A category; ``parent`` is the name of the one above it."""

    name: Word
    slug: Word = ""
    parent: Word = ""
    position: int = Field(default=0, ge=-(10**9), le=10**9)


class AskedCategoryChange(Asked):
    """What of a category shall be another; an empty ``parent`` puts it at the top."""

    name: Word = ""
    slug: Word = ""
    parent: Word = ""
    position: int = Field(default=0, ge=-(10**9), le=10**9)


class AskedPage(BaseModel):
    """Which page of products: those after a sku, at most a hundred."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    after: Word = ""
    limit: int = Field(default=50, ge=1, le=100)
    category: Word = ""
    search: Word = ""
    family: Name = ""
    one_per_family: bool = False


class ProductPage(BaseModel):
    """Products in order of sku; ``next`` goes into ``after`` for the next page, null at the end."""

    items: list[Product]
    next: str | None


class ShelfAnswer(BaseModel):
    """Where a product stands."""

    sku: str
    status: str


class PriceAnswer(BaseModel):
    """A price beside the product's own."""

    price: Money
    from_quantity: int
    valid_from: datetime | None
    valid_until: datetime | None


class PricesAnswer(BaseModel):
    """All prices of a product but its own."""

    sku: str
    prices: list[PriceAnswer]


class ReceiptAnswer(BaseModel):
    """What was booked: units that came or went, and what was counted, if somebody counted."""

    sku: str
    quantity: int
    counted: int | None
    reason: str
    received_at: datetime


class CategoryAnswer(BaseModel):
    """A category and the slugs it may be asked for by; ``parent`` is the name of the one above."""

    name: str
    slug: str
    parent: str
    position: int


class CategoriesAnswer(BaseModel):
    """All categories in their order."""

    items: list[CategoryAnswer]


class FamilyAnswer(BaseModel):
    """A family."""

    name: str
    options: list[str]
