"""Which tax is due where, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hookspecs import NotConfigured, setting

MOST_DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One rate; what is left empty holds for all."""

    country: str = setting(label="Country", help="Two letters, such as DE")
    percent: Decimal = setting(label="Per cent", minimum=0, maximum=100)
    code: str = setting(label="Name on the receipt", default="Tax")
    region: str = setting(label="State or province", default="")
    tax_class: str = setting(label="Tax class of the product", default="")
    category: str = setting(label="Category of the product", default="")
    shipping: bool = setting(
        label="Also on shipping and fees",
        help="Some places tax them, others don't",
        default=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The rates. Whether prices include tax is the shop's own setting, not this plugin's.

    Raises:
        NotConfigured: a country that isn't two letters, a percentage outside 0 to 100 or too
            precise, a rate without a code, or two rates for the same thing.

    """

    rates: tuple[Rate, ...] = setting(
        label="Rates",
        help="Of those with one name, the most specific counts; those of different names add up",
        default=(),
    )
    country: str = setting(
        label="Country of the shop", help="Counts until an address is known", default=""
    )
    region: str = setting(label="State or province of the shop", default="")

    def __post_init__(self) -> None:
        for rate in self.rates:
            _check(rate)
        _check_country(self.country or "XX")
        seen: set[tuple[str, ...]] = set()
        for rate in self.rates:
            place = (rate.country.upper(), rate.region.casefold())
            what = (*place, rate.tax_class, rate.category, rate.code)
            if what in seen:
                named = " ".join(part for part in what if part)
                raise NotConfigured(f"rates: two for {named}")
            seen.add(what)


def _check(rate: Rate) -> None:
    _check_country(rate.country)
    percent = rate.percent
    if not (percent.is_finite() and 0 <= percent <= 100):
        raise NotConfigured(f"rates: {rate.country} has {percent} per cent, expected 0 to 100")
    if percent != round(percent, MOST_DECIMALS):
        raise NotConfigured(f"rates: {rate.country} has more than {MOST_DECIMALS} decimals")
    if not rate.code.strip():
        raise NotConfigured(f"rates: {rate.country} has a rate without a code")


def _check_country(country: str) -> None:
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise NotConfigured(f"a country is two letters such as DE, not {country!r}")
