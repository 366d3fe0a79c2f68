"""Which promotions there are, for what, from when to when, and with which code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from hookspecs import Money, NotConfigured, setting

Kind = Literal["percent", "amount", "buy-x-get-y", "tiers", "free-shipping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One promotion; what is left empty doesn't restrict it."""

    key: str = setting(label="Name on receipts, for ever", help="Letters, digits and dashes")
    label: str = setting(label="What customers read")
    kind: Kind = setting(
        label="Kind",
        help="Per cent off lines, an amount off the order, pieces for free, per cent by tiers of "
        "pieces, free shipping",
    )
    percent: Decimal = setting(label="Per cent off", default=Decimal(0), minimum=0, maximum=100)
    amounts: tuple[Money, ...] = setting(
        label="Amount off", help="One per currency, of the whole order", default=()
    )
    buy: int = setting(label="Pieces to buy", default=0, minimum=0)
    free: int = setting(label="Pieces for free", help="The cheapest ones", default=0, minimum=0)
    tiers: tuple[str, ...] = setting(
        label="Tiers", help="Such as 10:5 for 5 per cent from 10 pieces of a product", default=()
    )
    skus: tuple[str, ...] = setting(label="Only these products", default=())
    categories: tuple[str, ...] = setting(label="Only these categories", default=())
    groups: tuple[str, ...] = setting(label="Only customers of these groups", default=())
    minimum: tuple[Money, ...] = setting(
        label="Goods of at least", help="One per currency, after earlier discounts", default=()
    )
    coupon: str = setting(
        label="Code", help="Created as a coupon of the shop, which limits its uses", default=""
    )
    begins: str = setting(label="First day", help="Such as 2026-12-01 (UTC)", default="")
    ends: str = setting(label="Day after the last", default="")
    best_of: str = setting(
        label="Only the best of",
        help="Of promotions with one name here, the best counts",
        default="",
    )
    priority: int = setting(label="Priority", help="The greater, the earlier", default=0)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}", self.key):
            raise NotConfigured(f"promotions: {self.key!r} is no name of letters, digits, dashes")
        wrong = self._wrong()
        if wrong:
            raise NotConfigured(f"promotions: {self.key} {wrong}")
        begins, ends = self.period
        if begins is not None and ends is not None and ends <= begins:
            raise NotConfigured(f"promotions: {self.key} ends before it begins")

    @property
    def code(self) -> str:
        """The code as shops compare them, or ''."""
        return self.coupon.strip().upper()

    @property
    def period(self) -> tuple[datetime | None, datetime | None]:
        """When it begins and when it is over."""
        return _moment(self.key, self.begins), _moment(self.key, self.ends)

    @property
    def steps(self) -> tuple[tuple[int, Decimal], ...]:
        """The tiers, the greatest quantity first."""
        return tuple(sorted((_tier(self.key, text) for text in self.tiers), reverse=True))

    def _wrong(self) -> str:
        if not self.label.strip():
            return "has nothing that customers could read"
        if any(amount.minor < 0 for amount in (*self.amounts, *self.minimum)):
            return "has an amount below 0"
        for amounts in (self.amounts, self.minimum):
            if len({amount.currency for amount in amounts}) < len(amounts):
                return "has two amounts in one currency"
        return _wrong_by_kind(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The promotions, none at first.

    Raises:
        NotConfigured: two of one name, or one that makes no sense, which is named.

    """

    promotions: tuple[Promotion, ...] = setting(label="Promotions", default=())

    def __post_init__(self) -> None:
        keys = [promotion.key for promotion in self.promotions]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise NotConfigured(f"promotions: two are called {twice[0]}")


def _wrong_by_kind(one: Promotion) -> str:
    match one.kind:
        case "percent" if not (one.percent.is_finite() and 0 < one.percent <= 100):
            return "needs a percentage above 0, at most 100"
        case "amount" if not any(one.amounts):
            return "needs an amount"
        case "buy-x-get-y" if one.buy < 1 or one.free < 1:
            return "needs pieces to buy and pieces for free"
        case "tiers" if not one.steps:
            return "needs tiers"
    return ""


def _tier(key: str, text: str) -> tuple[int, Decimal]:
    found = re.fullmatch(r"(\d{1,9}):(\d{1,3}(?:\.\d{1,6})?)", text.strip())
    if found is None or int(found[1]) < 1 or not 0 < Decimal(found[2]) <= 100:
        raise NotConfigured(f"promotions: {key} has the tier {text!r}, expected one such as 10:5")
    return int(found[1]), Decimal(found[2])


def _moment(key: str, day: str) -> datetime | None:
    if not day:
        return None
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise NotConfigured(f"promotions: {key} has {day!r} for a day") from None
