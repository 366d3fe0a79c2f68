"""The catalogue over the API: look, and with a key create, price, publish and retire."""
# ruff: noqa: ARG001 - ninja hands every view its request and path, asked for or not

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router

from core.application.change_product import ChangeProduct, change_product
from core.application.create_product import CreateProduct, create_product
from core.application.delete_product import delete_product
from core.application.publish_product import publish_product
from core.application.read_products import published_product, published_products
from core.application.retire_product import retire_product
from core.application.set_prices import SetPrices, prices_of, set_prices
from core.domain.errors import NotFound, UnknownProduct
from core.domain.prices import ListedPrice
from core.http.answers import prices_answer, product_answer, products_answer, reply
from core.http.auth import Anyone, DoorRequest, Key
from core.http.catalogue_schemas import (
    AskedChange,
    AskedPage,
    AskedPrices,
    AskedProduct,
    PricesAnswer,
    ProductPage,
    ShelfAnswer,
)
from core.http.schemas import AskedMoney, refuse_unknown
from hookspecs import Money, Product

router = Router(tags=["products"])

_FRESH = {"Cache-Control": "no-cache"}
_WRITES = Key("products:write")


@router.get("/products", auth=Anyone(), response={200: ProductPage})
def products(request: DoorRequest, asked: Query[AskedPage]) -> HttpResponse:
    """List published products in order of sku, a page at a time."""
    refuse_unknown(request, AskedPage)
    found = published_products(
        now=request.now, **asked.model_dump(exclude={"limit"}), limit=asked.limit + 1
    )
    return reply(products_answer(found, limit=asked.limit), headers=_FRESH)


@router.post("/products", auth=_WRITES, response={201: ShelfAnswer})
def create(request: DoorRequest, asked: AskedProduct) -> HttpResponse:
    """Create a product, as a draft nobody can buy yet."""
    command = CreateProduct(
        sku=asked.sku,
        name=asked.name,
        price=_money(asked.price),
        description=asked.description,
        picture=asked.picture,
        tax_class=asked.tax_class,
        categories=tuple(asked.categories),
        attributes=asked.attributes,
        family=asked.family,
        on_hand=asked.on_hand,
    )
    create_product(command, now=timezone.now())
    return reply({"sku": asked.sku, "status": "DRAFT"}, status=201)


@router.post("/products/{path:sku}/publish", auth=_WRITES, response={200: ShelfAnswer})
def publish(request: DoorRequest, sku: str) -> HttpResponse:
    """Publish a draft: from now on it can be bought."""
    publish_product(sku=sku, now=timezone.now())
    return reply({"sku": sku, "status": "PUBLISHED"})


@router.post("/products/{path:sku}/retire", auth=_WRITES, response={200: ShelfAnswer})
def retire(request: DoorRequest, sku: str) -> HttpResponse:
    """Retire a product: only agreed terms sell it from now on."""
    retire_product(sku=sku, now=timezone.now())
    return reply({"sku": sku, "status": "RETIRED"})


@router.get("/products/{path:sku}/prices", auth=_WRITES, response={200: PricesAnswer})
def prices(request: DoorRequest, sku: str) -> HttpResponse:
    """Show what a product costs beside its own price."""
    return reply(prices_answer(sku, prices_of(sku)))


@router.put("/products/{path:sku}/prices", auth=_WRITES, response={200: PricesAnswer})
def price(request: DoorRequest, sku: str, asked: AskedPrices) -> HttpResponse:
    """Replace what a product costs beside its own price: by currency, quantity and time."""
    listed = tuple(ListedPrice(**one.model_dump()) for one in asked.prices)
    set_prices(SetPrices(sku=sku, prices=listed), now=timezone.now())
    return reply(prices_answer(sku, prices_of(sku)))


@router.get("/products/{path:sku}", auth=Anyone(), response={200: Product})
def product(request: DoorRequest, sku: str) -> HttpResponse:
    """Show a published product."""
    try:
        return reply(product_answer(published_product(sku, now=request.now)), headers=_FRESH)
    except UnknownProduct as unknown:
        raise NotFound(unknown.text, **unknown.details) from None


@router.patch("/products/{path:sku}", auth=_WRITES, response={200: ShelfAnswer})
def change(request: DoorRequest, sku: str, asked: AskedChange) -> HttpResponse:
    """Change what a product is; what is left out stays as it is."""
    fields = asked.model_dump(include=asked.model_fields_set)
    if "price" in fields:
        fields["price"] = _money(asked.price)
    if "categories" in fields:
        fields["categories"] = tuple(asked.categories)
    status = change_product(ChangeProduct(sku=sku, fields=fields), now=timezone.now()).status
    return reply({"sku": sku, "status": status})


@router.delete("/products/{path:sku}", auth=_WRITES, response={204: None})
def delete(request: DoorRequest, sku: str) -> HttpResponse:
    """Delete a draft; what was ever for sale can only be retired."""
    delete_product(sku=sku)
    return HttpResponse(status=204)


def _money(asked: AskedMoney | None) -> Money | None:
    return None if asked is None else Money(asked.minor, asked.currency)
