"""A plugin's settings: where they come from, what is wrong with them, and what stays secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import pytest

from core.hooks.section import Section
from core.hooks.settings import GivenSettings, Schema, variable
from core.hooks.states import PluginStates, State
from hookspecs import Call, Money, NotConfigured, Secret, Unknown, setting
from tests.hooks.gallery import Gallery, view


class Speed(StrEnum):
    SLOW = "SLOW"
    FAST = "FAST"


@dataclass(frozen=True, kw_only=True)
class Rate:
    region: str
    rate: Decimal


@dataclass(frozen=True, kw_only=True)
class Settings:
    api_key: Secret = setting(label="API key", help="Starts with sk_")
    base: str = setting(label="Address", default="https://api.example", format="url")
    port: int = setting(label="Port", default=25, minimum=1, maximum=65535)
    on: bool = True
    wait: timedelta = timedelta(seconds=3)
    least: Money | None = None
    speed: Speed = Speed.SLOW
    mode: Literal["a", "b"] = "a"
    tags: tuple[str, ...] = ()
    rates: tuple[Rate, ...] = ()
    home: Rate | None = None


def given(**values: str) -> dict[str, str]:
    named = {"api_key": "sk_live_1"} | values
    return {variable("pay", *name.split("__")): value for name, value in named.items()}


def fill(environ: dict[str, str], section: dict[str, Any] | None = None) -> Settings:
    source = GivenSettings(environ=environ, sections={"pay": section or {}}, salt=b"s")
    value = Schema(Settings).fill("pay", source).value
    assert isinstance(value, Settings)
    return value


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("api_key", "sk_2", Secret("sk_2")),
        ("base", "http://localhost:1", "http://localhost:1"),
        ("port", "2525", 2525),
        ("on", "false", False),
        ("wait", "30", timedelta(seconds=30)),
        ("wait", "PT2M", timedelta(minutes=2)),
        ("least", "19.99 EUR", Money(1999, "EUR")),
        ("least", "", None),
        ("speed", "FAST", Speed.FAST),
        ("mode", "b", "b"),
        ("tags", "x, y", ("x", "y")),
        ("tags", '["x, y"]', ("x, y",)),
        ("rates", '[{"region": "DE", "rate": "19"}]', (Rate(region="DE", rate=Decimal(19)),)),
        ("home", '{"region": "DE", "rate": 7}', Rate(region="DE", rate=Decimal(7))),
    ],
)
def test_a_variable_is_read_as_its_field_says(name: str, text: str, value: object) -> None:
    settings = fill(given(**{name: text}))

    assert getattr(settings, name) == value


def test_a_group_is_set_field_by_field_over_its_json() -> None:
    settings = fill(given(home='{"region": "DE", "rate": 7}', home__rate="19"))

    assert settings.home == Rate(region="DE", rate=Decimal(19))


def test_the_environment_wins_over_the_django_setting_and_that_over_the_default() -> None:
    settings = fill(given(port="1"), {"port": 2, "base": "https://two.example"})

    assert (settings.port, settings.base, settings.on) == (1, "https://two.example", True)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "api_key is not set: give ORDERLOOM_PAY__API_KEY"),
        (given(port="many"), "port (ORDERLOOM_PAY__PORT): Input should be a valid integer"),
        (given(port="70000"), "less than or equal to 65535"),
        (given(apy="1"), "there is no setting apy (ORDERLOOM_PAY__APY)"),
        (given(home__rate="x"), "home.region is not set: give ORDERLOOM_PAY__HOME__REGION"),
        (given(base="ftp://x"), "an address begins with https:// or http://"),
        (given(least="12"), 'an amount is written "19.99 EUR"'),
        (given(speed="WARP"), "speed (ORDERLOOM_PAY__SPEED)"),
    ],
)
def test_what_is_wrong_names_the_field_and_its_variable(environ: dict[str, str], said: str) -> None:
    with pytest.raises(NotConfigured) as caught:
        fill(environ)

    assert said in str(caught.value)


def test_a_wrong_secret_is_not_repeated() -> None:
    with pytest.raises(NotConfigured) as caught:
        fill({}, {"api_key": ["sk_live_canary"]})

    assert "canary" not in str(caught.value)


def test_sources_are_told_and_secrets_masked() -> None:
    source = GivenSettings(environ=given(), sections={"pay": {"port": 2}}, salt=b"s")
    schema = Schema(Settings)

    section = Section(plugin="pay", schema=schema, source=source, ask=lambda _: ())
    filled = schema.fill("pay", source)

    shown = {each.name: (each.value, each.source) for each in section.fields(())}
    assert shown["api_key"] == ("••••••", "environment")
    assert shown["port"] == ("2", "ORDERLOOM_PLUGIN_SETTINGS")
    assert shown["on"] == ("true", "default")
    assert "sk_live_1" not in repr(filled)


def test_the_version_changes_with_a_secret_and_tells_nothing_without_the_salt() -> None:
    def version(key: str, salt: bytes) -> str:
        source = GivenSettings(environ=given(api_key=key), salt=salt)
        return Schema(Settings).fill("pay", source).version

    assert version("a", b"1") == version("a", b"1")
    assert version("a", b"1") != version("b", b"1")
    assert version("a", b"1") != version("a", b"2")


def test_the_form_is_drawn_from_the_twin() -> None:
    fields = Schema(Settings).json_schema["properties"]

    assert fields["api_key"] == {
        "title": "API key",
        "description": "Starts with sk_",
        "type": "string",
        "format": "password",
        "writeOnly": True,
    }
    assert fields["port"]["maximum"] == 65535
    assert fields["base"]["format"] == "url"


@dataclass(frozen=True)
class Deep:
    inner: tuple[tuple[Rate, ...], ...] = ()


@dataclass(frozen=True)
class Deeper:
    deep: Deep | None = None
    wrapped: Settings | None = None


@pytest.mark.parametrize("cls", [Deeper, int, "text"])
def test_a_schema_that_cannot_be_is_refused(cls: Any) -> None:
    with pytest.raises(TypeError):
        Schema(cls)


CONFIGURED = {
    "settings.py": """
    from dataclasses import dataclass
    from hookspecs import NotConfigured, Secret, setting
    @dataclass(frozen=True)
    class Settings:
        key: Secret = setting(label="Key")
        def __post_init__(self):
            if not self.key.reveal().startswith("sk_"):
                raise NotConfigured(f"not a key: {self.key.reveal()}")
    """
}
TALKATIVE = """
class Pay:
    info = PaymentInfo(code="pay", label="Pay")
    def __init__(self, settings): self.settings = settings
    def start(self, request, call): raise OSError(f"refused {self.settings.key.reveal()}")
    def inquire(self, request, call): return NotFound()
