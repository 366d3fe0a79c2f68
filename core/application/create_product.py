"""Create a product, as a draft nobody can buy yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from core.application.categorise import categorise, paths_of
from core.context import tenant
from core.domain.errors import InvalidInput, NameTaken
from core.domain.lifecycle import ProductStatus
from core.domain.lines import MAX_MINOR
from core.domain.products import PriceNotPositive, spell_variant
from core.models import Family, Product, Stock
from core.models.sheet import violated_rule
from hookspecs import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProduct:
    """What a product is. ``picture`` is an SVG document or an address.

    A draft may do without a price. ``family`` names what it is a variant of; its ``attributes``
    then say what the family's options ask for. Categories that aren't there yet are made.
    """

    sku: str
    name: str
    price: Money | None = None
    description: str = ""
    picture: str = ""
    tax_class: str = ""
    categories: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    family: str = ""
    on_hand: int = 0


def create_product(command: CreateProduct, *, now: datetime) -> UUID:
    """Create a draft with its stock and return its id.

    Raises:
        InvalidInput: no sku or name, too long, no such family, or a stock below zero.
        PriceNotPositive: the price isn't at least one minor unit.
        NameTaken: the sku or the name is in use, or the family has such a variant.
    """
    check_product(command)
    try:
        with transaction.atomic(durable=True):
            product = Product(
                tenant_id=tenant().id,
                sku=command.sku,
                status=ProductStatus.DRAFT,
                created_at=now,
                **product_columns(command),
            )
            product.save(force_insert=True)
            Stock(
                tenant_id=product.tenant_id,
                product=product,
                on_hand=command.on_hand,
                opening=command.on_hand,
            ).save(force_insert=True)
    except IntegrityError as exc:
        raise name_taken(violated_rule(exc), command) from exc
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
    if command.price is not None and not 1 <= command.price.minor <= MAX_MINOR:
        raise PriceNotPositive(
            f"The price of {command.sku} has to be above zero, not {command.price}.",
            sku=command.sku,
        )
    if not 0 <= command.on_hand <= MAX_MINOR:
        raise InvalidInput(f"The stock can't be {command.on_hand}.", field="on_hand")


def product_columns(command: CreateProduct) -> dict[str, Any]:
    """Return the columns that say what a product is, within the caller's transaction.

    Raises:
        InvalidInput: no such family, or a category that lies elsewhere.
    """
    paths, price = paths_of(command.categories), command.price
    family = Family.objects.filter(name=command.family).first() if command.family else None
    if command.family and family is None:
        raise InvalidInput(f"There is no family {command.family}.", field="family")
    return {
        "name": command.name,
        "description": command.description,
        "picture": command.picture,
        "price_minor": price.minor if price else None,
        "currency": price.currency if price else "",
        "tax_class": command.tax_class,
        "categories": categorise(paths).closed(path[-1] for path in paths),
        "attributes": dict(command.attributes),
        "family_id": family.pk if family else None,
        "variant": spell_variant(family.options, command.attributes) if family else "",
    }


def name_taken(rule: str, command: CreateProduct) -> NameTaken:
    """Return the refusal for a constraint that keeps names apart."""
    if rule == "product_sku_unique":
        return NameTaken(f"The sku {command.sku} is in use.", field="sku")
    if rule == "product_name_unique":
        return NameTaken(f"The name {command.name} is in use.", field="name")
    if rule == "product_variant_unique":
        return NameTaken(f"{command.family} has such a variant already.", field="attributes")
    raise AssertionError(f"an unforeseen rule: {rule}")
