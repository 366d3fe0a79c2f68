"""Switching and configuring from the command line: what it says, to whom, and its exit codes."""

from __future__ import annotations

import io
import json
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db.models.functions import Now
from django.test import override_settings

from core.application import refresh_registry as module
from core.management.commands.plugins import VERBS
from core.management.verbs.verb import Verb
from core.models import PluginSettings, PluginWorker, Tenant
from tests.house.tree import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

TAX, CARD = "pricing-sales-tax", "payment-stripe-like"


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Iterator[None]:
    settings.ORDERLOOM_SECRETS_KEY = ["a key"]
    settings.ORDERLOOM_WORKER_REPORT_SECONDS = 0.1
    module.forget()
    yield
    module.forget()


def ask(*arguments: str) -> str:
    out = io.StringIO()
    call_command("plugins", *arguments, stdout=out)
    return out.getvalue()


def told(*arguments: str) -> Any:
    return json.loads(ask(*arguments, "--json"))


def listed() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in told("list")}


def working(**what: Any) -> PluginWorker:
    about = {"id": "w", "process": "here:1", "in_hand": 1, "generation": 0, "seen_at": Now()}
    return PluginWorker.objects.create(**about | what)


def test_a_tenant_follows_the_installation_again() -> None:
    Tenant.objects.create(id=2, slug="other")
    told("disable", TAX, "--tenant", "other")

    followed = told("follow", TAX, "--tenant", "other")

    assert (followed["state"], followed["on"], followed["changed"]) == ("ENABLED", None, True)
    with pytest.raises(CommandError, match="Only a tenant"):
        ask("follow", TAX)


def test_a_plugin_is_switched_off_and_on_and_the_history_says_why() -> None:
    off = told("disable", TAX, "--reason", "too dear")
    after = listed()[TAX]
    on = ask("enable", TAX)
    history = told("config", TAX, "--history")

    assert (off["state"], off["changed"], off["late"]) == ("DISABLED", True, [])
    assert after["state"] == "DISABLED"
    assert after["why"].endswith("(command line): too dear")
    assert on == f"{TAX} is ENABLED.\n"
    assert [(row["kind"], row["reason"]) for row in history] == [("ON", ""), ("OFF", "too dear")]


def test_waiting_ends_a_second_and_a_report_later() -> None:
    began = time.monotonic()

    off = told("disable", TAX, "--wait")

    assert off["late"] == []
    assert time.monotonic() - began >= 1.1


@pytest.mark.parametrize(
    ("worker", "late"),
    [
        ({}, ["here:1"]),
        ({"in_hand": 0}, []),
        ({"generation": 99}, []),
    ],
    ids=["at work with the old", "idle", "at work with the new"],
)
def test_waiting_is_for_those_who_hold_older_work(worker: dict[str, Any], late: list[str]) -> None:
    working(**worker)
    out = io.StringIO()

    try:
        call_command("plugins", "disable", TAX, "--wait", "--deadline=1.5", "--json", stdout=out)
        code = 0
    except SystemExit as ended:
        code = int(str(ended.code))

    assert json.loads(out.getvalue())["late"] == late
    assert code == (1 if late else 0)


def test_it_is_said_where_servers_run_other_code_than_is_installed() -> None:
    working(versions={TAX: "0.0.1"})

    row = listed()[TAX]

    assert row["running"] == ["0.0.1"]
    assert f"installed {row['version']}, running 0.0.1" in ask("list")


def test_a_plugin_is_configured_secrets_by_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("sk_canary\nwhsec_canary\n"))

    ask("config", CARD, "--secret", "api_key", "webhook_secrets", "--set", "label=Plastic")
    told("config", CARD, "--set", "account=main", "--unset", "label", "--reason", "moved")
    shown = ask("config", CARD) + ask("show", CARD)
    history = told("config", CARD, "--history")

    row = PluginSettings.objects.latest("id")
    assert (row.values, set(row.sealed)) == ({"account": "main"}, {"api_key", "webhook_secrets"})
    assert "canary" not in shown + json.dumps(row.sealed)
    assert f"/webhooks/{CARD}/" in shown
    assert "main" in shown
    assert [each["names"] for each in history] == [
        ["account", "label"],
        ["api_key", "label", "webhook_secrets"],
    ]


def test_a_duration_is_told_in_seconds_and_in_words() -> None:
    done = ask("config", CARD, "--set", "keys_kept=2d")

    assert "keys_kept is now 172800 (2 days)." in done.splitlines()
    for shown in (ask("config", CARD), ask("show", CARD)):
        assert "172800 (2 days)" in shown
        assert "3600 (1 hour)" in shown
    rows = {each["name"]: each for each in told("config", CARD)["settings"]}
    assert (rows["keys_kept"]["value"], rows["keys_kept"]["words"]) == ("172800", "2 days")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("disable", "nobody"), "NOT_FOUND: There is no plugin nobody."),
        (("disable", TAX, "--tenant", "nobody"), "NOT_FOUND: There is no tenant nobody."),
        (("list", "--tenant", "nobody"), "NOT_FOUND: There is no tenant nobody."),
        (
            ("config", CARD, "--set", "visible_after=soon"),
            "visible_after: that is no duration: write seconds, or 14d, or PT5M",
        ),
        (("config", CARD, "--set", "label"), "label sets nothing: write field=value."),
        (("config", CARD, "--set", "colour=red"), "colour: there is no such setting"),
        (("config", "events-log", "--secret", "x"), "x: nothing came from standard input."),
    ],
)
def test_what_is_refused_is_one_plain_sentence(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    with pytest.raises(CommandError) as caught:
        ask(*arguments)

    assert said in str(caught.value)
    assert not PluginSettings.objects.exists()


def test_draining_ends_where_nothing_is_open() -> None:
    done = told("drain", CARD, "--deadline", "5")

    assert (done["drained"], done["payments"], done["late"]) == (True, 0, [])


@override_settings(ORDERLOOM_PLUGINS_DISABLED=frozenset({TAX}))
def test_what_the_environment_switches_off_stays_off() -> None:
    with pytest.raises(CommandError, match="SET_ELSEWHERE: ORDERLOOM_PLUGINS_DISABLED switches"):
        ask("enable", TAX)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_pages_tell_of_every_verb_and_its_options(verb: Verb) -> None:
    commands = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    plugins = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    parser = CommandParser()
    verb.arguments(parser)
    options = {name for name in parser._option_string_actions if name.startswith("--")}

    rows = re.findall(r"^\| (`plugins .*?) \| ", commands.replace("\\|", " or "), re.MULTILINE)
    row = next((each for each in rows if re.search(rf"`(plugins )?{verb.name}\b", each)), "")

    assert row
    # `--tenant` and `--json` are explained once, for all commands
    assert {name for name in options if name not in row} <= {"--help", "--tenant", "--json"}
    assert f"plugins {verb.name}" in plugins
