"""What the API is asked and what it answers, checked on the way in and documented on the way out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from core.domain.errors import InvalidInput
from hookspecs import (
    Address,
    Customer,
    Money,
    OrderLine,
    PaymentChoice,
    ReceiptStep,
    TimelineEntry,
)


def _printable(text: str) -> str:
    """No database stores a NUL, and no name needs the other control characters."""
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("has control characters in it")
    return text


def _lines(text: str) -> str:
    if any(ord(character) < 32 and character not in "\n\r\t" for character in text):
        raise ValueError("has control characters in it")
    return text


Sku = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_printable)]
Word = Annotated[str, StringConstraints(max_length=100), AfterValidator(_printable)]
Name = Annotated[str, StringConstraints(max_length=200), AfterValidator(_printable)]
Prose = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_lines)]
Picture = Annotated[str, StringConstraints(max_length=200_000), AfterValidator(_lines)]
Link = Annotated[
    str,
    StringConstraints(max_length=2_000, pattern=r"^https?://[^\s/]+(/\S*)?$"),
    AfterValidator(_printable),
]
Email = Annotated[
    str,
    StringConstraints(max_length=254, pattern=r"^$|^[^@\s]+@[^@\s]+$"),
    AfterValidator(_printable),
]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Texts = Annotated[
    dict[Word, Annotated[str, StringConstraints(max_length=1_000), AfterValidator(_printable)]],
    Field(max_length=50),
]


class Asked(BaseModel):
    """Something asked: no field that we don't know, no text where a number belongs."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class AskedMoney(Asked):
    """An amount in minor units."""

    minor: int = Field(ge=-(10**15), le=10**15)
    currency: Currency


class AskedAddress(Asked):
    """Where something goes."""

    country: Country
    name: Name = ""
    street: list[Name] = Field(default_factory=list, max_length=5)
    city: Name = ""
    postal_code: Word = ""
    region: Word = ""


class AskedContact(Asked):
    """Whom to write to."""

    email: Email = ""
    name: Name = ""
    locale: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")] = (
        "en"
    )
    time_zone: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+\-/]{1,60}$")] = "UTC"


class AskedLine(Asked):
    """A line. ``attributes`` is what a customer may say; ``terms`` needs the scope orders:terms."""

    sku: Sku
    quantity: int
    attributes: Texts = Field(default_factory=dict)
    terms: Texts = Field(default_factory=dict)


class AskedQuote(Asked):
    """What somebody would buy. ``customer_ref`` needs the scope orders:write."""

    lines: list[AskedLine]
    currency: Currency | None = None
    terms: Texts = Field(default_factory=dict)
    customer_ref: Word | None = None
    contact: AskedContact | None = None
    bill_to: AskedAddress | None = None
    ship_to: AskedAddress | None = None
    coupons: list[Word] = Field(default_factory=list, max_length=20)
    shipping_method: Word | None = None
    payment_strategy: Word | None = None


class AskedOrder(AskedQuote):
    """What somebody buys; another total than the confirmed one is refused, saying what changed."""

    confirmed_total: AskedMoney | None = None
    confirmation: Annotated[str, StringConstraints(max_length=60_000)] = ""


class AskedPayment(Asked):
    """How to pay. ``{payment_id}`` in the addresses stands for the payment's id."""

    strategy: Word
    return_url: Link
    cancel_url: Link
    inputs: Texts = Field(default_factory=dict)
    capture_now: bool = True
    amount: AskedMoney | None = None


class AskedResume(Asked):
    """What the customer's return from the provider brought: its query, or its form."""

    returned: Texts = Field(default_factory=dict)


class AskedCapture(Asked):
    """How much of what is held is taken, all of it unless said; ``final`` lets the rest go."""

    amount: AskedMoney | None = None
    final: bool = True


class AskedReason(Asked):
    """Why an order is cancelled, or money goes back."""

    reason: Annotated[str, StringConstraints(max_length=500), AfterValidator(_printable)] = ""


class AskedRefund(AskedReason):
    """Why money goes back, and how much of it: all that is left unless said."""

    amount: AskedMoney | None = None


class AskedStrategies(BaseModel):
    """For which amount; without one, whatever is offered in the currency."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    currency: Currency | None = None
    total_minor: int | None = Field(default=None, ge=1, le=10**15)


def refuse_unknown(request: HttpRequest, asked: type[BaseModel]) -> None:
    """Refuse a query that says more than we understand.

    Raises:
        InvalidInput: names what isn't known.
    """
    unknown = sorted(set(request.GET) - set(asked.model_fields))
    if unknown:
        raise InvalidInput(f"{unknown[0]!r} is nothing to ask for here.", field=unknown[0])


class Problem(BaseModel):
    """A problem as RFC 9457 has it, with a stable ``code`` and details of its own."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str


class PlacedAnswer(BaseModel):
    """With ``order_id`` and ``token`` the order can be seen again."""

    order_id: str
    number: str
    token: str
    total: Money


class PaymentAnswer(BaseModel):
    """A payment; ``action`` is the customer's part, if it is their turn."""

    payment_id: str
    code: str
    label: str
    status: str
    amount: Money
    action: dict[str, Any] | None
    text: str


class StepAnswer(BaseModel):
    """Where a payment and its order stand after a step."""

    order_id: str
    payment_id: str
    operation_id: str | None
    order_status: str
    order_payment_status: str
    payment_status: str
    operation_status: str
    action: dict[str, Any] | None
    text: str


class OrderAnswer(BaseModel):
    """An order as its customer sees it."""

    order_id: str
    number: str
    status: str
    payment_status: str
    placed_at: datetime
    customer: Customer
    lines: list[OrderLine]
    shipping: Money
    fees: Money
    tax: Money
    rounding: Money
    total: Money
    bill_to: Address | None
    ship_to: Address | None
    payments: list[PaymentAnswer]
    timeline: list[TimelineEntry]
    steps: list[ReceiptStep]
    choices: list[PaymentChoice]
    undecided: bool
    can_cancel: bool


class StrategiesAnswer(BaseModel):
    """Ways to pay."""

    items: list[PaymentChoice]
