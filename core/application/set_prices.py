"""Set what a product costs beside its own price: by currency, quantity and time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.application.move_product import announce_products
from core.domain.errors import NotFound
from core.domain.prices import ListedPrice, check_prices
from core.models import Price, Product


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPrices:
    """All prices of a product but its own; those it had are replaced."""

    sku: str
    prices: tuple[ListedPrice, ...]


def set_prices(command: SetPrices, *, now: datetime) -> bool:
    """Replace the prices of a product and announce it; return False if it had just these.

    The product stays locked meanwhile, so that no two lists mix.

    Raises:
        NotFound: no product has this sku.
        InvalidInput, PriceNotPositive, PricesOverlap: no prices may be so.
    """
    check_prices(command.prices)
    with transaction.atomic(durable=True):
        row = (
            Product.objects.select_for_update()
            .filter(sku=command.sku)
            .only("pk", "tenant_id")
            .first()
        )
        if row is None:
            raise NotFound(f"There is no product {command.sku}.", sku=command.sku)
        changed = set(command.prices) != set(listed_prices(row.pk))
        if changed:
            write_prices(row, command.prices)
            announce_products([command.sku], now=now)
    return changed


def prices_of(sku: str) -> list[ListedPrice]:
    """Return a product's prices beside its own.

    Raises:
        NotFound: no product has this sku.
    """
    row = Product.objects.filter(sku=sku).only("pk").first()
    if row is None:
        raise NotFound(f"There is no product {sku}.", sku=sku)
    return listed_prices(row.pk)


def listed_prices(product_id: UUID) -> list[ListedPrice]:
    """Return a product's prices beside its own, by currency, quantity and time."""
    rows = Price.objects.filter(product_id=product_id).order_by(
        "currency", "from_quantity", "valid_from", "pk"
    )
    names = ("currency", "from_quantity", "minor", "valid_from", "valid_until")
    return [ListedPrice(**dict(zip(names, row, strict=True))) for row in rows.values_list(*names)]


def write_prices(product: Product, prices: tuple[ListedPrice, ...]) -> None:
    """Put these prices in the place of a product's, within the caller's transaction."""
    Price.objects.filter(product_id=product.pk).delete()
    Price.objects.bulk_create(
        Price(
            tenant_id=product.tenant_id,
            product_id=product.pk,
            currency=price.currency,
            from_quantity=price.from_quantity,
            minor=price.minor,
            valid_from=price.valid_from,
            valid_until=price.valid_until,
        )
        for price in prices
    )
