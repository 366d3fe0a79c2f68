"""What an Orderloom plugin is written against: this page, and nothing else.

A plugin is a pip package. Its entry point in the group ``orderloom.plugins`` names a module; the
functions in it marked ``@hookimpl`` answer the hooks at the end of this page. Four of them *offer*
something (ways to pay, reasons for a price, channels to tell people, caches to warm); the others
*tell* what has happened. Everything on the way there is the vocabulary both sides share.

How to read it
    Values are frozen. Amounts are integers in minor units of their currency (cents, yen, fils).
    Durations are ``timedelta``, moments are aware ``datetime``. Whatever a Protocol declares as a
    method is positional-only: name the parameters as you like. What the core hands to you may
    grow new fields with defaults; what you hand to the core may too; a method never changes.

    Texts (``label``, ``reason``) are plain English; the core translates where it shows them.
    Mappings that reach a plugin are read-only.

A first plugin, whole::

    from hookspecs import OrderEvent, hookimpl

    @hookimpl
    def order_placed(event: OrderEvent) -> None:
        print("placed", event.order.number)

together with a ``plugin.toml`` in the package::

    title = "Says when an order was placed"
    api   = ">=1.0,<2"
    hooks = ["order_placed"]

and in its ``pyproject.toml``::

    [project.entry-points."orderloom.plugins"]
    say-placed = "say_placed"
"""

from __future__ import annotations

import dataclasses
import hmac
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import IntEnum, StrEnum
from functools import total_ordering
from types import MappingProxyType
from typing import Any, Final, NoReturn, Protocol, Self, final, runtime_checkable

import pluggy

# fmt: off
__all__ = [
    "API_STATUS", "API_VERSION", "SHIPPING_OPTIONS", "Accepted", "Address", "Adjustment", "Basket",
    "BasketLine", "CacheWarmer", "Call", "CaptureRequest", "Captures", "Catalogue", "ChannelInfo",
    "ClientConfirm", "Customer", "DeclineCode", "Declined", "Delivered", "DeliveryReceipt", "Done",
    "Event", "Fact", "FactKind", "Feature", "Finding", "Group", "HasStatement", "Healthy",
    "InProgress", "Input", "InquireRequest", "Message", "Mode", "Money", "NeedsCustomer",
    "NotConfigured", "NotFound", "NotSent", "Notice", "NotificationChannel", "OrderEvent",
    "OrderLine", "OrderPage", "OrderSnapshot", "Outcome", "PaymentChoice", "PaymentEvent",
    "PaymentInfo", "PaymentRequest", "PaymentStrategy", "PaymentView", "Phase", "PlacedOrder",
    "Prepares", "PricedBasket", "PricingRule", "Probes", "Product", "ProductEvent", "Quote",
    "QuoteLine", "ReadsReceipts", "ReadsWebhooks", "ReceiptStep", "Recipient", "Redirect",
    "RefundRequest", "Refunds", "Refused", "Resend", "ResumeRequest", "Resumes", "Retry",
    "RuleInfo", "Secret", "ShippingChoice", "Shop", "Show", "Skip", "StartRequest", "Subscription",
    "Target", "Tax", "TaxInfo", "TaxRule", "TimelineEntry", "Undeliverable", "Unhealthy",
    "Unknown", "Untrusted", "Verb", "VoidRequest", "Voids", "WarmerInfo", "Webhook",
    "cache_warmers", "hookimpl", "hookspec", "notification_channels", "order_cancelled",
    "order_fulfilled", "order_paid", "order_placed", "payment_authorized", "payment_captured",
    "payment_refunded", "payment_strategies", "pricing_rules", "product_changed", "setting",
]

API_VERSION: Final = "1.0"
"""The version of this contract; a manifest's ``api`` is a range over it."""

API_STATUS: Final = "frozen"
"""``draft`` while the page may still be improved, ``frozen`` once it may only grow."""

hookspec = pluggy.HookspecMarker("orderloom")
hookimpl = pluggy.HookimplMarker("orderloom")

def _nothing() -> Mapping[Any, Any]:
    return MappingProxyType({})

# ── Settings ──────────────────────────────────────────────────────────────────────────────────
# A plugin's settings are one frozen dataclass, named in plugin.toml, in a module without SDK
# imports. Field types: str, int, bool, Decimal, timedelta, Money, an enum, Literal, Secret,
# X | None, tuple[X, ...], and a group: a frozen dataclass of these, one level deep, in a tuple
# too. A field without default is required. ``__post_init__`` may raise NotConfigured.

class NotConfigured(Exception):  # noqa: N818 - a statement, like every refusal
    """Settings that can't work. Raise it in ``__post_init__`` or an offer hook, never at import."""

@final
class Secret:
    """A string that can't be printed, logged, pickled or turned into JSON by accident.

    >>> key = Secret("sk_live_1")
    >>> f"{key} {key!r}"
    '•••••• Secret(••••••)'
    >>> key.reveal()
    'sk_live_1'
    """
    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]
    def __init__(self, value: str, /) -> None:
        self._value = value
    def reveal(self) -> str:
        """Return the string itself: at the moment it goes on the wire, not before."""
        return self._value
    def __repr__(self) -> str:
        return "Secret(••••••)"
    def __str__(self) -> str:
        return "••••••"
    def __format__(self, spec: str, /) -> str:
        return "••••••"
    def __eq__(self, other: object, /) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())
    def __bool__(self) -> bool:
        return bool(self._value)
    def __deepcopy__(self, memo: dict[int, Any], /) -> Self:
        return self
    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret can't be pickled")

