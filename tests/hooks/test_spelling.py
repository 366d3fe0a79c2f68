"""How settings are shown: as a person can read them, and as they can be typed back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import pytest

from core.hooks.section import FormField, Section
from core.hooks.settings import GivenSettings, Schema, variable
from core.hooks.spelling import as_text, in_words
from hookspecs import Money, NotConfigured, Secret, setting

pytestmark = pytest.mark.once


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True, kw_only=True)
class Rate:
    region: str
    rate: Decimal
    since: timedelta = timedelta(0)
    least: Money | None = None
    pin: Secret | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    after: timedelta
    least: Money
    size: Size = Size.SMALL


@dataclass(frozen=True, kw_only=True)
class Settings:
    term: timedelta = timedelta(days=14)
    pause: timedelta | None = None
    least: Money = setting(label="Least", default=Money(500, "EUR"))
    share: Decimal = Decimal("1E+3")
    many: int = 5
    on: bool = True
    size: Size = Size.SMALL
    mode: Literal["a", "b"] = "a"
    places: tuple[str, ...] = ("DE", "AT")
    waits: tuple[timedelta, ...] = (timedelta(minutes=5), timedelta(days=1))
    steps: tuple[Step, ...] = (Step(after=timedelta(hours=1), least=Money(1, "EUR")),)
    home: Rate = field(default_factory=lambda: Rate(region="DE", rate=Decimal(19)))


def shown(section: dict[str, Any] | None = None, **environ: str) -> dict[str, FormField]:
    given = {variable("pay", *name.split("__")): text for name, text in environ.items()}
    source = GivenSettings(environ=given, sections={"pay": section or {}})
    found = Section(plugin="pay", schema=Schema(Settings), source=source, ask=lambda _: ())
    return {each.name: each for each in found.fields(())}


def fill(**values: Any) -> Settings:
    filled = Schema(Settings).fill("pay", GivenSettings(sections={"pay": values}, salt=b"s"))
    assert isinstance(filled.value, Settings)
    return filled.value


def test_defaults_are_spelt_as_they_are_typed() -> None:
    values = {name: each.value for name, each in shown().items()}

    assert values == {
        "term": "1209600",
        "pause": "",
        "least": "5.00 EUR",
        "share": "1000",
        "many": "5",
        "on": "true",
        "size": "small",
        "mode": "a",
        "places": "DE, AT",
        "waits": "300, 86400",
        "steps": '[{"after": "3600", "least": "0.01 EUR", "size": "small"}]',
        "home.region": "",
        "home.rate": "",
        "home.since": "0",
        "home.least": "",
        "home.pin": "",
    }


@pytest.mark.parametrize(
    ("name", "typed", "value", "words"),
    [
        ("term", "14d", "1209600", "14 days"),
        ("term", "30", "30", "30 seconds"),
        ("term", "6h", "21600", "6 hours"),
        ("term", "1h 30m", "5400", "1 hour 30 minutes"),
        ("term", "PT5M", "300", "5 minutes"),
        ("term", "14:00:00", "50400", "14 hours"),
        ("term", "0.25", "0.25", "0.25 seconds"),
        ("pause", "", "", ""),
        ("least", "7 EUR", "7.00 EUR", ""),
        ("share", "1e2", "100", ""),
        ("on", "no", "false", ""),
        ("places", '["FR", "CH"]', "FR, CH", ""),
        ("places", '["Tea, black"]', '["Tea, black"]', ""),
        ("places", '["[x]", ""]', '["[x]", ""]', ""),
        ("waits", "1d, PT1H", "86400, 3600", ""),
        (
            "steps",
            '[{"after": "2h", "least": "3 EUR"}]',
            '[{"after": "7200", "least": "3.00 EUR"}]',
            "",
        ),
    ],
)
def test_what_was_typed_is_shown_as_understood(
    name: str, typed: str, value: str, words: str
) -> None:
    one = shown(**{name: typed})[name]

    assert (one.value, one.words) == (value, words)


def test_a_group_given_as_one_text_is_shown_field_by_field_its_secret_hidden() -> None:
    found = shown(home='{"region": "FR", "rate": 7, "since": "2d", "pin": "canary"}')

    assert [found[f"home.{name}"].value for name in ("region", "rate", "since")] == [
        "FR",
        "7",
        "172800",
    ]
    assert "canary" not in repr(found)


def test_what_nobody_can_read_is_shown_as_typed_beside_its_fault() -> None:
    one = shown(term="soon")["term"]

    assert (one.value, one.words) == ("soon", "")
    assert one.fault == "that is no duration: write seconds, or 14d, or PT5M"


def test_everything_shown_can_be_typed_back() -> None:
    first = fill(home={"region": "FR", "rate": "7.5"}, share="0.0000001", pause="P1DT0.000001S")
    source = GivenSettings(
        sections={
            "pay": {
                "home": {"region": "FR", "rate": "7.5"},
                "share": "0.0000001",
                "pause": "P1DT0.000001S",
            }
        }
    )
    section = Section(plugin="pay", schema=Schema(Settings), source=source, ask=lambda _: ())
    typed = {variable("pay", *each.name.split(".")): each.value for each in section.fields(())}

    again = Schema(Settings).fill("pay", GivenSettings(environ=typed, salt=b"s")).value

    assert again == first
    assert typed["ORDERLOOM_PAY__PAUSE"] == "86400.000001"


@pytest.mark.parametrize("given", ["soon", "14 dozen", "nan", "1e400", "", [], None])
def test_a_duration_that_cannot_be_read_is_refused_with_an_example(given: Any) -> None:
    with pytest.raises(NotConfigured) as caught:
        fill(term=given)

    assert str(caught.value) == (
        "term (ORDERLOOM_PAY__TERM): that is no duration: write seconds, or 14d, or PT5M"
    )


@pytest.mark.parametrize(
    "given",
    ["canary EUR", "1.999 EUR", "5 canary", "5", 5, {"minor": True, "currency": "EUR"}],
)
def test_an_amount_that_cannot_be_read_is_refused_with_an_example_and_not_repeated(
    given: Any,
) -> None:
    with pytest.raises(NotConfigured) as caught:
        fill(least=given)

    assert str(caught.value) == ('least (ORDERLOOM_PAY__LEAST): an amount is written "19.99 EUR"')


@pytest.mark.parametrize(
    ("duration", "text", "words"),
    [
        (
            timedelta.max,
            "86399999999999.999999",
            "999999999 days 23 hours 59 minutes 59.999999 seconds",
        ),
        (timedelta.min, "-86399999913600", ""),
        (timedelta(seconds=-0.5), "-0.5", ""),
        (timedelta(0), "0", "0 seconds"),
        (timedelta(days=1, seconds=1), "86401", "1 day 1 second"),
    ],
)
def test_every_duration_has_one_spelling(duration: timedelta, text: str, words: str) -> None:
    assert (as_text(duration), in_words(duration)) == (text, words)


def test_people_are_told_the_words_and_programs_the_value() -> None:
    one = shown()["term"]

    assert (one.told, one.value) == ("1209600 (14 days)", "1209600")
    assert shown()["many"].told == "5"
