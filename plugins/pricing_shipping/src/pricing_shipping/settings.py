"""Which ways of shipping there are, where to and for how much, and which fees."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hookspecs import Money, NotConfigured, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A way of shipping; several rows with one key are one way, with a price for each place."""

    key: str = setting(label="Name in orders, for ever", help="Letters, digits and dashes")
    label: str = setting(label="What customers read")
    prices: tuple[Money, ...] = setting(label="Price", help="One per currency")
    countries: tuple[str, ...] = setting(
        label="Only to these countries", help="Two letters each, such as DE", default=()
    )
    free_from: tuple[Money, ...] = setting(
        label="Free from goods of", help="One per currency", default=()
    )
    not_for: tuple[str, ...] = setting(
        label="Not for these categories", help="Such as what is too large", default=()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """Something that is added to orders: for a way to pay, or for little goods."""

    key: str = setting(label="Name on receipts, for ever", help="Letters, digits and dashes")
    label: str = setting(label="What customers read")
    amounts: tuple[Money, ...] = setting(label="Amount", help="One per currency")
    payments: tuple[str, ...] = setting(
        label="Only for these ways to pay", help="Their codes", default=()
    )
    below: tuple[Money, ...] = setting(
        label="Only for goods below", help="One per currency", default=()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Ways of shipping and fees, none at first.

    Raises:
        NotConfigured: one that makes no sense, or two fees of one name.

    """

    options: tuple[Option, ...] = setting(label="Ways of shipping", default=())
    fees: tuple[Fee, ...] = setting(label="Fees", default=())
    nothing_to_send: tuple[str, ...] = setting(
        label="Categories that nobody sends", help="Such as downloads", default=()
    )

    def __post_init__(self) -> None:
        for option in self.options:
            _check(option.key, option.label, option.prices, option.free_from)
            for country in option.countries:
                if not re.fullmatch("[A-Z]{2}", country):
                    raise NotConfigured(f"{option.key}: a country is two letters, not {country!r}")
        for fee in self.fees:
            _check(fee.key, fee.label, fee.amounts, fee.below)
        keys = [fee.key for fee in self.fees]
        if len(set(keys)) < len(keys):
            raise NotConfigured("fees: two have one name")
        labels: dict[str, str] = {}
        for option in self.options:
            if labels.setdefault(option.key, option.label) != option.label:
                raise NotConfigured(f"{option.key}: one way has one label")


def _check(key: str, label: str, prices: tuple[Money, ...], others: tuple[Money, ...]) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}", key):
        raise NotConfigured(f"{key!r} is no name of letters, digits and dashes")
    if not label.strip():
        raise NotConfigured(f"{key}: there is nothing that customers could read")
    if not prices:
        raise NotConfigured(f"{key}: it needs an amount")
    for amounts in (prices, others):
        if any(amount.minor < 0 for amount in amounts):
            raise NotConfigured(f"{key}: an amount is below 0")
        if len(set(_currencies(amounts))) < len(amounts):
            raise NotConfigured(f"{key}: one amount per currency")


def _currencies(amounts: Iterable[Money]) -> list[str]:
    return [amount.currency for amount in amounts]