def setting(*, label: str, help: str = "", **options: Any) -> Any:  # noqa: A002 - the word of forms
    """Describe a settings field: ``dataclasses.field`` with a label and a help text for people.

    ``default`` and ``default_factory`` mean what they mean for ``dataclasses.field``. Further
    options go into the form: ``format="url"``, ``minimum=…``, ``maximum=…``.

    >>> @dataclass(frozen=True, kw_only=True)
    ... class Settings:
    ...     api_key: Secret = setting(label="API key", help="Starts with sk_")
    ...     base: str = setting(label="Address", default="https://api.stripe.com", format="url")
    """
    given = {k: options.pop(k) for k in ("default", "default_factory") if k in options}
    metadata = {"label": label, "help": help, **options}
    return dataclasses.field(**given, metadata=metadata)

# ── Money ─────────────────────────────────────────────────────────────────────────────────────
_NO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
_SEEN: set[str] = set()

@final
@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount: an integer of minor units, and the ISO 4217 code of its currency.

    Adding or comparing two currencies raises ``ValueError``; so does a currency that isn't three
    capital letters. A float is refused with ``TypeError``.

    >>> Money(1999, "EUR") + Money(1, "EUR")
    Money(minor=2000, currency='EUR')
    >>> Money.parse("19.99", "EUR").minor, Money.parse("20", "JPY").minor
    (1999, 20)
    >>> Money(1999, "EUR").decimal
    Decimal('19.99')
    >>> Money(-150, "EUR").percent(Decimal("15"))
    Money(minor=-23, currency='EUR')
    """
    minor: int
    currency: str
    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are an int, not {type(self.minor).__name__}")
        if self.currency not in _SEEN:  # amounts are made by the thousand, in few currencies
            code = self.currency
            if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
                raise ValueError(f"a currency is three capital letters, not {code!r}")
            _SEEN.add(code)
    @classmethod
    def exponent(cls, currency: str, /) -> int:
        """Return how many decimals a currency has: 0, 2 or 3 (ISO 4217)."""
        return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    @classmethod
    def parse(cls, text: str, currency: str, /) -> Self:
        """Read a plain decimal such as ``"19.99"``; ``ValueError`` if not one, or too precise."""
        try:
            amount = Decimal(text)
            scaled = amount.scaleb(cls.exponent(currency))
            exact = amount.is_finite() and scaled == scaled.to_integral_value()
        except (InvalidOperation, TypeError):
            exact = False
        if not exact:
            raise ValueError(f"not an amount in {currency}: {text!r}")
        return cls(int(scaled), currency)
    @property
    def decimal(self) -> Decimal:
        """The amount in major units, for people and for gateways that want it so."""
        return Decimal(self.minor).scaleb(-self.exponent(self.currency))
    def percent(self, rate: Decimal, /) -> Self:
        """Return ``rate`` per cent of the amount, rounded half up by magnitude, then signed."""
        above, below = rate.as_integer_ratio()
        share = (2 * abs(self.minor * above) + 100 * below) // (200 * below)
        return type(self)(share if self.minor * above >= 0 else -share, self.currency)
    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} don't mix")
        return other.minor
    def __add__(self, other: Money, /) -> Money:
        return Money(self.minor + self._same(other), self.currency)
    def __sub__(self, other: Money, /) -> Money:
        return Money(self.minor - self._same(other), self.currency)
    def __mul__(self, count: int, /) -> Money:
        return Money(self.minor * count, self.currency)
    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)
    def __lt__(self, other: Money, /) -> bool:
        return self.minor < self._same(other)
    def __bool__(self) -> bool:
        return self.minor != 0
    def __str__(self) -> str:
        return f"{self.decimal} {self.currency}"

# ── Orders, as a plugin sees them ─────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where something goes. ``country`` is ISO 3166-1 alpha-2, ``region`` a state or province."""
    country: str
    name: str = ""
    street: tuple[str, ...] = ()
    city: str = ""
    postal_code: str = ""
    region: str = ""

@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who buys. ``ref`` is the shop's own name for the person, empty for a guest."""
    ref: str
    email: str = ""
    name: str = ""
    locale: str = "en"
    time_zone: str = "UTC"
    groups: frozenset[str] = frozenset()

@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of a placed order. ``total`` is what the line costs after discounts."""
    line_id: str
    sku: str
    name: str
    quantity: int
    unit_price: Money
    tax: Money
    total: Money

@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """A placed order, frozen: no row, no session, nothing to save."""
    number: str
    tenant: str
    placed_at: datetime
    customer: Customer
    lines: tuple[OrderLine, ...]
    shipping: Money
    fees: Money
    tax: Money
    rounding: Money
    total: Money
    bill_to: Address | None = None
    ship_to: Address | None = None

@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What differs from attempt to attempt. ``deadline`` is a moment of ``time.monotonic()``.

    With the deadline past, answer ``NotSent`` (``Unknown`` where there is no such variant) and
    touch no network.
    """
    deadline: float
    attempt: int = 1

    def seconds_left(self) -> float:
        """Return the seconds until the deadline, never below 0: a client's time-out."""
        return max(0.0, self.deadline - time.monotonic())

