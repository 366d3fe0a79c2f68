"""The form of a plugin's settings, drawn from its fields; the plugin's schema has the last word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from django import forms

from core.hooks.section import FormField

__all__ = ["SettingsForm", "settings_form"]

_TAKEN: Final = ":unset"
_KEPT: Final = "•••••• stays unless another is typed"
_EXAMPLES: Final = {"money": "19.99 EUR", "seconds": "seconds, or 14d, or PT5M", "url": "https://…"}


class SettingsForm(forms.Form):
    """What an operator types; made by `settings_form`. What isn't touched stays as it is."""

    shown: tuple[FormField, ...] = ()
    seen = forms.IntegerField(widget=forms.HiddenInput)
    """The version that the form was drawn from."""
    reason = forms.CharField(required=False, max_length=500)

    def groups(self) -> Iterator[tuple[str, list[tuple[FormField, forms.BoundField, Any]]]]:
        """Yield the fields by group: each with what is known of it, and a box to take it away."""
        groups: dict[str, list[tuple[FormField, forms.BoundField, Any]]] = {}
        for one in self.shown:
            group = one.name.partition(".")[0].replace("_", " ") if "." in one.name else ""
            box = self[one.name + _TAKEN] if one.name + _TAKEN in self.fields else None
            groups.setdefault(group, []).append((one, self[one.name], box))
        yield from groups.items()

    def values(self) -> dict[str, str]:
        """Return what was typed anew, by dotted name, as texts."""
        return {
            one.name: _text(self.cleaned_data[one.name])
            for one in self.shown
            if one.name in self.changed_data and self.cleaned_data[one.name] not in (None, "")
        }

    def unset(self) -> frozenset[str]:
        """Return what is left to lower layers: emptied, or taken away."""
        emptied = (
            one.name
            for one in self.shown
            if one.name in self.changed_data and self.cleaned_data[one.name] in (None, "")
        )
        taken = (one.name for one in self.shown if self.cleaned_data.get(one.name + _TAKEN))
        return frozenset((*emptied, *taken))

    def blame(self, faults: Mapping[str, str]) -> None:
        """Say beside each field what is wrong with it; the rest above them all."""
        for name, text in faults.items():
            self.add_error(name if name in self.fields else None, text)


def settings_form(shown: Iterable[FormField]) -> type[SettingsForm]:
    """Draw a form: texts, addresses, numbers with limits, choices, money, secrets, lists, groups.

    A field that a layer above the console sets can only be read. A secret is never shown.
    """
    shown = tuple(shown)
    members: dict[str, Any] = {one.name: _field(one) for one in shown}
    for one in shown:
        if one.secret and one.source.startswith("console"):
            members[one.name + _TAKEN] = forms.BooleanField(required=False, label="take it away")
    return type("DrawnSettingsForm", (SettingsForm,), {**members, "shown": shown})


def _field(one: FormField) -> forms.Field:
    options: dict[str, Any] = {
        "label": one.label,
        "required": False,
        "disabled": one.fixed,
        "initial": "" if one.secret else one.value,
    }
    return _MAKERS.get(one.kind, _line)(one, options)


def _line(one: FormField, options: dict[str, Any]) -> forms.Field:
    attributes = {"size": 60, "placeholder": _EXAMPLES.get(one.kind, "")}
    return forms.CharField(widget=forms.TextInput(attrs=attributes), **options)


def _secret(one: FormField, options: dict[str, Any]) -> forms.Field:
    held = one.source not in ("default", "not set")
    attributes = {
        "size": 60,
        "autocomplete": "new-password",
        "placeholder": ("••••••" if one.fixed else _KEPT) if held else "",
    }
    return forms.CharField(widget=forms.PasswordInput(attrs=attributes), **options)


def _whole(one: FormField, options: dict[str, Any]) -> forms.Field:
    return forms.IntegerField(
        min_value=int(one.minimum) if one.minimum else None,
        max_value=int(one.maximum) if one.maximum else None,
        **options | {"initial": _read(int, one.value)},
    )


def _decimal(one: FormField, options: dict[str, Any]) -> forms.Field:
    return forms.DecimalField(
        min_value=Decimal(one.minimum) if one.minimum else None,
        max_value=Decimal(one.maximum) if one.maximum else None,
        widget=forms.NumberInput(attrs={"step": "any"}),
        **options | {"initial": _read(Decimal, one.value)},
    )


def _read(kind: Callable[[str], Any], value: str) -> Any:
    """What was stored may be no number at all; it is shown as it is, with its fault."""
    try:
        return kind(value) if value else None
    except (ValueError, ArithmeticError):
        return value


def _choice(one: FormField, options: dict[str, Any]) -> forms.Field:
    choices = [(each, each) for each in one.choices]
    nothing = [] if one.value else [("", "—")]
    return forms.ChoiceField(choices=nothing + choices, **options)


def _yes_no(one: FormField, options: dict[str, Any]) -> forms.Field:
    nothing = [] if one.value else [("", "—")]
    return forms.ChoiceField(choices=[*nothing, ("true", "yes"), ("false", "no")], **options)


def _list(one: FormField, options: dict[str, Any]) -> forms.Field:
    area = forms.Textarea(attrs={"rows": 3, "cols": 60})
    return forms.CharField(widget=_secret(one, options).widget if one.secret else area, **options)


_MAKERS: Final[Mapping[str, Callable[[FormField, dict[str, Any]], forms.Field]]] = {
    "secret": _secret,
    "number": _whole,
    "decimal": _decimal,
    "choice": _choice,
    "yes_no": _yes_no,
    "list": _list,
}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
