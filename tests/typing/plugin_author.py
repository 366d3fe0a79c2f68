"""A plugin of every kind with everything it may do, as an author writes it; checked, never run.

mypy --strict and pyright read it against the installed wheel, without stubs of the author's own.
"""

# pyright: strict

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, assert_type

from hookspecs import (
    Accepted,
    Adjustment,
    Basket,
    BasketLine,
    CacheWarmer,
    Call,
    CaptureRequest,
    Captures,
    Catalogue,
    ChannelInfo,
    ClientConfirm,
    DeclineCode,
    Declined,
    Delivered,
    DeliveryReceipt,
    Done,
    Event,
    Fact,
    FactKind,
    Feature,
    Finding,
    Group,
    HasStatement,
    Healthy,
    InProgress,
    Input,
    InquireRequest,
    Message,
    Mode,
    Money,
    NeedsCustomer,
    NotConfigured,
    NotFound,
    Notice,
    NotificationChannel,
    NotSent,
    OrderEvent,
    OrderPage,
    Outcome,
    PaymentEvent,
    PaymentInfo,
    PaymentStrategy,
    Phase,
    Prepares,
    PricingRule,
    Probes,
    ProductEvent,
    Quote,
    ReadsReceipts,
    ReadsWebhooks,
    Redirect,
    RefundRequest,
    Refunds,
    Refused,
    Resend,
    ResumeRequest,
    Resumes,
    RuleInfo,
    Secret,
    Shop,
    Show,
    Skip,
    StartRequest,
    Subscription,
    Target,
    Tax,
    TaxInfo,
    TaxRule,
    Undeliverable,
    Unhealthy,
    Unknown,
    Untrusted,
    VoidRequest,
    Voids,
    WarmerInfo,
    Webhook,
    hookimpl,
    setting,
)