# ── Payment: what is asked ────────────────────────────────────────────────────────────────────
class Feature(StrEnum):
    """What a strategy can do that its methods can't say."""
    PARTIAL_CAPTURE = "PARTIAL_CAPTURE"
    MULTIPLE_CAPTURES = "MULTIPLE_CAPTURES"
    PARTIAL_REFUND = "PARTIAL_REFUND"
    SPLIT = "SPLIT"
    """``start`` may take less than asked, never more; another payment collects the rest."""
    HARMLESS_START = "HARMLESS_START"
    """Nothing moves at ``start``; one in doubt may be dropped once its key is no longer kept."""
    MANUAL = "MANUAL"
    """People and imports record the facts, so notices count as they are; nothing is looked up."""

@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A field that the customer fills in before ``start``; ``secret`` is encrypted when stored."""
    name: str
    label: str
    secret: bool = False
    required: bool = True

@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentInfo:
    """What a way to pay is.

    ``code`` names it for ever; ``account`` says whose money it is (two sets of settings with one
    account are the same till); ``keys_kept`` is how long the provider honours an idempotency key;
    ``visible_after`` how long until a look-up's "not found" is proof; ``approval_lasts`` and
    ``authorization_lasts`` when those expire. ``currencies`` of ``None`` means any; ``minimum``
    and ``maximum`` hold one amount per currency.
    """
    code: str
    label: str
    features: frozenset[Feature] = frozenset()
    currencies: frozenset[str] | None = None
    minimum: tuple[Money, ...] = ()
    maximum: tuple[Money, ...] = ()
    inputs: tuple[Input, ...] = ()
    account: str | None = None
    keys_kept: timedelta = timedelta(hours=24)
    visible_after: timedelta = timedelta(0)
    approval_lasts: timedelta | None = None
    authorization_lasts: timedelta | None = None

@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest:
    """A command to a gateway, the same to the byte on every attempt.

    ``operation_id`` is the idempotency key (at most 40 characters of ``[A-Za-z0-9_-]``): send it
    unchanged, or with a suffix where one operation takes several posts. ``amount`` is what this
    command is about; ``reference`` is the provider's name of the payment, as far as it is known.
    """
    operation_id: str
    payment_id: str
    amount: Money
    order: OrderSnapshot
    reference: str | None = None

@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest(PaymentRequest):
    """Begin to collect ``amount``; with ``capture_now`` false, only authorise it."""
    return_url: str
    cancel_url: str
    webhook_url: str
    capture_now: bool = True
    inputs: Mapping[str, str] = field(default_factory=_nothing)
@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequest(PaymentRequest):
    """The customer came back (``returned`` holds the query or form), or approved elsewhere."""
    capture_now: bool = True
    returned: Mapping[str, str] = field(default_factory=_nothing)
@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRequest(PaymentRequest):
    """Take ``amount`` of an authorisation; ``final`` releases what is left of it."""
    authorization_id: str
    final: bool = True
@dataclass(frozen=True, slots=True, kw_only=True)
class VoidRequest(PaymentRequest):
    """Give an authorisation, or a payment not yet finished, back untaken."""
    authorization_id: str | None = None
@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest(PaymentRequest):
    """Give ``amount`` of one capture back."""
    capture_id: str
    reason: str = ""

class Verb(StrEnum):
    """The five commands."""
    START = "START"
    RESUME = "RESUME"
    CAPTURE = "CAPTURE"
    VOID = "VOID"
    REFUND = "REFUND"

@dataclass(frozen=True, slots=True, kw_only=True)
class InquireRequest(PaymentRequest):
    """What has become of the payment? ``operation_id``, ``verb``, ``sent_at``: what is in doubt."""
    verb: Verb
    sent_at: datetime

# ── Payment: what is answered ─────────────────────────────────────────────────────────────────
class FactKind(StrEnum):
    """What can be true of the five kinds of object, each in rising rank.

    approval < closed · authorisation: pending < failed < authorised < closed · capture: pending <
    failed < captured < reversed · refund: pending < refunded < failed (banks send refunds back) ·
    dispute: opened < won < lost. An ``APPROVED`` makes the core resume, even if the customer
    never comes back.
    """
    APPROVED = "APPROVED"
    APPROVAL_CLOSED = "APPROVAL_CLOSED"
    AUTHORIZATION_PENDING = "AUTHORIZATION_PENDING"
    AUTHORIZATION_FAILED = "AUTHORIZATION_FAILED"
    AUTHORIZED = "AUTHORIZED"
    AUTHORIZATION_CLOSED = "AUTHORIZATION_CLOSED"
    CAPTURE_PENDING = "CAPTURE_PENDING"
    CAPTURE_FAILED = "CAPTURE_FAILED"
    CAPTURED = "CAPTURED"
    CAPTURE_REVERSED = "CAPTURE_REVERSED"
    REFUND_PENDING = "REFUND_PENDING"
    REFUNDED = "REFUNDED"
    REFUND_FAILED = "REFUND_FAILED"
    DISPUTE_OPENED = "DISPUTE_OPENED"
    DISPUTE_WON = "DISPUTE_WON"
    DISPUTE_LOST = "DISPUTE_LOST"

@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What a provider says of one of its objects: its *absolute* total, never a difference.

    ``parent_id`` is the authorisation of a capture, the capture of a refund or dispute;
    ``operation_id`` the command that made it, if the provider tells; ``sequence`` a counter of
    the provider's, where a later word may go down again. ``at`` is for people: times never decide.
    """
    kind: FactKind
    object_id: str
    amount: Money
    parent_id: str | None = None
    operation_id: str | None = None
    account: str | None = None
    sequence: int = 0
    at: datetime | None = None

