"""Settings from the console: layers, versions, secrets, accounts, and everything that is refused."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from django.test import override_settings

from core.application.configure_plugin import Configured, ConfigurePlugin, configure_plugin
from core.application.plugin_states import console_layers
from core.domain.errors import (
    ConcurrentChange,
    InvalidInput,
    NotFound,
    PluginUnavailable,
    SetElsewhere,
)
from core.hooks.settings import variable
from core.hooks.states import State
from core.models import PluginChange, PluginSettings, Tenant
from hookspecs import Call, Done
from tests.application.till import Tills
from tests.hooks.gallery import view

KEY = "a key for secrets"
TOP = "sk_canary_1"


@pytest.fixture(autouse=True)
def _with_a_key(settings: Any) -> None:
    settings.ORDERLOOM_SECRETS_KEY = [KEY]


@pytest.fixture
def acme() -> str:
    Tenant.objects.create(id=2, slug="acme")
    return "acme"


def configure(tills: Tills, now: datetime, **how: Any) -> Configured:
    command = ConfigurePlugin(**{"plugin": "till", "who": "ada"} | how)
    return configure_plugin(command, plugins=tills.registry(), now=now)


def key_of(tills: Tills, tenant: str = "default", account: str | None = None) -> str:
    strategy = tills.registry(tenant).strategy(plugin="till", code="till", account=account)
    call = Call(deadline=time.monotonic() + 5)
    return str(cast(Done, strategy.refund(cast(Any, None), call)).reference)


def test_a_plugin_works_as_soon_as_it_has_what_it_needs(tills: Tills, now: datetime) -> None:
    before = view(tills.registry(), "till").state

    part = configure(tills, now, values={"port": "99"})
    whole = configure(tills, now, values={"api_key": TOP}, reason="first key")

    assert before is State.NOT_CONFIGURED
    assert (part.missing, whole.missing) == (("api_key",), ())
    assert view(tills.registry(), "till").state is State.ENABLED
    assert key_of(tills) == TOP
    changes = PluginChange.objects.order_by("id")
    assert [(c.kind, c.names, c.reason) for c in changes] == [
        ("SETTINGS", ["port"], ""),
        ("SETTINGS", ["api_key"], "first key"),
    ]


def test_secrets_lie_encrypted_and_are_never_shown(tills: Tills, now: datetime) -> None:
    values = {"api_key": TOP, "keys": ["canary_2", "canary_3"], "sender.token": "canary_4"}
    configure(tills, now, values=values | {"sender.name": "Ada"})

    row = PluginSettings.objects.get()
    section = tills.registry().sections["till"]
    fields = {each.name: each for each in section.fields(console_layers("till", None))}

    assert "canary" not in json.dumps([row.values, row.sealed])
    assert row.values == {"sender": {"name": "Ada"}}
    assert set(row.sealed) == {"api_key", "keys", "sender.token"}
    assert "canary" not in repr(fields) + repr(console_layers("till", None))
    assert (fields["api_key"].value, fields["api_key"].source) == ("••••••", "console")
    assert fields["sender.name"].value == "Ada"


def test_an_absent_or_empty_secret_keeps_the_old_one(tills: Tills, now: datetime) -> None:
    configure(tills, now, values={"api_key": TOP})

    done = configure(tills, now, values={"api_key": "", "port": 26})

    assert done.changed == ("port",)
    assert key_of(tills) == TOP


def test_unset_goes_back_to_the_layer_below(tills: Tills, now: datetime) -> None:
    configure(tills, now, values={"api_key": TOP, "port": 99, "sender.name": "Ada"})

    done = configure(tills, now, unset=frozenset({"port", "sender.name"}))

    assert done.changed == ("port", "sender.name")
    assert PluginSettings.objects.latest("id").values == {}


def test_nothing_new_is_no_version(tills: Tills, now: datetime) -> None:
    first = configure(tills, now, values={"api_key": TOP})

    again = configure(tills, now, values={"api_key": TOP})

    assert (again.version, again.changed) == (first.version, ())
    assert PluginSettings.objects.count() == 1


def test_the_layers_stand_one_above_the_other(tmp_path: Path, tills: Tills, now: datetime) -> None:
    Tenant.objects.create(id=2, slug="acme")
    configure(tills, now, values={"port": 10, "account": "all", "base": "https://all.example"})
    configure(tills, now, tenant="acme", values={"port": 20, "account": "acme"})
    tills.given = type(tills.given)(
        environ={variable("till", "port"): "40"},
        sections={"till": {"account": "file"}},
        salt=b"salt",
    )

    def told(tenant: str) -> dict[str, tuple[str, str, bool]]:
        section = tills.registry(tenant).sections["till"]
        fields = section.fields(console_layers("till", tenant))
        return {each.name: (each.value, each.source, each.fixed) for each in fields}

    acme = told("acme")
    assert acme["port"] == ("40", "environment", True)
    assert acme["account"] == ("file", "ORDERLOOM_PLUGIN_SETTINGS", True)
    assert acme["base"] == ("https://all.example", "console", False)
    assert acme["speed"] == ("SLOW", "default", False)
    assert acme["patience"] == ("3", "default", False)
    assert acme["api_key"] == ("", "not set", False)
    tills.given = type(tills.given)(salt=b"salt")
    assert told("acme")["port"] == ("20", "console for acme", False)
    assert told("default")["port"] == ("10", "console", False)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"port": "many"}, {"port": "Input should be a valid integer"}),
        ({"port": 0}, {"port": "greater than or equal to 1"}),
        ({"base": "ftp://x"}, {"base": "an address begins with https"}),
        ({"speed": "WARP"}, {"speed": "SLOW"}),
        ({"nothing": 1}, {"nothing": "there is no such setting"}),
        ({"sender": "{}"}, {"sender": "there is no such setting"}),
        ({"api_key": "pk_canary"}, {"": "api_key has to start with sk_"}),
        ({"api_key": ["sk_canary"]}, {"api_key": "a secret is a text"}),
        ({"port": "x", "speed": "y"}, {"port": "integer", "speed": "SLOW"}),
    ],
)
def test_what_is_wrong_is_said_by_field_and_not_stored(
    tills: Tills, now: datetime, values: dict[str, Any], said: dict[str, str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        configure(tills, now, values=values)

    fields = caught.value.details["fields"]
    assert set(fields) == set(said)
    assert all(text in fields[name] for name, text in said.items())
    assert "canary" not in f"{caught.value} {caught.value.details}"
    assert not PluginSettings.objects.exists()


def test_what_the_environment_sets_is_refused_by_its_name(tills: Tills, now: datetime) -> None:
    tills.given = type(tills.given)(
        environ={"ORDERLOOM_TILL__PORT": "1"}, sections={"till": {"account": "x"}}
    )

    with pytest.raises(SetElsewhere) as caught:
        configure(tills, now, values={"port": 2, "account": "y"})

    assert "port (ORDERLOOM_TILL__PORT)" in str(caught.value)
    assert "account (ORDERLOOM_PLUGIN_SETTINGS)" in str(caught.value)
    assert not PluginSettings.objects.exists()


@override_settings(ORDERLOOM_SECRETS_KEY=[])
def test_without_a_key_the_console_takes_no_secrets_and_says_why(
    tills: Tills, now: datetime
) -> None:
    with pytest.raises(InvalidInput, match="ORDERLOOM_SECRETS_KEY is not set"):
        configure(tills, now, values={"api_key": TOP})

    assert configure(tills, now, values={"port": 26}).changed == ("port",)


def test_a_lost_key_is_a_state_and_never_falls_back_to_what_lies_below(
    tills: Tills, now: datetime, acme: str
) -> None:
    configure(tills, now, values={"api_key": "sk_all"})
    configure(tills, now, tenant=acme, values={"api_key": "sk_acme"})
    both = [key_of(tills, tenant) for tenant in ("default", acme)]
    with override_settings(ORDERLOOM_SECRETS_KEY=["another", KEY]):
        rotated = key_of(tills, acme)
        configure(tills, now, values={"api_key": "sk_new"})
    with override_settings(ORDERLOOM_SECRETS_KEY=["another"]):
        lost = view(tills.registry(acme), "till")

    assert (both, rotated) == (["sk_all", "sk_acme"], "sk_acme")
    assert lost.state is State.NOT_CONFIGURED
    assert "api_key: kept under a key that ORDERLOOM_SECRETS_KEY no longer lists" in lost.why


def test_a_form_drawn_before_somebody_elses_change_is_refused(tills: Tills, now: datetime) -> None:
    first = configure(tills, now, values={"port": 1}, seen=0)
    configure(tills, now, values={"port": 2}, seen=first.version)

    with pytest.raises(ConcurrentChange):
        configure(tills, now, values={"port": 3}, seen=first.version)


def test_a_plugin_without_settings_has_none_to_set(tills: Tills, now: datetime) -> None:
    with pytest.raises(NotFound, match="plain has no settings"):
        configure(tills, now, plugin="plain", values={"x": 1})


def test_later_commands_use_the_newest_settings_of_their_account(
    tills: Tills, now: datetime
) -> None:
    for key, account in (("sk_1", "old"), ("sk_2", "old"), ("sk_3", "new")):
        configure(tills, now, values={"api_key": key, "account": account})

    assert key_of(tills) == "sk_3"
    assert key_of(tills, account="new") == "sk_3"
    assert key_of(tills, account="old") == "sk_2"
    with pytest.raises(PluginUnavailable, match="another account than nobody's"):
        key_of(tills, account="nobody's")


def test_an_account_of_the_installation_is_served_after_a_tenant_has_its_own(
    tills: Tills, now: datetime, acme: str
) -> None:
    configure(tills, now, values={"api_key": "sk_all", "account": "all"})
    configure(tills, now, tenant=acme, values={"api_key": "sk_acme", "account": "acme"})

    assert key_of(tills, acme) == "sk_acme"
    assert key_of(tills, acme, account="all") == "sk_all"
    with pytest.raises(PluginUnavailable):
        key_of(tills, "default", account="acme")


def test_a_new_required_field_after_an_upgrade_is_not_configured(
    tills: Tills, now: datetime
) -> None:
    configure(tills, now, values={"api_key": TOP})
    before = view(tills.registry(), "till").state

    tills.upgrade()
    missing = view(tills.registry(), "till")
    with pytest.raises(PluginUnavailable, match="region is not set"):
        key_of(tills, account="main")
    configure(tills, now, values={"region": "north"})

    assert (before, missing.state) == (State.ENABLED, State.NOT_CONFIGURED)
    assert missing.why == "region is not set: give ORDERLOOM_TILL__REGION"
    assert view(tills.registry(), "till").state is State.ENABLED
    assert key_of(tills, account="main") == TOP


def test_webhooks_are_read_for_every_account_there_was(tills: Tills, now: datetime) -> None:
    for account in ("old", "new"):
        configure(tills, now, values={"api_key": f"sk_{account}", "account": account})

    reading = tills.registry().reading_webhooks("till")

    assert [each.info.account for each in reading] == ["new", "old"]


def test_an_offer_is_asked_for_once_per_set_of_settings(
    tills: Tills, now: datetime, acme: str
) -> None:
    configure(tills, now, values={"api_key": TOP})
    asked = tills.loaded.plugins[1].implementations["payment_strategies"].function.__globals__
    before = len(asked["asked"])

    for tenant in ("default", acme, "default"):
        tills.registry(tenant)
    shared = len(asked["asked"])
    configure(tills, now, tenant=acme, values={"account": "acme"})
    tills.registry(acme)
    tills.registry("default")

    assert shared == before
    assert len(asked["asked"]) == before + 1
