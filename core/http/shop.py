"""What pages of plugins are handed at ``request.shop``: the use cases in the page's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import PydanticSerializationError, to_json

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.compose_order import Composed, Composition
from core.application.place_order import PlaceOrder, place_order
from core.application.queries import (
    order_by_token,
    order_page,
    payment_choices,
    steps_seen,
)
from core.application.quote_order import QuoteOrder, quote_order
from core.application.read_cached import read_cached
from core.application.read_order import read_order
from core.application.read_products import categories, published_product, published_products
from core.application.resume_payment import ResumePayment, resume_payment
from core.application.start_payment import StartPayment, start_payment
from core.conf import conf
from core.context import tenant
from core.domain.confirmation import confirmation_of
from core.domain.errors import InvalidInput, NotFound, OrderloomError
from core.domain.lines import Wanted
from core.hooks.registry import Registry
from core.http.errors import spoken
from hookspecs import (
    Basket,
    Money,
    OrderLine,
    OrderPage,
    PaymentChoice,
    PaymentView,
    PlacedOrder,
    PricedBasket,
    Product,
    Refused,
)

_PRINCIPAL = "shop"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundShop:
    """The shop of one request: bound to its tenant, its registry and its moment."""

    registry: Registry
    now: datetime

    @property
    def tenant(self) -> str:
        """Whose shop it is: what a plugin's own rows name it by."""
        return tenant().slug

    def products(
        self,
        *,
        after: str = "",
        limit: int = 50,
        category: str = "",
        search: str = "",
        family: str = "",
        one_per_family: bool = False,
    ) -> Sequence[Product]:
        """Return published products in order of sku, those greater than ``after``."""
        with _refusing(after, category, search, family):
            return published_products(
                now=self.now,
                after=after,
                limit=limit,
                category=category,
                search=search,
                family=family,
                one_per_family=one_per_family,
            )

    def categories(self) -> Mapping[str, str]:
        """Return the categories in their order, each with the one above it, empty at the top."""
        return categories()

    def product(self, sku: str, /) -> Product:
        """Return one published product."""
        with _refusing(sku):
            return published_product(sku, now=self.now)

    def quote(self, basket: Basket, /) -> PricedBasket:
        """Price a basket. Nothing is reserved."""
        with _refusing(basket):
            asked = QuoteOrder(composition=_composition(basket))
            return priced_basket(quote_order(asked, plugins=self.registry, now=self.now))

    def payment_choices(self, basket: Basket, /) -> Sequence[PaymentChoice]:
        """Return the ways this basket could be paid."""
        total = self.quote(basket).total
        return payment_choices(
            plugins=self.registry, currency=total.currency, total_minor=total.minor
        )

    def place_order(
        self,
        basket: Basket,
        /,
        *,
        key: str,
        confirmed_total: Money | None = None,
        confirmation: str = "",
    ) -> PlacedOrder:
        """Place the order. The same ``key`` gives the same order; another total is refused."""
        with _refusing(basket, key, confirmation):
            command = PlaceOrder(
                composition=_composition(basket),
                principal=_PRINCIPAL,
                key=key,
                source="SHOP",
                confirmed_total_minor=confirmed_minor(confirmed_total, conf().currency),
                confirmation=confirmation,
            )
            placed = place_order(command, plugins=self.registry, now=self.now)
        return PlacedOrder(
            order_id=str(placed.order_id),
            number=placed.number,
            token=placed.token,
            total=placed.total,
        )

    def start_payment(
        self,
        order_id: str,
        token: str,
        code: str,
        /,
        *,
        key: str,
        return_url: str,
        cancel_url: str,
        inputs: Mapping[str, str] | None = None,
    ) -> PaymentView:
        """Begin to pay an order. The same ``key`` gives the same payment."""
        with _refusing(code, key, dict(inputs or {})):
            command = StartPayment(
                order_id=self._opened(order_id, token),
                strategy_code=code,
                principal=f"order:{order_id}",
                key=key,
                return_url=return_url,
                cancel_url=cancel_url,
                inputs=dict(inputs or {}),
            )
            step = start_payment(command, plugins=self.registry, now=self.now)
            return self._payment(step.order_id, step.payment_id)

    def resume_payment(
        self, order_id: str, token: str, payment_id: str, returned: Mapping[str, str], /
    ) -> PaymentView:
        """Go on after the customer came back with ``returned``."""
        with _refusing(dict(returned)):
            command = ResumePayment(
                order_id=self._opened(order_id, token),
                payment_id=_id(payment_id),
                returned=dict(returned),
            )
            step = resume_payment(command, plugins=self.registry, now=self.now)
            return self._payment(step.order_id, step.payment_id)

    def order(self, order_id: str, token: str, /) -> OrderPage:
        """Return an order; a wrong token is as good as no such order."""
        with _refusing():
            return read_order(self._opened(order_id, token), plugins=self.registry)

    def cancel_order(self, order_id: str, token: str, /, *, reason: str = "") -> OrderPage:
        """Cancel an order; what was paid for it is given back."""
        with _refusing(reason):
            command = CancelOrder(order_id=self._opened(order_id, token), reason=reason)
            cancel_order(command, plugins=self.registry, now=self.now)
        return self.order(order_id, token)

    def cached(self, namespace: str, keys: Sequence[str], /) -> Mapping[str, Any]:
        """Return what a warmer's namespace holds for these keys, loading what is missing."""
        with _refusing(namespace, list(keys)):
            return read_cached(namespace, keys, plugins=self.registry)

    def _opened(self, order_id: str, token: str) -> UUID:
        return order_by_token(order_id, token, now=self.now)

    def _payment(self, order_id: UUID, payment_id: UUID) -> PaymentView:
        page = order_page(order_id, plugins=self.registry)
        return next(one for one in page.payments if one.payment_id == str(payment_id))