@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Send the customer there; with ``fields``, by a form that posts them."""
    url: str
    fields: Mapping[str, str] = field(default_factory=_nothing)

@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfirm:
    """Let the provider's ``script`` confirm in the customer's browser, with ``data``."""
    script: str
    data: Mapping[str, str]

@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Show instructions, such as a bank account and a reference."""
    text: str
    details: Mapping[str, str] = field(default_factory=_nothing)

class DeclineCode(StrEnum):
    """Why not, in few words that are the same for every provider."""
    OTHER = "OTHER"
    CARD_DECLINED = "CARD_DECLINED"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    EXPIRED = "EXPIRED"
    AUTHENTICATION_FAILED = "AUTHENTICATION_FAILED"
    ABANDONED = "ABANDONED"
    FRAUD_SUSPECTED = "FRAUD_SUSPECTED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    INVALID_INPUT = "INVALID_INPUT"
    """The customer's mistake."""
    INVALID_REQUEST = "INVALID_REQUEST"
    """Ours: it can never work, and a person is told."""

class Retry(StrEnum):
    """What the customer may do after a decline."""
    SAME = "SAME"
    OTHER_METHOD = "OTHER_METHOD"
    NEVER = "NEVER"

@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A definite answer."""
    facts: tuple[Fact, ...] = ()
    reference: str | None = None
@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsCustomer:
    """The ball is with the customer."""
    action: Redirect | ClientConfirm | Show
    reference: str | None = None
    expires_at: datetime | None = None
    facts: tuple[Fact, ...] = ()
@dataclass(frozen=True, slots=True, kw_only=True)
class InProgress:
    """The ball is with the provider; look again after ``check_after``."""
    check_after: timedelta
    reference: str | None = None
    facts: tuple[Fact, ...] = ()
@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """A definite no, a request that can never work included."""
    code: DeclineCode = DeclineCode.OTHER
    text: str = ""
    retry: Retry = Retry.OTHER_METHOD
    reference: str | None = None
    facts: tuple[Fact, ...] = ()
@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """Provably without effect, and worth trying again with the same key (refused, 429, DNS)."""
    cause: str
    retry_after: timedelta | None = None
@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """It may have happened: a time-out, a 5xx, an answer that can't be read. Never a guess."""
    cause: str
@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """``inquire`` only: provably not there, asked by our own key."""
@dataclass(frozen=True, slots=True, kw_only=True)
class Resend:
    """``inquire`` only: no look-up without a reference, but the same request and key will tell."""

Outcome = Done | NeedsCustomer | InProgress | Declined | NotSent | Unknown
Finding = Done | NeedsCustomer | InProgress | Declined | NotFound | Resend | Unknown
@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """What came in, raw. Judge a signature's time against ``received_at``, not the clock."""
    body: bytes
    headers: Mapping[str, str]
    """Names in lower case."""
    received_at: datetime
@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """News by ``payment_id`` or ``reference``: a reason to inquire, which is what has to say it."""
    event_id: str
    reference: str | None = None
    payment_id: str | None = None
    facts: tuple[Fact, ...] = ()
@dataclass(frozen=True, slots=True, kw_only=True)
class Untrusted:
    """A webhook whose signature doesn't hold."""
    cause: str

# ── Payment: who answers ──────────────────────────────────────────────────────────────────────
# Six laws. Plugins translate, only the core writes. No network inside a database transaction.
# The command is committed before the wire. Unknown is a value. State is a fold over facts.
# Captured money without a live order is an incident, never a log line.

@runtime_checkable
class PaymentStrategy(Protocol):
    """A way to pay. What else it can do, it says by having the method of a Protocol below."""
    @property
    def info(self) -> PaymentInfo:
        """What it is; the same value at every look."""
    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        """Begin to collect. A time-out is ``Unknown``, a provable no-effect ``NotSent``."""
    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        """Describe the payment as it stands, asked by our key where ``reference`` is missing."""

@runtime_checkable
class Resumes(Protocol):
    """Goes on after the customer was sent away."""
    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        """Finish what ``start`` began."""
@runtime_checkable
class Captures(Protocol):
    """Can authorise first and take later."""
    def capture(self, request: CaptureRequest, call: Call, /) -> Outcome:
        """Take an authorised amount."""
@runtime_checkable
class Voids(Protocol):
    """Can give back what wasn't taken."""
    def void(self, request: VoidRequest, call: Call, /) -> Outcome:
        """Cancel before any money moves."""