@hookimpl
def payment_strategies(settings):
    return [Pay(settings)]
"""


def add_talkative(gallery: Gallery) -> None:
    gallery.add(
        "pay",
        TALKATIVE,
        hooks=("payment_strategies",),
        more='settings = "PACKAGE.settings:Settings"',
        files=CONFIGURED,
    )


def test_missing_settings_are_a_state_and_no_problem_before_the_first_refresh(
    gallery: Gallery,
) -> None:
    add_talkative(gallery)

    first = gallery.build()
    refreshed = gallery.build(PluginStates(refreshed=True))

    assert view(first, "pay").state is State.NOT_CONFIGURED
    assert view(first, "pay").why == "key is not set: give ORDERLOOM_PAY__KEY"
    assert first.problems == ()
    assert [problem.id for problem in refreshed.problems] == ["orderloom.W004"]


def test_a_plugin_may_say_itself_that_it_is_not_configured(gallery: Gallery) -> None:
    add_talkative(gallery)

    registry = gallery.build(environ={"ORDERLOOM_PAY__KEY": "pk_1"})

    assert view(registry, "pay").state is State.NOT_CONFIGURED
    assert view(registry, "pay").why == "not a key: ••••••"


def test_a_secret_in_an_exception_is_masked(gallery: Gallery) -> None:
    add_talkative(gallery)
    registry = gallery.build(environ={"ORDERLOOM_PAY__KEY": "sk_canary"})
    start: Any = registry.strategies["pay"].start

    outcome = start(None, Call(deadline=float("inf")))

    assert outcome == Unknown(cause="OSError: refused ••••••")