@contextmanager
def _refusing(*said: Any) -> Iterator[None]:
    """Check that what was said can be stored, and turn our refusals into the page's."""
    try:
        for each in said:
            _check(each)
        yield
    except OrderloomError as error:
        raise Refused(error.code, *spoken(error)) from error


def _check(said: Any) -> None:
    try:
        written = to_json(said, fallback=dict)
    except (PydanticSerializationError, UnicodeError):
        written = b"\\u0000"
    if b"\\u0000" in written:
        raise InvalidInput("There is something in it that is no text.")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such payment.") from None


def _composition(basket: Basket) -> Composition:
    return Composition(
        lines=tuple(
            Wanted(sku=line.sku, quantity=line.quantity, attributes=dict(line.attributes))
            for line in basket.lines
        ),
        contact=basket.contact,
        bill_to=basket.bill_to,
        ship_to=basket.ship_to,
        coupons=basket.coupons,
        shipping_method=basket.shipping_method,
        payment_strategy=basket.payment_strategy,
    )


def confirmed_minor(confirmed: Money | None, currency: str) -> int | None:
    """Return the total that was confirmed, in minor units of the order's currency.

    Raises:
        InvalidInput: it was confirmed in another currency.
    """
    if confirmed is None:
        return None
    if confirmed.currency != currency:
        raise InvalidInput(
            f"The total was confirmed in {confirmed.currency}; the order is in {currency}.",
            field="confirmed_total",
        )
    return confirmed.minor


def priced_basket(composed: Composed) -> PricedBasket:
    """Return a composed order in the words of plugins' pages."""
    priced = composed.priced
    currency = priced.quote.currency

    def money(minor: int) -> Money:
        return Money(minor, currency)

    return PricedBasket(
        lines=tuple(
            OrderLine(
                line_id=quoted.line_id,
                sku=quoted.sku,
                name=composed.shelf[quoted.sku].name,
                quantity=quoted.quantity,
                unit_price=quoted.list_price,
                tax=money(paid.tax_minor),
                total=money(paid.total_minor),
            )
            for quoted, paid in zip(priced.quote.lines, priced.lines, strict=True)
        ),
        goods=money(priced.goods_minor),
        shipping=money(priced.shipping_minor),
        fees=money(priced.fees_minor),
        tax=money(priced.tax_minor),
        rounding=money(priced.rounding_minor),
        total=money(priced.total_minor),
        prices_include_tax=priced.prices_include_tax,
        steps=steps_seen(priced.steps, currency),
        shipping_choices=composed.shipping_choices,
        confirmation=confirmation_of(priced),
    )