@runtime_checkable
class Refunds(Protocol):
    """Can give back what was taken."""
    def refund(self, request: RefundRequest, call: Call, /) -> Outcome:
        """Give a captured amount back."""
@runtime_checkable
class ReadsWebhooks(Protocol):
    """Understands its provider's webhooks."""
    def read_webhook(
        self, webhook: Webhook, call: Call, /) -> Sequence[Notice] | Untrusted | Unknown:
        """Verify first, then parse; change nothing. ``Unknown``: can't verify now, ask again."""
@runtime_checkable
class HasStatement(Protocol):
    """Can list what its account did."""
    def statement(self, since: datetime, until: datetime, call: Call, /) -> Iterable[Notice]:
        """Yield a notice for everything that happened between the two moments."""

# ── Pricing ───────────────────────────────────────────────────────────────────────────────────
# Rules propose, the core composes. A rule is a pure function of the quote it is given: no clock
# (``quote.now``), no I/O, no writes. It is asked once for the whole quote.

class Phase(IntEnum):
    """When a rule is asked. BASE and LINE change lines, ORDER lines or the order as a whole."""
    BASE = 10
    LINE = 20
    ORDER = 30
    SHIPPING = 40
    FEE = 50
    ROUND = 60

class Mode(StrEnum):
    """How the rules of a group get along."""
    STACK = "STACK"
    """Each sees the amounts left by the one before."""
    BEST = "BEST"
    """All see the same amounts; the greatest accepted benefit wins."""
    FIRST = "FIRST"
    """The first that proposes anything wins."""
    EXCLUSIVE = "EXCLUSIVE"
    """As FIRST, and later groups of the phase aren't asked."""

@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of rules within a phase; one name has one definition everywhere."""
    name: str
    mode: Mode
    order: int = 0

SHIPPING_OPTIONS: Final = Group(name="shipping-options", mode=Mode.FIRST, order=-10)
"""The ways of shipping: a rule for each, whose key is ``quote.shipping_method`` if it is chosen."""

@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInfo:
    """What a rule is. Order: phase, group order, group name, priority (high first), key."""
    key: str
    label: str
    phase: Phase
    group: Group = Group(name="", mode=Mode.STACK)
    priority: int = 0
    optional: bool = False  # any other that fails makes the quote fail

@dataclass(frozen=True, slots=True, kw_only=True)
class TaxInfo:
    """What a tax rule is; it is asked after FEE and before ROUND."""
    key: str
    label: str
    optional: bool = False

class Target(StrEnum):
    """What an adjustment is about when it isn't a line."""
    ORDER = "ORDER"
    SHIPPING = "SHIPPING"
    FEES = "FEES"
    ROUNDING = "ROUNDING"

@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """A line being priced. ``amount`` is the running total of the line, ``floor`` its least.

    ``attributes`` is what the customer may say (engraving, colour), never money. ``terms`` is
    what was agreed with staff or imported; ``list_price`` already holds an agreed unit price.
    """
    line_id: str
    sku: str
    quantity: int
    list_price: Money
    amount: Money
    floor: Money
    tax_class: str = ""
    attributes: Mapping[str, str] = field(default_factory=_nothing)
    terms: Mapping[str, str] = field(default_factory=_nothing)
    categories: frozenset[str] = frozenset()

@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """An order being priced, as it stands when a rule is asked."""
    tenant: str
    currency: str
    now: datetime
    lines: tuple[QuoteLine, ...]
    customer: Customer | None
    shipping: Money
    fees: Money
    tax: Money
    rounding: Money
    shipping_method: str | None = None
    payment_strategy: str | None = None
    coupons: frozenset[str] = frozenset()
    prices_include_tax: bool = True
    ship_to: Address | None = None
    prepared: Mapping[str, Any] = field(default_factory=_nothing)
    """What this rule's own ``prepare`` gave."""
    @property
    def subtotal(self) -> Money:
        """The sum of the lines as they stand."""
        return Money(sum(line.amount.minor for line in self.lines), self.currency)
    @property
    def total(self) -> Money:
        """What would be paid now: lines, shipping, fees, rounding, and tax unless included."""
        total = self.subtotal + self.shipping + self.fees + self.rounding
        return total if self.prices_include_tax else total + self.tax

@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A signed change with its reason; ``target`` is a line's id or a ``Target``.

    ``coupon`` names the coupon it uses up, counted only if the adjustment is applied.
    """
    target: Target | str
    amount: Money
    reason: str
    coupon: str | None = None

@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A tax rate in per cent for a target, under a code that prints on the receipt."""
    target: Target | str
    rate: Decimal
    code: str

@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Nothing to propose, and why: customers ask."""
    reason: str

@runtime_checkable
class PricingRule(Protocol):
    """A reason for a price."""
    @property
    def info(self) -> RuleInfo:
        """What it is; the same value at every look."""
    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        """Propose changes to the whole quote at once."""

@runtime_checkable
class Prepares(Protocol):
    """A rule that needs rows of its own: read once per quote, before any transaction."""
    def prepare(self, quote: Quote, call: Call, /) -> Mapping[str, Any]:
        """Return plain data (it goes into the receipt) within 100 ms."""

@runtime_checkable
class TaxRule(Protocol):
    """Says which rates apply; the core does the sum."""
    @property
    def info(self) -> TaxInfo:
        """What it is; the same value at every look."""
    def rates(self, quote: Quote, /) -> Sequence[Tax] | Skip:
        """Name the rate of every target that bears tax."""

# ── Notifications ─────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who hears of which event: ``event`` is a tell's name, ``audience`` customer or staff."""
    event: str
    audience: str
    template: str

