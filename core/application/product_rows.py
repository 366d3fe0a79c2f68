"""Read a product from a row of a file: its columns, what they mean, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic_core import from_json

from core.application.create_product import CreateProduct, check_product
from core.application.reading_csv import Columns, Row
from core.domain.errors import InvalidInput, Refusal
from core.domain.lifecycle import ProductStatus
from core.domain.prices import ListedPrice, check_prices
from core.domain.products import PriceNotPositive
from hookspecs import Money

COLUMNS: Final = Columns(
    needed=(
        "product_id",
        "name",
        "category",
        "quantity_per_unit",
        "unit_price",
        "currency",
        "units_in_stock",
        "discontinued",
    ),
    optional=(
        *("description", "tax_class", "picture"),
        *("status", "family", "options", "attributes", "prices"),
    ),
)
PACK: Final = "quantity_per_unit"

_TEXTS: Final = ("description", "tax_class", "picture")
_COLUMN_OF: Final = {
    "sku": "product_id",
    "name": "name",
    "on_hand": "units_in_stock",
    "from_quantity": "prices",
    "valid_from": "prices",
    "valid_until": "prices",
}
_DISCONTINUED: Final = {"0": ProductStatus.PUBLISHED, "1": ProductStatus.RETIRED}


@dataclass(slots=True, kw_only=True)
class WantedProduct:
    """A product as the file has it; what the file doesn't speak of is None, or not in ``texts``.

    ``category`` is what the cell says; ``attributes`` are all of them, ``pack`` is one of them
    that has a column of its own.
    """

    row: Row
    sku: str
    name: str
    price: Money | None
    on_hand: int
    status: ProductStatus
    category: str
    pack: str
    texts: dict[str, str]
    attributes: dict[str, str] | None
    family: str | None
    options: tuple[str, ...]
    prices: tuple[ListedPrice, ...] | None

    def all_attributes(self, there: Mapping[str, str]) -> dict[str, str]:
        """Return the attributes that a product shall have, which has these until now."""
        kept = self.attributes
        if kept is None:
            kept = {name: value for name, value in there.items() if name != PACK}
        return kept | ({PACK: self.pack} if self.pack else {})


def read_product(row: Row) -> WantedProduct:
    """Read a row.

    Raises:
        Refusal: it can't be a product; ``column_of`` says for which column.
    """
    cells = row.cells
    status = _status(row)
    price = _price(row, status)
    wanted = WantedProduct(
        row=row,
        sku=cells["product_id"],
        name=cells["name"],
        price=price,
        on_hand=row.whole("units_in_stock"),
        status=status,
        category=cells["category"],
        pack=row.text(PACK, longest=200, empty=True),
        texts={name: cells[name] for name in _TEXTS if name in cells},
        attributes=_attributes(cells["attributes"]) if "attributes" in cells else None,
        family=cells.get("family"),
        options=tuple(one.strip() for one in cells.get("options", "").split(";") if one.strip()),
        prices=_prices(cells["prices"]) if "prices" in cells else None,
    )
    if wanted.texts.get("tax_class"):
        row.text("tax_class", longest=40)
    check_product(
        CreateProduct(sku=wanted.sku, name=wanted.name, price=price, on_hand=wanted.on_hand)
    )
    return wanted


def column_of(refusal: Refusal) -> str:
    """Return the column that a refusal is about; empty if it isn't about one of ours."""
    if isinstance(refusal, PriceNotPositive) and "field" not in refusal.details:
        return "unit_price"
    return _COLUMN_OF.get(str(refusal.details.get("field", "")), "")


def _status(row: Row) -> ProductStatus:
    known = _DISCONTINUED.get(row.cells["discontinued"])
    if known is None:
        raise InvalidInput("discontinued has to be 0 or 1.", field="discontinued")
    said = row.cells.get("status")
    if not said:
        return known
    if said not in set(ProductStatus):
        raise InvalidInput(f"status has to be one of {', '.join(ProductStatus)}.", field="status")
    return ProductStatus(said)


def _price(row: Row, status: ProductStatus) -> Money | None:
    currency = row.cells["currency"]
    if status is not ProductStatus.PUBLISHED and not row.cells["unit_price"]:
        return None
    try:
        Money(0, currency)
    except ValueError as exc:
        raise InvalidInput(f"{exc}.", field="currency") from None
    return row.amount("unit_price", currency)


def _attributes(text: str) -> dict[str, str]:
    try:
        said = from_json(text) if text else {}
        if all(isinstance(value, str) for value in said.values()):
            return dict(said)
    except (ValueError, AttributeError):
        pass
    raise InvalidInput(
        'attributes have to be a JSON object of texts, such as {"colour": "red"}.',
        field="attributes",
    )


def _prices(text: str) -> tuple[ListedPrice, ...]:
    try:
        said = from_json(text) if text else []
        prices = tuple(_listed(one) for one in said)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InvalidInput(
            "prices have to be a JSON list of objects with currency and minor, and perhaps "
            "from_quantity, valid_from and valid_until.",
            field="prices",
        ) from None
    check_prices(prices)
    return prices


def _listed(said: Mapping[str, Any]) -> ListedPrice:
    times = {
        name: datetime.fromisoformat(said[name])
        for name in ("valid_from", "valid_until")
        if said.get(name) is not None
    }
    numbers = (said["minor"], said.get("from_quantity", 1))
    if any(type(number) is not int for number in numbers) or set(said) - _PRICE:
        raise ValueError("not a price")
    return ListedPrice(
        currency=said["currency"], minor=numbers[0], from_quantity=numbers[1], **times
    )


_PRICE: Final = frozenset({"currency", "minor", "from_quantity", "valid_from", "valid_until"})
