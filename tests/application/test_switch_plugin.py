"""Switches: for all and for one tenant, with who and why, and what a registry makes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import override_settings

from core.application.switch_plugin import Switched, SwitchPlugin, switch_plugin
from core.domain.errors import InvalidInput, NotFound, SetElsewhere
from core.hooks.states import State
from core.models import PluginChange, PluginGeneration, PluginSwitch, Tenant
from tests.application.till import Tills
from tests.hooks.gallery import view


def flip(tills: Tills, now: datetime, on: bool | None, **how: Any) -> Switched:
    command = SwitchPlugin(**{"plugin": "till", "on": on, "who": "ada"} | how)
    return switch_plugin(command, plugins=tills.registry(), now=now)


@pytest.fixture
def acme() -> str:
    Tenant.objects.create(id=2, slug="acme")
    return "acme"


def test_a_switch_moves_with_its_generation_and_says_who_and_why(
    tills: Tills, now: datetime
) -> None:
    before = PluginGeneration.objects.get().generation

    done = flip(tills, now, on=False, reason="too slow")

    seen = view(tills.registry(), "plain"), view(tills.registry(), "till")
    assert (done.changed, done.generation) == (True, before + 1)
    assert PluginGeneration.objects.get().generation == before + 1
    assert [each.state for each in seen] == [State.ENABLED, State.NOT_CONFIGURED]
    [change] = PluginChange.objects.all()
    assert (change.kind, change.who, change.reason) == ("OFF", "ada", "too slow")
    assert (change.at, change.generation) == (now, before + 1)


def test_what_is_off_says_who_did_it(tills: Tills, now: datetime) -> None:
    flip(tills, now, on=False, plugin="plain", reason="too slow")

    seen = view(tills.registry(), "plain")

    assert (seen.state, seen.why) == (State.DISABLED, "switched off by ada: too slow")


def test_what_stands_like_that_already_is_no_change(tills: Tills, now: datetime) -> None:
    done = [flip(tills, now, on=on).changed for on in (True, False, False, True, True)]

    assert done == [False, True, False, True, False]
    assert [change.kind for change in PluginChange.objects.order_by("id")] == ["OFF", "ON"]
    assert PluginSwitch.objects.count() == 1


def test_a_tenants_own_switch_goes_first_until_it_follows_again(
    tills: Tills, now: datetime, acme: str
) -> None:
    def states() -> list[State]:
        return [view(tills.registry(t), "plain").state for t in ("default", acme)]

    flip(tills, now, on=False, plugin="plain", tenant=acme)
    one = states()
    flip(tills, now, on=True, plugin="plain", tenant=acme)
    everywhere = flip(tills, now, on=False, plugin="plain")
    other = states()
    flip(tills, now, on=None, plugin="plain", tenant=acme)

    assert one == [State.ENABLED, State.DISABLED]
    assert other == [State.DISABLED, State.ENABLED]
    assert everywhere.differing == (acme,)
    assert states() == [State.DISABLED, State.DISABLED]


@override_settings(ORDERLOOM_PLUGINS_DISABLED=frozenset({"plain"}))
def test_the_settings_file_wins_and_says_so(tills: Tills, now: datetime) -> None:
    with pytest.raises(SetElsewhere, match="ORDERLOOM_PLUGINS_DISABLED switches plain off"):
        flip(tills, now, on=True, plugin="plain")
    off = flip(tills, now, on=False, plugin="plain")

    assert off.changed
    assert view(tills.registry(), "plain").why == "ORDERLOOM_PLUGINS_DISABLED switches it off"


@pytest.mark.parametrize(
    ("how", "refused"),
    [
        ({"plugin": "nobody", "on": False}, NotFound),
        ({"tenant": "nobody", "on": False}, NotFound),
        ({"on": None}, InvalidInput),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    tills: Tills, now: datetime, how: dict[str, Any], refused: type[Exception]
) -> None:
    with pytest.raises(refused):
        flip(tills, now, **how)

    assert not PluginSwitch.objects.exists()
    assert not PluginChange.objects.exists()
