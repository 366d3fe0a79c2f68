"""The form of a plugin's settings: every kind of field, and what of it is told to the use case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import pytest
from django import forms

from core.admin.settings_form import SettingsForm, settings_form
from core.hooks.section import Section
from core.hooks.settings import GivenSettings, Layer, Schema
from hookspecs import Money, Secret, setting

pytestmark = pytest.mark.once


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    host: str = setting(label="Host")
    port: int = setting(label="Port", minimum=1, maximum=65535, default=25)
    password: Secret | None = setting(label="Password", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    name: str = setting(label="Name", help="Shown to customers")
    address: str = setting(label="Address", format="url", default="https://example.com")
    rate: Decimal = setting(label="Rate", minimum=0, maximum=100, default=Decimal("1.5"))
    on: bool = setting(label="On", default=True)
    wait: timedelta = setting(label="Wait", default=timedelta(seconds=5))
    least: Money = setting(label="Least", default=Money(500, "EUR"))
    size: Size = setting(label="Size", default=Size.SMALL)
    mode: Literal["a", "b"] = setting(label="Mode", default="a")
    key: Secret = setting(label="Key")
    words: tuple[str, ...] = setting(label="Words", default=())
    server: Server = setting(label="Server")


def section(**environ: str) -> Section:
    given = GivenSettings(environ={f"ORDERLOOM_SOME__{k.upper()}": v for k, v in environ.items()})
    return Section(plugin="some", schema=Schema(Settings), source=given, ask=lambda _: None)


def drawn(*layers: Layer, **environ: str) -> type[SettingsForm]:
    return settings_form(section(**environ).fields(layers))


def console(**values: Any) -> Layer:
    return Layer(source="console", values=values)


def typed(cls: type[SettingsForm], **typed_in: str) -> SettingsForm:
    """Fill the form as a browser does: what is shown comes back, with what was typed over it."""
    empty = cls(initial={"seen": 0})
    shown = {
        name: "" if field.initial is None else field.initial for name, field in empty.fields.items()
    }
    form = cls({**shown, "seen": "0", **typed_in}, initial={"seen": 0})
    assert form.is_valid(), form.errors
    return form


def test_every_kind_of_setting_has_its_field() -> None:
    fields = drawn()(initial={"seen": 0}).fields

    kinds: Mapping[str, type[forms.Field]] = {
        "name": forms.CharField,
        "rate": forms.DecimalField,
        "on": forms.ChoiceField,
        "size": forms.ChoiceField,
        "mode": forms.ChoiceField,
        "server.port": forms.IntegerField,
    }
    assert {name: type(fields[name]) for name in kinds} == kinds
    port, rate = fields["server.port"], fields["rate"]
    assert isinstance(port, forms.IntegerField)
    assert (port.min_value, port.max_value) == (1, 65535)
    assert isinstance(rate, forms.DecimalField)
    assert (rate.min_value, rate.max_value) == (0, 100)
    assert isinstance(fields["words"].widget, forms.Textarea)
    for secret in ("key", "server.password"):
        assert isinstance(fields[secret].widget, forms.PasswordInput)


def test_groups_stand_under_their_heading() -> None:
    groups = dict(drawn()(initial={"seen": 0}).groups())

    assert list(groups) == ["", "server"]
    assert [one.label for one, _, _ in groups["server"]] == ["Host", "Port", "Password"]


def test_nothing_touched_changes_nothing() -> None:
    server = {"host": "h", "port": 26}
    form = typed(
        drawn(console(name="x", key="s3cret", wait="14d", on="yes", words="a,b", server=server))
    )

    assert form["wait"].initial == "1209600"
    assert (form.values(), form.unset()) == ({}, frozenset())


def test_what_is_typed_is_told_by_dotted_name_and_nothing_else() -> None:
    form = typed(drawn(), **{"name": "Tea", "server.port": "2525", "on": "false", "least": "7 EUR"})

    assert form.values() == {"name": "Tea", "server.port": "2525", "on": "false", "least": "7 EUR"}


def test_what_is_emptied_is_left_to_lower_layers() -> None:
    form = typed(drawn(console(name="x", address="https://x.example")), address="")

    assert (form.values(), form.unset()) == ({}, {"address"})


def test_a_secret_is_never_shown_stays_where_nothing_is_typed_and_can_be_taken_away() -> None:
    cls = drawn(console(name="x", key="s3cret", server={"host": "h"}))

    assert "s3cret" not in str(cls(initial={"seen": 0}))
    assert typed(cls).values() == {}
    assert typed(cls, key="n3w").values() == {"key": "n3w"}
    assert typed(cls, **{"key:unset": "on"}).unset() == {"key"}


def test_what_a_higher_layer_sets_can_only_be_read() -> None:
    form = typed(drawn(name="From above"), name="Mine")

    assert form.fields["name"].disabled
    assert form.values() == {}


def test_faults_stand_beside_their_fields_and_all_others_above() -> None:
    form = typed(drawn())

    form.blame({"server.port": "too high", "": "the plugin refuses", "gone": "no such setting"})

    assert form.errors["server.port"] == ["too high"]
    assert form.non_field_errors() == ["the plugin refuses", "no such setting"]
