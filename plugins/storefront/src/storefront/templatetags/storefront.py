"""Money, moments and words, as people write them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency
from django.template import Library
from django.urls import reverse
from django.utils.translation import get_language, gettext

from hookspecs import Address, Money, Product
from storefront import receipt, words

__all__ = [
    "country",
    "data_name",
    "lines",
    "moment",
    "money",
    "payment_word",
    "picture",
    "signed",
    "spoken",
    "stock",
    "total_of",
]

register = Library()


def _locale() -> Locale:
    return Locale.parse(get_language() or "en", sep="-")


@register.filter
def money(amount: Money) -> str:
    """Write an amount as people of the visitor's language do, in its own currency."""
    return str(format_currency(amount.decimal, amount.currency, locale=_locale()))


@register.filter
def signed(amount: Money) -> str:
    """Write a change of an amount, with its sign."""
    return f"+{money(amount)}" if amount.minor > 0 else money(amount).replace("-", "\N{MINUS SIGN}")


@register.filter
def moment(at: datetime, time_zone: str = "UTC") -> str:
    """Write a moment with day and time of `time_zone`; of UTC, where that is no zone."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    here = at.astimezone(zone)
    locale = _locale()
    return f"{format_date(here, 'medium', locale)}, {format_time(here, 'short', locale=locale)}"


@register.filter
def spoken(text: str) -> str:
    """Translate a plain English text of a plugin, where we know it."""
    return words.spoken(text)


@register.filter
def payment_word(status: str) -> str:
    """Write how a payment stands."""
    return words.payment_status(status)


@register.filter
def picture(product: Product) -> str:
    """Return the address of a product's picture, with a mark that changes when it does."""
    if product.picture.startswith(("https://", "http://", "/")):
        return product.picture
    mark = hashlib.sha256(product.picture.encode()).hexdigest()[:12]
    return f"{reverse('storefront:picture', args=[product.sku])}?v={mark}"


@register.filter
def stock(product: Product) -> str:
    """Say in words how much is left."""
    if product.available < 1:
        return gettext("Sold out")
    if product.available <= 5:
        return gettext("Only %(count)s left") % {"count": product.available}
    return gettext("In stock")


@register.filter
def lines(address: Address) -> list[str]:
    """Return an address line by line."""
    town = " ".join(filter(None, (address.postal_code, address.city)))
    written = [address.name, *address.street, town, address.region, country(address.country)]
    return [line for line in written if line]


@register.filter
def country(code: str) -> str:
    """Write the name of a country."""
    return str(_locale().territories.get(code, code))


@register.filter
def data_name(name: str) -> str:
    """Make a name fit for a `data-` attribute."""
    return "".join(sign if sign.isalnum() and sign.isascii() else "-" for sign in name).lower()


@register.filter
def total_of(amount: Money) -> str:
    """Write an amount for the form, as the checkout reads it back."""
    return f"{amount.minor} {amount.currency}"


register.filter("rows", receipt.rows)
register.filter("includes_tax", receipt.includes_tax)
