"""What a customer fills in at the checkout, and how it becomes a basket with everything said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from babel import Locale
from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from hookspecs import Address, Basket, BasketLine, Customer, Money, PaymentChoice

__all__ = [
    "CheckoutForm",
    "PayForm",
    "countries",
    "guessed_country",
    "posted_basket",
    "read_lines",
    "read_total",
    "written_lines",
]

# Babel lists regions and placeholders among the territories.
_NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


def countries() -> list[tuple[str, str]]:
    """Return the countries' codes and names in the visitor's language, in order of name."""
    named = Locale.parse(get_language() or "en", sep="-").territories.items()
    real = [(code, name) for code, name in named if re.fullmatch("[A-Z]{2}", code)]
    wanted = [(code, name) for code, name in real if code not in _NO_COUNTRIES]
    return sorted(wanted, key=lambda pair: pair[1].replace("Ä", "A").replace("Ö", "O"))


def written_lines(lines: Iterable[BasketLine]) -> list[str]:
    """Write lines into the form, so that what is ordered is what the page showed."""
    return [f"{line.quantity}:{line.sku}" for line in lines]


def read_lines(texts: Sequence[str]) -> tuple[BasketLine, ...]:
    """Read the lines of the form; what can't be read is left out, and shows in the total."""
    found = (re.fullmatch(r"([1-9]\d{0,4}):(.{1,100})", text) for text in texts)
    return tuple(BasketLine(sku=one[2], quantity=int(one[1])) for one in found if one)


def read_total(text: str) -> Money | None:
    """Read the total that the page showed, such as `1999 EUR`; None if there was none."""
    found = re.fullmatch(r"(\d{1,15}) ([A-Z]{3})", text)
    return Money(int(found[1]), found[2]) if found else None


class PayForm(forms.Form):
    """A choice among ways to pay, with the inputs of each."""

    payment = forms.ChoiceField(
        required=False, error_messages={"invalid_choice": _("Please choose one of these.")}
    )

    def __init__(
        self, *args: Any, choices: Sequence[PaymentChoice], optional: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.offered = tuple(choices)
        if len(choices) == 1:
            self.initial.setdefault("payment", choices[0].code)
        self.fields["payment"].choices = [(one.code, one.label) for one in choices]  # type: ignore[attr-defined]
        self.fields["payment"].required = bool(choices) and not optional
        for choice in choices:
            # What may stay empty is for programs: a person is asked for it by the provider.
            for wanted in filter(attrgetter("required"), choice.inputs):
                widget = forms.PasswordInput if wanted.secret else forms.TextInput
                self.fields[f"{choice.code}.{wanted.name}"] = forms.CharField(
                    label=gettext(wanted.label),
                    required=False,
                    max_length=500,
                    widget=widget(attrs={"autocomplete": "off"}),
                )

    def clean(self) -> dict[str, Any]:
        """Ask for the required inputs of the chosen way only."""
        said: dict[str, Any] = super().clean() or {}
        for choice in self.offered:
            for wanted in choice.inputs if choice.code == said.get("payment") else ():
                name = f"{choice.code}.{wanted.name}"
                if wanted.required and not said.get(name):
                    self.add_error(name, _("Please fill this in."))
        return said

    def chosen(self) -> str | None:
        """Return the code of the chosen way to pay, if it is one of those offered."""
        said = self["payment"].value()
        return said if said in {one.code for one in self.offered} else None

    def inputs(self) -> Mapping[str, str]:
        """Return what was filled in for the chosen way; call it on a valid form."""
        mine = f"{self.chosen()}."
        said = self.cleaned_data.items()
        return {
            name.removeprefix(mine): text for name, text in said if name.startswith(mine) and text
        }

    def ways(self) -> list[dict[str, Any]]:
        """Return each way with its bound fields."""
        return [
            {
                "choice": one,
                "chosen": one.code == self.chosen(),
                "fields": [self[f"{one.code}.{put.name}"] for put in one.inputs if put.required],
            }
            for one in self.offered
        ]


def _text(label: Any, autocomplete: str, **options: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=200, widget=widget, **options)


class CheckoutForm(PayForm):
    """Who buys, where it goes, and how it is paid."""

    name = _text(_("Name"), "name")
    email = forms.EmailField(
        label=_("E-mail"), max_length=200, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    street = _text(_("Street and number"), "address-line1")
    street2 = _text(_("Building, floor, c/o"), "address-line2", required=False)
    postal_code = _text(_("Postal code"), "postal-code", required=False)
    city = _text(_("Town"), "address-level2")
    region = _text(_("State or province"), "address-level1", required=False)
    country = forms.ChoiceField(
        label=_("Country"), widget=forms.Select(attrs={"autocomplete": "country"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = [("", "—"), *countries()]  # type: ignore[attr-defined]

    def said(self, basket: Basket) -> Basket:
        """Return `basket` with as much as has been filled in, finished or not."""
        text = {name: str(self[name].value() or "").strip()[:200] for name in self.fields}
        ship_to = None
        if text["country"] in dict(countries()):
            ship_to = Address(
                country=text["country"],
                name=text["name"],
                street=tuple(filter(None, (text["street"], text["street2"]))),
                city=text["city"],
                postal_code=text["postal_code"],
                region=text["region"],
            )
        contact = Customer(
            ref="",
            email=text["email"],
            name=text["name"],
            locale=get_language() or "en",
            time_zone=timezone.get_current_timezone_name(),
        )
        return replace(basket, contact=contact, ship_to=ship_to, payment_strategy=self.chosen())


def guessed_country(accept_language: str) -> str:
    """Guess where somebody lives from what their browser says of their language."""
    first = re.match(r"([a-z]{2})(?:-([A-Z]{2}))?", accept_language)
    if first is None:
        return ""
    return first[2] or {"de": "DE"}.get(first[1], "")


def posted_basket(posted: QueryDict) -> Basket:
    """Return the basket as the page showed it when it was sent off."""
    coupons = frozenset(code[:40] for code in posted.getlist("coupon")[:20])
    return Basket(lines=read_lines(posted.getlist("line")[:200]), coupons=coupons)
