"""What people type in: the code of a card, and what a new one is worth."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings

from hookspecs import Money
from payment_gift_card.codes import CODE, new_code


class CodeForm(forms.Form):
    """The card whose balance somebody wants to know."""

    code = forms.CharField(
        label="Code of the card",
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class IssueForm(forms.Form):
    """A new card. Its code is in the form already, so that the same form issues it once."""

    code = forms.RegexField(CODE, widget=forms.HiddenInput, initial=new_code)
    amount = forms.CharField(
        label="Amount", max_length=20, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    currency = forms.RegexField("^[A-Z]{3}$", label="Currency", max_length=3)
    last_day = forms.DateField(
        label="Last day (UTC)", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    note = forms.CharField(label="Note", max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["currency"].initial = getattr(settings, "ORDERLOOM_CURRENCY", "EUR")

    def clean(self) -> dict[str, Any]:
        """Read the amount in its currency."""
        given = super().clean() or {}
        if "amount" in given and "currency" in given:
            try:
                given["worth"] = Money.parse(given["amount"].strip(), given["currency"])
            except ValueError as error:
                raise forms.ValidationError({"amount": str(error)}) from error
            if given["worth"].minor <= 0:
                raise forms.ValidationError({"amount": "A card has to be worth something."})
        return given

    @property
    def expires_at(self) -> datetime | None:
        """The first moment at which the card is no longer good."""
        day = self.cleaned_data["last_day"]
        return datetime.combine(day, time(), UTC) + timedelta(days=1) if day else None