@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelInfo:
    """What a channel is; ``address`` says what it delivers to (``email``, ``url``, ``phone``)."""
    code: str
    label: str
    address: str
    subscriptions: tuple[Subscription, ...] = ()

@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whom a message goes to, and in which language and time zone it was written."""
    address: str
    name: str = ""
    locale: str = "en"
    time_zone: str = "UTC"

@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something to tell, rendered once. ``id`` is stable: a repeat bears the same."""
    id: str
    event: str
    tenant: str
    to: Recipient
    subject: str
    text: str
    html: str | None = None
    data: Mapping[str, Any] = field(default_factory=_nothing)

@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Somebody else has it now and answers for it."""
    reference: str | None = None

@dataclass(frozen=True, slots=True, kw_only=True)
class Undeliverable:
    """It will never arrive: no such address, refused for good."""
    cause: str

Delivered = Accepted | NotSent | Undeliverable | Unknown

@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReceipt:
    """What became of a message later: a bounce, or proof that it arrived."""
    event_id: str
    arrived: bool
    reference: str | None = None
    message_id: str | None = None
    text: str = ""

@runtime_checkable
class NotificationChannel(Protocol):
    """A way to tell people: it dresses and delivers; whom and when is the core's affair."""
    @property
    def info(self) -> ChannelInfo:
        """What it is; the same value at every look."""
    def deliver(self, message: Message, call: Call, /) -> Delivered:
        """Hand the message over. The same message may come again: its id tells."""

@runtime_checkable
class ReadsReceipts(Protocol):
    """Understands bounces."""
    def read_receipt(
        self, webhook: Webhook, call: Call, /
    ) -> Sequence[DeliveryReceipt] | Untrusted | Unknown:
        """Verify first, then parse; change nothing."""

# ── Events ────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that has happened. The same event may come again: its ``id`` tells."""
    id: str
    at: datetime
    tenant: str

@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(Event):
    """Something happened to an order, shown as it is now."""
    order: OrderSnapshot
    reason: str = ""

@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent(Event):
    """Money of an order moved: ``amount`` is what moved."""
    order: OrderSnapshot
    payment_id: str
    strategy_code: str
    amount: Money

@dataclass(frozen=True, slots=True, kw_only=True)
class ProductEvent(Event):
    """Products changed: price, stock, text or status."""
    skus: tuple[str, ...]

# ── Caches ────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product that can be bought; ``available`` is what could be sold right now, ``price`` what
    one unit costs now. Variants of one ``family`` are told apart by ``variant``.
    """
    sku: str
    name: str
    price: Money
    available: int
    tax_class: str = ""
    categories: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=_nothing)
    description: str = ""
    picture: str = ""
    """An SVG document or an address; empty where there is none."""
    family: str = ""
    variant: str = ""
    tiers: Mapping[int, Money] = field(default_factory=_nothing)
    """The price of a unit from each quantity on, where there is more than one."""

class Catalogue(Protocol):
    """The published products of one tenant, read by warmers. The core implements it."""
    @property
    def tenant(self) -> str:
        """Whose products these are."""
    def skus(self, *, after: str = "", limit: int = 1000) -> Sequence[str]:
        """Return published skus in order, those greater than ``after``."""
    def products(self, skus: Iterable[str], /) -> Sequence[Product]:
        """Return the published ones of these, in order of sku."""

@dataclass(frozen=True, slots=True, kw_only=True)
class WarmerInfo:
    """What a warmer keeps warm. ``depends_on`` names tells; ``budget`` bounds one round."""
    namespace: str
    label: str
    depends_on: frozenset[str]
    ttl: timedelta
    stale_ttl: timedelta = timedelta(0)
    budget: timedelta = timedelta(seconds=30)

@runtime_checkable
class CacheWarmer(Protocol):
    """Fills one namespace of the cache before anybody asks."""
    @property
    def info(self) -> WarmerInfo:
        """What it is; the same value at every look."""
    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Iterable[str]:
        """Name the keys a change touches; with ``None``, every key, lazily."""
    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        """Return plain data per key; a key left out is dropped from the cache."""

# ── Pages: request.shop ───────────────────────────────────────────────────────────────────────
# A plugin that serves pages finds the shop at ``request.shop``, bound to tenant, customer,
# plugins and time. Everything in and out is vocabulary of this page.

class Refused(Exception):  # noqa: N818 - a statement
    """The shop says no: a stable ``code``, a sentence for people, and plain ``details``."""
    def __init__(self, code: str, text: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.details: Mapping[str, Any] = MappingProxyType(dict(details or {}))
    def __str__(self) -> str:
        return self.text

@dataclass(frozen=True, slots=True, kw_only=True)
class BasketLine:
    """Something somebody wants to buy."""
    sku: str
    quantity: int
    attributes: Mapping[str, str] = field(default_factory=_nothing)

@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """Everything a customer says before an order is placed."""
    lines: tuple[BasketLine, ...]
    contact: Customer | None = None
    coupons: frozenset[str] = frozenset()
    shipping_method: str | None = None
    payment_strategy: str | None = None
    bill_to: Address | None = None
    ship_to: Address | None = None

@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptStep:
    """Why the price is what it is, or what a rule would have done and why it didn't."""
    phase: str
    rule: str
    label: str
    applied: bool
    reason: str
    proposed: Money
    accepted: Money
    running: Money

