"""A shop in memory that keeps the Protocol `Shop`, and the middleware that hands it to pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from hookspecs import (
    Basket,
    ClientConfirm,
    Customer,
    Input,
    Money,
    OrderLine,
    OrderPage,
    OrderSnapshot,
    PaymentChoice,
    PaymentView,
    PlacedOrder,
    PricedBasket,
    Product,
    ReceiptStep,
    Redirect,
    Refused,
    ShippingChoice,
    Show,
    TimelineEntry,
)

DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ACTIONS: dict[str, Any] = {
    "card": Redirect(url="https://pay.example/hosted?id=1&lang=en"),
    "form": Redirect(url="https://pay.example/post", fields={"token": 'a"b'}),
    "script": ClientConfirm(script="https://js.example/v1.js", data={"client_secret": "s3"}),
    "transfer": Show(text="Send it to our account.", details={"IBAN": "XX00 1234"}),
}
CHOICES = (
    PaymentChoice(code="card", label="Card"),
    PaymentChoice(code="form", label="Card by form"),
    PaymentChoice(code="script", label="Card in the page"),
    PaymentChoice(code="transfer", label="Bank transfer"),
    PaymentChoice(
        code="gift",
        label="Gift card",
        inputs=(Input(name="number", label="Number"), Input(name="pin", label="PIN", secret=True)),
    ),
    PaymentChoice(code="refusing", label="Out of order"),
    PaymentChoice(code="slow", label="Slow"),
)


def product(sku: str, minor: int = 1000, **more: Any) -> Product:
    """Return a product that can be bought."""
    given = {"name": f"Thing {sku}", "available": 50, "picture": DRAWING} | more
    return Product(sku=sku, price=Money(minor, "EUR"), **given)


@dataclass
class Kept:
    """An order, and what was called for it."""

    placed: PlacedOrder
    page: OrderPage
    basket: Basket
    calls: list[tuple[str, Any]] = field(default_factory=list)


@dataclass
class MemoryShop:
    """Products by sku; ten per cent off from ten pieces; 4.90 for shipping outside of Germany."""

    stock: dict[str, Product] = field(default_factory=dict)
    orders: dict[str, Kept] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    choices: tuple[PaymentChoice, ...] = CHOICES
    refuse: dict[str, Refused] = field(default_factory=dict)
    ways: dict[str, Money] = field(default_factory=dict)
    codes: frozenset[str] = frozenset({"SPRING"})
    changed: dict[str, Any] = field(default_factory=dict)
    tree: dict[str, str] = field(default_factory=dict)

    def _maybe(self, verb: str) -> None:
        if verb in self.refuse:
            raise self.refuse[verb]

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
        self._maybe("products")
        found = [self.stock[sku] for sku in sorted(self.stock) if sku > after]
        found = [one for one in found if not family or one.family == family]
        if one_per_family:
            first = {one.family: one for one in reversed(found)}
            found = [one for one in found if not one.family or first[one.family] is one]
        found = [one for one in found if not category or category in one.categories]
        return [one for one in found if search.lower() in one.name.lower()][:limit]

    def categories(self) -> Mapping[str, str]:
        return self.tree or {n: "" for one in self.stock.values() for n in one.categories}

    def product(self, sku: str, /) -> Product:
        if sku not in self.stock:
            raise Refused("UNKNOWN_PRODUCT", "no such product", {"sku": sku})
        return self.stock[sku]

    def quote(self, basket: Basket, /) -> PricedBasket:
        self._maybe("quote")
        nothing = Money(0, "EUR")
        lines, steps, off = [], [], nothing
        for number, line in enumerate(basket.lines):
            if line.sku not in self.stock:
                raise Refused("UNKNOWN_PRODUCT", "unknown", {"sku": line.sku})
            one = self.stock[line.sku]
            full = one.price * line.quantity
            less = -full.percent(Decimal(10)) if line.quantity >= 10 else nothing
            off += less
            lines.append(
                OrderLine(
                    line_id=str(number), sku=line.sku, name=one.name, quantity=line.quantity,
                    unit_price=one.price, tax=nothing, total=full + less,
                )
            )  # fmt: skip
        goods = sum((line.total for line in lines), nothing)
        steps.append(
            ReceiptStep(
                phase="LINE", rule="volume", label="Volume discount", applied=bool(off),
                reason="ten or more" if off else "no line of ten pieces",
                proposed=off, accepted=off, running=goods,
            )
        )  # fmt: skip
        abroad = basket.ship_to is not None and basket.ship_to.country != "DE"
        for code in sorted(basket.coupons - self.codes):
            raise Refused("COUPON_UNKNOWN", "unknown", {"coupon": code})
        shipping = Money(490 if abroad else 0, "EUR")
        shipping += self.ways.get(basket.shipping_method or "", nothing)
        choices = [ShippingChoice(code=c, label=c.title(), price=p) for c, p in self.ways.items()]
        return PricedBasket(
            lines=tuple(lines), goods=goods, shipping=shipping, fees=nothing,
            tax=goods.percent(Decimal(16)), rounding=nothing, total=goods + shipping,
            prices_include_tax=True, steps=tuple(steps), shipping_choices=tuple(choices),
            confirmation="as shown",
        )  # fmt: skip

    def payment_choices(self, basket: Basket, /) -> Sequence[PaymentChoice]:
        self._maybe("payment_choices")
        return self.choices

    def place_order(
        self, basket: Basket, /, *,
        key: str, confirmed_total: Money | None = None, confirmation: str = "",
    ) -> PlacedOrder:  # fmt: skip
        self._maybe("place_order")
        if key in self.keys:
            return self.keys[key]
        priced = self.quote(basket)
        if confirmed_total is not None and confirmed_total != priced.total:
            raise Refused("TOTAL_CHANGED", "the total changed", self.changed)
        if self.ways and basket.shipping_method not in self.ways:
            raise Refused("SHIPPING_METHOD_MISSING", "choose one")
        number = f"2026-{len(self.orders) + 1:04}"
        placed = PlacedOrder(
            order_id=f"id{len(self.orders)}", number=number, token="t0ken", total=priced.total
        )
        snapshot = OrderSnapshot(
            number=number, tenant="default", placed_at=AT, lines=priced.lines,
            customer=basket.contact or Customer(ref=""), shipping=priced.shipping, fees=priced.fees,
            tax=priced.tax, rounding=priced.rounding, total=priced.total, ship_to=basket.ship_to,
        )  # fmt: skip
        page = OrderPage(
            order_id=placed.order_id, order=snapshot, status="CONFIRMED", payment_status="NONE",
            payments=(), timeline=(TimelineEntry(at=AT, kind="order_placed"),), steps=priced.steps,
            choices=self.choices, can_cancel=True,
        )  # fmt: skip
        self.orders[placed.order_id] = Kept(placed, page, basket)
        self.keys[key] = placed
        return placed

    def _kept(self, order_id: str, token: str) -> Kept:
        if order_id not in self.orders or token != "t0ken":
            raise Refused("NOT_FOUND", "no such order")
        return self.orders[order_id]

    def _pay(self, kept: Kept, payment: PaymentView, **more: Any) -> PaymentView:
        others = tuple(p for p in kept.page.payments if p.payment_id != payment.payment_id)
        kept.page = replace(kept.page, payments=(*others, payment), **more)
        return payment

    def start_payment(
        self, order_id: str, token: str, code: str, /, *, key: str, return_url: str,
        cancel_url: str, inputs: Mapping[str, str] | None = None,
    ) -> PaymentView:  # fmt: skip
        kept = self._kept(order_id, token)
        self._maybe("start_payment")
        if key in self.keys:
            return self.keys[key]
        kept.calls.append((code, {"return": return_url, "cancel": cancel_url, **(inputs or {})}))
        if code == "refusing":
            raise Refused("PLUGIN_UNAVAILABLE", "not loaded", {"plugin": "refusing"})
        status = {"gift": "CAPTURED", "slow": "UNRESOLVED"}.get(code, "REQUIRES_ACTION")
        payment = PaymentView(
            payment_id=f"p{len(kept.calls)}", code=code, label=code.capitalize(), status=status,
            amount=kept.placed.total, action=ACTIONS.get(code),
        )  # fmt: skip
        self.keys[key] = payment
        more = {"gift": {"status": "PAID", "payment_status": "PAID", "choices": ()}}
        return self._pay(kept, payment, **more.get(code, {"undecided": code == "slow"}))

    def resume_payment(
        self, order_id: str, token: str, payment_id: str, returned: Mapping[str, str], /
    ) -> PaymentView:
        kept = self._kept(order_id, token)
        self._maybe("resume_payment")
        kept.calls.append(("resume", dict(returned)))
        payment = next(p for p in kept.page.payments if p.payment_id == payment_id)
        if returned.get("result") == "declined":
            no = replace(payment, status="DECLINED", action=None, text="Your card was declined.")
            return self._pay(kept, no)
        paid = replace(payment, status="CAPTURED", action=None)
        return self._pay(kept, paid, status="PAID", payment_status="PAID", choices=())

    def order(self, order_id: str, token: str, /) -> OrderPage:
        return self._kept(order_id, token).page

    def cancel_order(self, order_id: str, token: str, /, *, reason: str = "") -> OrderPage:
        kept = self._kept(order_id, token)
        self._maybe("cancel_order")
        kept.calls.append(("cancel", reason))
        kept.page = replace(kept.page, status="CANCELLED", choices=(), can_cancel=False)
        return kept.page

    def cached(self, namespace: str, keys: Sequence[str], /) -> Mapping[str, Any]:
        return {}


class ShopMiddleware:
    """Put the shop of the running test on each request."""

    shop: ClassVar[MemoryShop]

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.shop = self.shop  # type: ignore[attr-defined]
        return self.get_response(request)
