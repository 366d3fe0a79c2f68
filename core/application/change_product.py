"""Change what a product is: its texts, price, categories, attributes, family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from core.application.create_product import (
    CreateProduct,
    check_product,
    name_taken,
    product_columns,
)
from core.application.move_product import announce_products
from core.domain.errors import NotFound
from core.domain.lifecycle import ProductStatus
from core.domain.products import refuse_lacking
from core.models import Category, Product
from core.models.sheet import violated_rule
from hookspecs import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeProduct:
    """Fields of ``CreateProduct``, by name, that are another from now on; stock is none of them."""

    sku: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChanged:
    """Which columns became another, and where the product stands."""

    status: str
    columns: tuple[str, ...]


def change_product(command: ChangeProduct, *, now: datetime) -> ProductChanged:
    """Change a product and announce it, if anything is another.

    Orders keep what they were placed with.

    Raises:
        NotFound: no product has this sku.
        InvalidInput, PriceNotPositive, NameTaken: no product may be so.
        NotPublishable: it is for sale, and would lack what a buyer needs.
    """
    wanted = replace(CreateProduct(sku=command.sku, name=""), **command.fields)
    try:
        with transaction.atomic(durable=True):
            products = Product.objects.select_for_update(of=("self",)).select_related("family")
            row = products.filter(sku=command.sku).first()
            if row is None:
                raise NotFound(f"There is no product {command.sku}.", sku=command.sku)
            wanted = replace(_as_it_is(row), **command.fields)
            check_product(wanted)
            columns = product_columns(wanted)
            if row.status == ProductStatus.PUBLISHED:
                refuse_lacking(
                    wanted.name,
                    priced=wanted.price is not None,
                    complete=not wanted.family or bool(columns["variant"]),
                )
            changed = {name: to for name, to in columns.items() if getattr(row, name) != to}
            if changed:
                Product.objects.filter(pk=row.pk).update(**changed)
                announce_products([row.sku], now=now)
    except IntegrityError as exc:
        raise name_taken(violated_rule(exc), wanted) from exc
    return ProductChanged(status=row.status, columns=tuple(changed))


def _as_it_is(row: Product) -> CreateProduct:
    return CreateProduct(
        sku=row.sku,
        name=row.name,
        price=None if row.price_minor is None else Money(row.price_minor, row.currency),
        description=row.description,
        picture=row.picture,
        tax_class=row.tax_class,
        categories=tuple(Category.objects.tree().own(row.categories)),
        attributes=row.attributes,
        family=row.family.name if row.family else "",
    )