@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingChoice:
    """A way of shipping that this basket could be sent by, and what it would cost."""
    code: str
    label: str
    price: Money

@dataclass(frozen=True, slots=True, kw_only=True)
class PricedBasket:
    """A quote, finished. Who agrees to it hands ``confirmation`` to ``place_order``."""
    lines: tuple[OrderLine, ...]
    goods: Money
    shipping: Money
    fees: Money
    tax: Money
    rounding: Money
    total: Money
    prices_include_tax: bool
    steps: tuple[ReceiptStep, ...]
    shipping_choices: tuple[ShippingChoice, ...] = ()
    confirmation: str = ""

@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentChoice:
    """A way to pay that this basket or order could be paid with."""
    code: str
    label: str
    inputs: tuple[Input, ...] = ()

@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedOrder:
    """What the customer keeps: with ``order_id`` and ``token`` the order can be seen again."""
    order_id: str
    number: str
    token: str
    total: Money

@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """A payment as its customer sees it; ``action`` is what to do next, if it's their turn."""
    payment_id: str
    code: str
    label: str
    status: str
    amount: Money
    action: Redirect | ClientConfirm | Show | None = None
    text: str = ""

@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One thing that happened to an order."""
    at: datetime
    kind: str
    text: str = ""

@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """An order as its customer sees it; while a charge is ``undecided``, no second is offered."""
    order_id: str
    order: OrderSnapshot
    status: str
    payment_status: str
    payments: tuple[PaymentView, ...]
    timeline: tuple[TimelineEntry, ...]
    steps: tuple[ReceiptStep, ...]
    choices: tuple[PaymentChoice, ...] = ()
    undecided: bool = False
    can_cancel: bool = False

class Shop(Protocol):
    """What a page may ask of the core. Every verb may raise ``Refused``."""
    @property
    def tenant(self) -> str:
        """Whose shop it is: what a plugin's own rows name it by."""
    def products(
        self, *, after: str = "", limit: int = 50, category: str = "", search: str = "",
        family: str = "", one_per_family: bool = False,
    ) -> Sequence[Product]:
        """Return published products in order of sku, those greater than ``after``."""
    def categories(self) -> Mapping[str, str]:
        """Return the categories in their order, each with the one above it, empty at the top."""
    def product(self, sku: str, /) -> Product:
        """Return one published product."""
    def quote(self, basket: Basket, /) -> PricedBasket:
        """Price a basket. Nothing is reserved."""
    def payment_choices(self, basket: Basket, /) -> Sequence[PaymentChoice]:
        """Return the ways this basket could be paid."""
    def place_order(
        self, basket: Basket, /, *,
        key: str, confirmed_total: Money | None = None, confirmation: str = "",
    ) -> PlacedOrder:
        """Place the order. The same ``key`` gives the same order; another total is refused."""
    def start_payment(
        self, order_id: str, token: str, code: str, /, *,
        key: str, return_url: str, cancel_url: str, inputs: Mapping[str, str] | None = None,
    ) -> PaymentView:
        """Begin to pay an order. The same ``key`` gives the same payment."""
    def resume_payment(
        self, order_id: str, token: str, payment_id: str, returned: Mapping[str, str], /
    ) -> PaymentView:
        """Go on after the customer came back with ``returned``."""
    def order(self, order_id: str, token: str, /) -> OrderPage:
        """Return an order; a wrong token is as good as no such order."""
    def cancel_order(self, order_id: str, token: str, /, *, reason: str = "") -> OrderPage:
        """Cancel an order; what was paid for it is given back."""
    def cached(self, namespace: str, keys: Sequence[str], /) -> Mapping[str, Any]:
        """Return what a warmer's namespace holds for these keys, loading what is missing."""

# ── Health ────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """All well."""

@dataclass(frozen=True, slots=True, kw_only=True)
class Unhealthy:
    """Not well, and why."""
    cause: str

@runtime_checkable
class Probes(Protocol):
    """Any offer may say whether it could work right now: the Test button of its settings."""
    def probe(self, call: Call, /) -> Healthy | Unhealthy:
        """Try something harmless, such as reading one's own account."""

# ── Hooks: offers ─────────────────────────────────────────────────────────────────────────────
# Asked once per set of settings: pure, cheap, no I/O, no module globals. ``settings`` is your own
# dataclass, or None; leave the argument out if you like. No wrapper, no async, no keyword-only.

