"""The catalogue over the API: look, and with a key create and publish."""
# ruff: noqa: ARG001 - ninja hands every view its request and path, asked for or not

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router

from core.application.create_product import CreateProduct, create_product
from core.application.publish_product import publish_product
from core.application.queries import published_product, published_products
from core.domain.errors import NotFound, UnknownProduct
from core.http.answers import product_answer, products_answer, reply
from core.http.auth import Anyone, DoorRequest, Key
from core.http.schemas import AskedPage, AskedProduct, ProductPage, ShelfAnswer, refuse_unknown
from hookspecs import Money, Product

router = Router(tags=["products"])

_FRESH = {"Cache-Control": "no-cache"}


@router.get("/products", auth=Anyone(), response={200: ProductPage})
def products(request: DoorRequest, asked: Query[AskedPage]) -> HttpResponse:
    """List published products in order of sku, a page at a time."""
    refuse_unknown(request, AskedPage)
    found = published_products(
        after=asked.after, limit=asked.limit + 1, category=asked.category, search=asked.search
    )
    return reply(products_answer(found, limit=asked.limit), headers=_FRESH)


@router.post("/products", auth=Key("products:write"), response={201: ShelfAnswer})
def create(request: DoorRequest, asked: AskedProduct) -> HttpResponse:
    """Create a product, as a draft nobody can buy yet."""
    command = CreateProduct(
        sku=asked.sku,
        name=asked.name,
        price=Money(asked.price.minor, asked.price.currency),
        description=asked.description,
        picture=asked.picture,
        tax_class=asked.tax_class,
        categories=tuple(asked.categories),
        attributes=asked.attributes,
        on_hand=asked.on_hand,
    )
    create_product(command, now=timezone.now())
    return reply({"sku": asked.sku, "status": "DRAFT"}, status=201)


@router.post(
    "/products/{path:sku}/publish", auth=Key("products:write"), response={200: ShelfAnswer}
)
def publish(request: DoorRequest, sku: str) -> HttpResponse:
    """Publish a draft: from now on it can be bought."""
    publish_product(sku=sku, now=timezone.now())
    return reply({"sku": sku, "status": "PUBLISHED"})


@router.get("/products/{path:sku}", auth=Anyone(), response={200: Product})
def product(request: DoorRequest, sku: str) -> HttpResponse:
    """Show a published product."""
    try:
        return reply(product_answer(published_product(sku)), headers=_FRESH)
    except UnknownProduct as unknown:
        raise NotFound(unknown.text, **unknown.details) from None
