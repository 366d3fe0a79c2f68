"""Quotes and orders over the API: price, place, look at, cancel, fulfil."""
# ruff: noqa: ARG001 - ninja hands every view its request and path, asked for or not

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.compose_order import Composition
from core.application.fulfil_order import fulfil_order
from core.application.place_order import PlaceOrder, place_order
from core.application.queries import order_page
from core.application.quote_order import QuoteOrder, quote_order
from core.application.read_order import read_order
from core.conf import conf
from core.domain.errors import InvalidInput, KeyMissing, NotAllowed, NotFound
from core.domain.lines import Wanted
from core.http.answers import order_answer, placed_answer, reply
from core.http.auth import Anyone, Caller, DoorRequest, Key, OrderHolder, read_id
from core.http.schemas import (
    AskedAddress,
    AskedOrder,
    AskedQuote,
    AskedReason,
    OrderAnswer,
    PlacedAnswer,
)
from core.http.shop import confirmed_minor, priced_basket
from hookspecs import Address, Customer, Money, PricedBasket

router = Router(tags=["orders"])

IDEMPOTENT: Final = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": "A random one, such as a UUID: the same key gives the same answer.",
        }
    ]
}


@router.post("/quotes", auth=Anyone(), response={200: PricedBasket})
def quote(request: DoorRequest, asked: AskedQuote) -> HttpResponse:
    """Say what an order would cost now, and why. Nothing is reserved."""
    command = QuoteOrder(composition=_composition(asked, request.auth))
    composed = quote_order(command, plugins=request.registry, now=request.now)
    return reply(priced_basket(composed))


@router.post("/orders", auth=Anyone(), response={201: PlacedAnswer}, openapi_extra=IDEMPOTENT)
def place(request: DoorRequest, asked: AskedOrder) -> HttpResponse:
    """Place an order: reserve its goods and store it, or change nothing."""
    total = asked.confirmed_total
    confirmed = Money(total.minor, total.currency) if total else None
    command = PlaceOrder(
        composition=_composition(asked, request.auth),
        principal=request.auth.principal,
        key=idempotency_key(request),
        source="API",
        confirmed_total_minor=confirmed_minor(confirmed, asked.currency or conf().currency),
        confirmation=asked.confirmation,
    )
    placed = place_order(command, plugins=request.registry, now=request.now)
    return reply(placed_answer(placed), status=201)


@router.get("/orders/{order_id}", auth=OrderHolder("orders:read"), response={200: OrderAnswer})
def show(request: DoorRequest, order_id: str) -> HttpResponse:
    """Show an order to whoever holds its token, or to a key with the scope orders:read."""
    return _shown(request)


@router.post(
    "/orders/{order_id}/cancel", auth=OrderHolder("orders:write"), response={200: OrderAnswer}
)
def cancel(request: DoorRequest, order_id: str, asked: AskedReason) -> HttpResponse:
    """Cancel an order; what was paid for it is given back."""
    command = CancelOrder(order_id=opened(request), reason=asked.reason)
    cancel_order(command, plugins=request.registry, now=timezone.now())
    return _shown(request)


@router.post("/orders/{order_id}/fulfil", auth=Key("orders:write"), response={200: OrderAnswer})
def fulfil(request: DoorRequest, order_id: str) -> HttpResponse:
    """Mark a paid order as handed over."""
    found = read_id(order_id)
    fulfil_order(found, now=timezone.now())
    return reply(order_answer(order_page(found, plugins=request.registry)))


def idempotency_key(request: HttpRequest) -> str:
    """Return the key that the caller named this request by.

    Raises:
        KeyMissing: there is none.
        InvalidInput: it is longer than 200 characters, or not of printable ASCII.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        raise KeyMissing("This needs a header Idempotency-Key, such as a UUID.")
    if len(key) > 200 or not (key.isascii() and key.isprintable()):
        raise InvalidInput(
            "An Idempotency-Key has at most 200 printable ASCII characters.",
            field="Idempotency-Key",
        )
    return key


def opened(request: DoorRequest) -> UUID:
    """Return the id of the order that the caller was let in for.

    Raises:
        NotFound: there is none.
    """
    if request.auth.order_id is None:
        raise NotFound("There is no such order, or none that you may see.")
    return request.auth.order_id


def _shown(request: DoorRequest) -> HttpResponse:
    page = read_order(opened(request), plugins=request.registry)
    return reply(order_answer(page))


def _composition(asked: AskedQuote, caller: Caller) -> Composition:
    if asked.customer_ref is not None and not caller.may("orders:write"):
        raise NotAllowed("Naming a customer needs the scope orders:write.", scope="orders:write")
    contact = asked.contact
    return Composition(
        lines=tuple(
            Wanted(
                sku=line.sku,
                quantity=line.quantity,
                attributes=line.attributes,
                terms=line.terms,
            )
            for line in asked.lines
        ),
        currency=asked.currency,
        terms=asked.terms,
        terms_allowed=caller.may("orders:terms"),
        customer_ref=asked.customer_ref,
        contact=Customer(
            ref="",
            email=contact.email,
            name=contact.name,
            locale=contact.locale,
            time_zone=contact.time_zone,
        )
        if contact
        else None,
        bill_to=_address(asked.bill_to),
        ship_to=_address(asked.ship_to),
        coupons=frozenset(asked.coupons),
        shipping_method=asked.shipping_method,
        payment_strategy=asked.payment_strategy,
    )


def _address(asked: AskedAddress | None) -> Address | None:
    if asked is None:
        return None
    return Address(
        country=asked.country,
        name=asked.name,
        street=tuple(asked.street),
        city=asked.city,
        postal_code=asked.postal_code,
        region=asked.region,
    )