@hookspec
def payment_strategies(settings: Any) -> Iterable[PaymentStrategy]:  # type: ignore[empty-body]
    """Offer ways to pay.

    >>> class PayOnPickup:
    ...     info = PaymentInfo(
    ...         code="on-pickup", label="Pay on pickup", features=frozenset({Feature.MANUAL})
    ...     )
    ...     def start(self, request: StartRequest, call: Call, /) -> Outcome:
    ...         return NeedsCustomer(action=Show(text="Bring the money along"))
    ...     def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
    ...         return NeedsCustomer(action=Show(text="Bring the money along"))
    >>> @hookimpl
    ... def payment_strategies() -> Iterable[PaymentStrategy]:
    ...     return [PayOnPickup()]
    >>> isinstance(payment_strategies()[0], PaymentStrategy)
    True
    """

@hookspec
def pricing_rules(settings: Any) -> Iterable[PricingRule | TaxRule]:  # type: ignore[empty-body]
    """Offer reasons for a price, and taxes.

    >>> class TenForOne:
    ...     info = RuleInfo(key="ten-for-one", label="10 % off from 10 pieces", phase=Phase.LINE)
    ...     def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
    ...         many = [line for line in quote.lines if line.quantity >= 10]
    ...         if not many:
    ...             return Skip(reason="no line of ten pieces")
    ...         return [
    ...             Adjustment(target=line.line_id, amount=-line.amount.percent(Decimal(10)),
    ...                        reason="ten or more")
    ...             for line in many
    ...         ]
    >>> @hookimpl
    ... def pricing_rules() -> Iterable[PricingRule | TaxRule]:
    ...     return [TenForOne()]
    >>> isinstance(pricing_rules()[0], PricingRule)
    True
    """

@hookspec
def notification_channels(settings: Any) -> Iterable[NotificationChannel]:  # type: ignore[empty-body]
    """Offer ways to tell people.

    >>> class Pager:
    ...     info = ChannelInfo(
    ...         code="pager", label="Pager", address="phone",
    ...         subscriptions=(
    ...             Subscription(event="order_placed", audience="staff", template="order_placed"),
    ...         ),
    ...     )
    ...     def deliver(self, message: Message, call: Call, /) -> Delivered:
    ...         return Accepted(reference=message.id)
    >>> @hookimpl
    ... def notification_channels() -> Iterable[NotificationChannel]:
    ...     return [Pager()]
    >>> isinstance(notification_channels()[0], NotificationChannel)
    True
    """

@hookspec
def cache_warmers(settings: Any) -> Iterable[CacheWarmer]:  # type: ignore[empty-body]
    """Offer caches to keep warm.

    >>> class Names:
    ...     info = WarmerInfo(
    ...         namespace="names", label="Product names",
    ...         depends_on=frozenset({"product_changed"}), ttl=timedelta(hours=1),
    ...     )
    ...     def plan(self, change: Event | None, catalogue: Catalogue, /) -> Iterable[str]:
    ...         return change.skus if isinstance(change, ProductEvent) else catalogue.skus()
    ...     def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
    ...         return {product.sku: product.name for product in catalogue.products(keys)}
    >>> @hookimpl
    ... def cache_warmers() -> Iterable[CacheWarmer]:
    ...     return [Names()]
    >>> isinstance(cache_warmers()[0], CacheWarmer)
    True
    """

# ── Hooks: tells ──────────────────────────────────────────────────────────────────────────────
# After the fact, from the outbox, outside any transaction. An exception means: tell me again
# later, with the same ``event.id``.

@hookspec
def order_placed(event: OrderEvent, settings: Any) -> None:
    """Hear that an order was placed.
    >>> @hookimpl
    ... def order_placed(event: OrderEvent) -> None: print(event.order.number)
    """

@hookspec
def order_paid(event: OrderEvent, settings: Any) -> None:
    """Hear that an order is paid in full.
    >>> @hookimpl
    ... def order_paid(event: OrderEvent) -> None: print(event.order.total)
    """

@hookspec
def order_cancelled(event: OrderEvent, settings: Any) -> None:
    """Hear that an order was cancelled; ``event.reason`` says why.
    >>> @hookimpl
    ... def order_cancelled(event: OrderEvent) -> None: print(event.reason)
    """

@hookspec
def order_fulfilled(event: OrderEvent, settings: Any) -> None:
    """Hear that an order has been handed over.
    >>> @hookimpl
    ... def order_fulfilled(event: OrderEvent) -> None: print(event.at)
    """

@hookspec
def payment_authorized(event: PaymentEvent, settings: Any) -> None:
    """Hear that money was promised, not yet taken.
    >>> @hookimpl
    ... def payment_authorized(event: PaymentEvent) -> None: print(event.amount)
    """

@hookspec
def payment_captured(event: PaymentEvent, settings: Any) -> None:
    """Hear that money was taken.
    >>> @hookimpl
    ... def payment_captured(event: PaymentEvent) -> None: print(event.strategy_code, event.amount)
    """

@hookspec
def payment_refunded(event: PaymentEvent, settings: Any) -> None:
    """Hear that money was given back.
    >>> @hookimpl
    ... def payment_refunded(event: PaymentEvent) -> None: print(event.payment_id)
    """

@hookspec
def product_changed(event: ProductEvent, settings: Any) -> None:
    """Hear that products changed.
    >>> @hookimpl
    ... def product_changed(event: ProductEvent) -> None: print(", ".join(event.skus))
    """