class Region(StrEnum):
    EU = "EU"
    US = "US"


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    name: str = setting(label="Name")
    opens: timedelta = setting(label="Opens after", default=timedelta(hours=8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    key: Secret = setting(label="Key", help="It is never shown")
    account: str = setting(label="Account")
    limit: Money = setting(label="Largest amount", default=Money(100_000, "EUR"))
    share: Decimal = setting(label="Per cent", default=Decimal(10), minimum=0, maximum=100)
    mode: Literal["live", "test"] = setting(label="Mode", default="test")
    region: Region = setting(label="Region", default=Region.EU)
    tills: tuple[Till, ...] = setting(label="Tills", default=())
    note: str | None = setting(label="Note", default=None)

    def __post_init__(self) -> None:
        if not self.key:
            raise NotConfigured("key: give one")


# ── A way to pay ──────────────────────────────────────────────────────────────────────────────
class Strategy:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def info(self) -> PaymentInfo:
        return PaymentInfo(
            code="author",
            label="Author",
            features=frozenset({Feature.PARTIAL_REFUND, Feature.HARMLESS_START}),
            maximum=(self._settings.limit,),
            inputs=(Input(name="iban", label="IBAN", secret=True),),
            account=self._settings.account,
        )

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        if not call.seconds_left():
            return NotSent(cause="too late", retry_after=timedelta(seconds=5))
        match request.inputs.get("iban"):
            case None:
                return NeedsCustomer(action=Redirect(url=request.return_url))
            case "show":
                return NeedsCustomer(action=Show(text=f"Pay {request.amount}"))
            case iban:
                return NeedsCustomer(
                    action=ClientConfirm(script="https://a.example/x.js", data={"iban": iban}),
                    expires_at=request.order.placed_at + timedelta(days=1),
                )

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        if "cancelled" in request.returned:
            return Declined(code=DeclineCode.ABANDONED, text="Cancelled")
        return InProgress(check_after=timedelta(minutes=1), reference=request.reference)

    def capture(self, request: CaptureRequest, call: Call, /) -> Outcome:
        fact = Fact(
            kind=FactKind.CAPTURED,
            object_id=f"ca-{request.operation_id}",
            amount=request.amount,
            parent_id=request.authorization_id,
            account=self._settings.account,
        )
        return Done(facts=(fact,), reference=request.reference)

    def void(self, request: VoidRequest, call: Call, /) -> Outcome:
        return Unknown(cause="time-out") if request.authorization_id is None else Done()

    def refund(self, request: RefundRequest, call: Call, /) -> Outcome:
        assert_type(request.amount.minor, int)
        return Declined(code=DeclineCode.NOT_SUPPORTED, text=request.reason)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        return NotFound() if request.reference else Resend()

    def read_webhook(
        self, webhook: Webhook, call: Call, /
    ) -> Sequence[Notice] | Untrusted | Unknown:
        if webhook.headers.get("signature") != self._settings.key.reveal():
            return Untrusted(cause="not signed")
        return [Notice(event_id="1", reference=webhook.body.decode())]

    def statement(self, since: datetime, until: datetime, call: Call, /) -> Iterator[Notice]:
        yield Notice(event_id=f"{since:%s}-{until:%s}")

    def probe(self, call: Call, /) -> Healthy | Unhealthy:
        return Healthy() if self._settings.key else Unhealthy(cause="no key")


@hookimpl
def payment_strategies(settings: Settings) -> Iterable[PaymentStrategy]:
    return [Strategy(settings)]


# ── Reasons for a price ───────────────────────────────────────────────────────────────────────
class Rule:
    info = RuleInfo(
        key="author",
        label="Author",
        phase=Phase.ORDER,
        group=Group(name="best-of", mode=Mode.BEST),
        optional=True,
    )

    def prepare(self, quote: Quote, call: Call, /) -> Mapping[str, Any]:
        return {"seen": len(quote.lines)}

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        if not quote.prepared.get("seen"):
            return Skip(reason="nothing bought")
        off = -quote.subtotal.percent(Decimal("2.5"))
        return (Adjustment(target=Target.ORDER, amount=off, reason="2.5 %"),)


class Vat:
    @property
    def info(self) -> TaxInfo:
        return TaxInfo(key="author-vat", label="VAT")

    def rates(self, quote: Quote, /) -> Sequence[Tax] | Skip:
        return [Tax(target=line.line_id, rate=Decimal(19), code="VAT") for line in quote.lines]


@hookimpl
def pricing_rules() -> Iterable[PricingRule | TaxRule]:
    yield Rule()
    yield Vat()


# ── A way to tell people ──────────────────────────────────────────────────────────────────────
class Channel:
    info = ChannelInfo(
        code="author",
        label="Author",
        address="email",
        subscriptions=(Subscription(event="order_paid", audience="staff", template="order_paid"),),
    )

    def deliver(self, message: Message, call: Call, /) -> Delivered:
        return Accepted(reference=message.id) if message.to.address else Undeliverable(cause="none")

    def read_receipt(
        self, webhook: Webhook, call: Call, /
    ) -> Sequence[DeliveryReceipt] | Untrusted | Unknown:
        return [DeliveryReceipt(event_id="1", arrived=False, message_id=webhook.headers["id"])]


@hookimpl
def notification_channels(settings: Settings) -> list[NotificationChannel]:
    return [Channel()] if settings.account else []


# ── A warm cache ──────────────────────────────────────────────────────────────────────────────
class Warmer:
    info = WarmerInfo(
        namespace="author",
        label="Author",
        depends_on=frozenset({"product_changed"}),
        ttl=timedelta(hours=1),
    )

    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Iterable[str]:
        return change.skus if isinstance(change, ProductEvent) else catalogue.skus(limit=10)

    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        return {one.sku: {"name": one.name} for one in catalogue.products(keys)}


@hookimpl
def cache_warmers() -> tuple[CacheWarmer, ...]:
    return (Warmer(),)


# ── Tells, pages, and everything an offer may be besides ──────────────────────────────────────
@hookimpl
def order_placed(event: OrderEvent) -> None:
    assert_type(event.order.total, Money)


@hookimpl
def payment_captured(event: PaymentEvent, settings: Settings) -> None:
    print(settings.account, event.amount)


def page(shop: Shop) -> OrderPage | str:
    basket = Basket(lines=(BasketLine(sku="tea", quantity=2),))
    try:
        placed = shop.place_order(basket, key="k", confirmed_total=shop.quote(basket).total)
        return shop.order(placed.order_id, placed.token)
    except Refused as refusal:
        return refusal.text


def plays(strategy: Strategy, rule: Rule, channel: Channel) -> tuple[object, ...]:
    """Each role on its own: a parameter of that type takes it."""
    resumes: Resumes = strategy
    captures: Captures = strategy
    voids: Voids = strategy
    refunds: Refunds = strategy
    reads: ReadsWebhooks = strategy
    lists: HasStatement = strategy
    probes: Probes = strategy
    prepares: Prepares = rule
    bounces: ReadsReceipts = channel
    return resumes, captures, voids, refunds, reads, lists, probes, prepares, bounces
