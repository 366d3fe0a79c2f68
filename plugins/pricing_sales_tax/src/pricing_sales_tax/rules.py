"""Which rates every line, the shipping and the fees bear; the core does the sum."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from hookspecs import Quote, QuoteLine, Skip, Target, Tax, TaxInfo
from pricing_sales_tax.settings import Rate, Settings

UNKNOWN: Final = "an unknown address"


class SalesTax:
    """Names the rates of the place that an order goes to, or of the shop until that is known."""

    info = TaxInfo(key="sales-tax", label="Sales tax")

    def __init__(self, settings: Settings, /) -> None:
        """Sort the rates by country, once."""
        self._home = (settings.country.upper(), settings.region.casefold())
        self._by_country: dict[str, list[Rate]] = {}
        for rate in settings.rates:
            self._by_country.setdefault(rate.country.upper(), []).append(rate)

    def rates(self, quote: Quote, /) -> Sequence[Tax] | Skip:
        """Name the rates of each line, and of shipping and fees where a rate says so."""
        country, region = self._place(quote)
        here = [
            rate
            for rate in self._by_country.get(country, ())
            if (not rate.region or rate.region.casefold() == region) and rate.holds_at(quote.now)
        ]
        place = "-".join(part for part in (country, region.upper()) if part) or UNKNOWN
        if not here:
            return Skip(reason=f"no rate for {place}")
        taxes = [*_on_lines(here, quote.lines), *_on_the_rest(here, quote)]
        return taxes or Skip(reason=f"no rate for these goods in {place}")

    def _place(self, quote: Quote) -> tuple[str, str]:
        address = quote.ship_to
        if address is None or not address.country:
            return self._home
        return address.country.upper(), address.region.casefold()


def _on_lines(here: Sequence[Rate], lines: Iterable[QuoteLine]) -> Iterable[Tax]:
    known: dict[tuple[str, frozenset[str]], tuple[Rate, ...]] = {}
    for line in lines:
        kind = (line.tax_class, line.categories)
        if kind not in known:
            known[kind] = _chosen(rate for rate in here if _holds(rate, line))
        for rate in known[kind]:
            yield Tax(target=line.line_id, rate=rate.percent, code=rate.code)


def _on_the_rest(here: Sequence[Rate], quote: Quote) -> Iterable[Tax]:
    rates = _chosen(rate for rate in here if rate.shipping)
    for target, amount in ((Target.SHIPPING, quote.shipping), (Target.FEES, quote.fees)):
        if amount:
            for rate in rates:
                yield Tax(target=target, rate=rate.percent, code=rate.code)


def _holds(rate: Rate, line: QuoteLine) -> bool:
    return rate.tax_class in ("", line.tax_class) and (
        not rate.category or rate.category in line.categories
    )


def _chosen(rates: Iterable[Rate]) -> tuple[Rate, ...]:
    """Return the most specific rate of each code; of equals, the one that stands first."""
    best: dict[str, Rate] = {}
    for rate in rates:
        rival = best.get(rate.code)
        if rival is None or _specific(rate) > _specific(rival):
            best[rate.code] = rate
    return tuple(best.values())


def _specific(rate: Rate) -> tuple[bool, int]:
    return bool(rate.region), bool(rate.tax_class) + bool(rate.category)
