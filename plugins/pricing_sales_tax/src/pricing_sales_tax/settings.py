"""Which tax is due where, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
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
    begins: str = setting(label="First day", help="Such as 2027-01-01 (UTC)", default="")
    ends: str = setting(label="Day after the last", default="")

    def holds_at(self, now: datetime) -> bool:
        """Say whether the rate is in force."""
        begins, ends = _moment(self.begins), _moment(self.ends)
        return (begins is None or now >= begins) and (ends is None or now < ends)

    def meets(self, other: Rate) -> bool:
        """Say whether both are in force on some day."""
        return not (
            (self.ends and other.begins and self.ends <= other.begins)
            or (other.ends and self.begins and other.ends <= self.begins)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The rates. Whether prices include tax is the shop's own setting, not this plugin's.

    Raises:
        NotConfigured: a country that isn't two letters, a percentage outside 0 to 100 or too
            precise, a rate without a code, a day that is none, or two rates for the same thing
            at one time.

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
        seen: dict[tuple[str, ...], list[Rate]] = {}
        for rate in self.rates:
            place = (rate.country.upper(), rate.region.casefold())
            what = (*place, rate.tax_class, rate.category, rate.code)
            others = seen.setdefault(what, [])
            if any(rate.meets(other) for other in others):
                named = " ".join(part for part in what if part)
                raise NotConfigured(f"rates: two for {named}")
            others.append(rate)


def _check(rate: Rate) -> None:
    _check_country(rate.country)
    percent = rate.percent
    if not (percent.is_finite() and 0 <= percent <= 100):
        raise NotConfigured(f"rates: {rate.country} has {percent} per cent, expected 0 to 100")
    if percent != round(percent, MOST_DECIMALS):
        raise NotConfigured(f"rates: {rate.country} has more than {MOST_DECIMALS} decimals")
    begins, ends = _moment(rate.begins), _moment(rate.ends)
    if begins is not None and ends is not None and ends <= begins:
        raise NotConfigured(f"rates: {rate.country} has a rate that ends before it begins")
    if not rate.code.strip():
        raise NotConfigured(f"rates: {rate.country} has a rate without a code")


def _check_country(country: str) -> None:
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise NotConfigured(f"a country is two letters such as DE, not {country!r}")


def _moment(day: str) -> datetime | None:
    if not day:
        return None
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise NotConfigured(f"rates: {day!r} is no day, expected one such as 2027-01-01") from None
