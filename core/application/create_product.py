"""Create a product, as a draft nobody can buy yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from core.context import tenant
from core.domain.errors import InvalidInput, NameTaken, PriceNotPositive
from core.domain.lifecycle import ProductStatus
from core.domain.lines import MAX_MINOR
from core.models import Product, Stock
from core.models.sheet import violated_rule
from hookspecs import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProduct:
    """What a product is. ``picture`` is an SVG document or an address."""

    sku: str
    name: str
    price: Money
    description: str = ""
    picture: str = ""
    tax_class: str = ""
    categories: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    on_hand: int = 0


def create_product(command: CreateProduct, *, now: datetime) -> UUID:
    """Create a draft with its stock and return its id.

    Raises:
        InvalidInput: no sku or name, too long, or a stock below zero.
        PriceNotPositive: the price isn't at least one minor unit.
        NameTaken: the sku or the name is in use.
    """
    check_product(command)
    product = Product(
        tenant_id=tenant().id,
        sku=command.sku,
        name=command.name,
        description=command.description,
        picture=command.picture,
        status=ProductStatus.DRAFT,
        price_minor=command.price.minor,
        currency=command.price.currency,
        tax_class=command.tax_class,
        categories=list(command.categories),
        attributes=dict(command.attributes),
        created_at=now,
    )
    try:
        with transaction.atomic(durable=True):
            product.save(force_insert=True)
            Stock(tenant_id=product.tenant_id, product=product, on_hand=command.on_hand).save(
                force_insert=True
            )
    except IntegrityError as exc:
        raise _refusal(violated_rule(exc), command) from exc
    return product.id


def check_product(command: CreateProduct) -> None:
    """Refuse what no product may be; whether sku and name are free is the database's word.

    Raises:
        InvalidInput: no sku or name, too long, or a stock below zero.
        PriceNotPositive: the price isn't at least one minor unit.
    """
    for name, value, longest in (("sku", command.sku, 100), ("name", command.name, 200)):
        if not value.strip() or value != value.strip() or len(value) > longest:
            raise InvalidInput(
                f"A product needs a {name} of 1 to {longest} characters, without space around it.",
                field=name,
            )
        if any(ord(character) < 32 for character in value):
            raise InvalidInput(f"The {name} has control characters in it.", field=name)
    if not 1 <= command.price.minor <= MAX_MINOR:
        raise PriceNotPositive(
            f"The price of {command.sku} has to be above zero, not {command.price}.",
            sku=command.sku,
        )
    if not 0 <= command.on_hand <= MAX_MINOR:
        raise InvalidInput(f"The stock can't be {command.on_hand}.", field="on_hand")


def _refusal(rule: str, command: CreateProduct) -> NameTaken:
    if rule == "product_sku_unique":
        return NameTaken(f"The sku {command.sku} is in use.", field="sku")
    if rule == "product_name_unique":
        return NameTaken(f"The name {command.name} is in use.", field="name")
    raise AssertionError(f"an unforeseen rule: {rule}")
