"""Publish, retire and delete products: the one way from draft to the shop and out of it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from core.context import tenant
from core.domain.errors import NotFound, WrongState
from core.domain.journal import PRODUCT_CHANGED
from core.domain.lifecycle import ProductStatus, product_sources
from core.domain.products import refuse_lacking
from core.models import Event, Product


def move_product(*, sku: str, target: ProductStatus, now: datetime) -> None:
    """Move a product to ``target`` and announce it.

    Raises:
        NotFound: no product has this sku.
        WrongState: it can't go there from where it stands.
        NotPublishable: it lacks what a buyer needs.
    """
    movable = Product.objects.filter(sku=sku, status__in=product_sources(target))
    published = target is ProductStatus.PUBLISHED
    if published:
        movable = movable.filter(price_minor__isnull=False).exclude(
            Q(family__isnull=False) & Q(variant="")
        )
    with transaction.atomic(durable=True):
        moved = movable.update(status=target, **({"published_at": now} if published else {}))
        if moved:
            announce_products([sku], now=now)
    if not moved:
        refuse_move(sku, target)


def announce_products(skus: list[str], *, now: datetime) -> None:
    """Write the event that products changed, within the caller's transaction."""
    Event(tenant_id=tenant().id, kind=PRODUCT_CHANGED, at=now, data={"skus": sorted(skus)}).save(
        force_insert=True
    )


def refuse_move(sku: str, target: str) -> None:
    """Say why a product can't be moved.

    Raises:
        NotFound: no product has this sku.
        WrongState: it stands where it can't go from.
        NotPublishable: it lacks what a buyer needs.
    """
    product = Product.objects.filter(sku=sku).first()
    if product is None:
        raise NotFound(f"There is no product {sku}.", sku=sku)
    publishing = target == ProductStatus.PUBLISHED
    if publishing and product.status in product_sources(ProductStatus.PUBLISHED):
        refuse_lacking(
            product.name,
            priced=product.price_minor is not None,
            complete=product.family_id is None or bool(product.variant),
        )
    raise WrongState(
        f"{product.name} is {product.status.lower()} and can't become {target.lower()}.",
        status=product.status,
        wanted=str(target),
    )
