"""`relay --once` and `warm_caches`: what they say to people and to programs."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db(transaction=True)


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_relay_once_says_in_json_what_it_did_and_what_is_left() -> None:
    told: dict[str, Any] = json.loads(said("relay", "--once", "--json"))

    assert told == {
        "webhooks": 0,
        "payments": 0,
        "expired": 0,
        "events": 0,
        "done": 0,
        "put_off": 0,
        "waiting": 0,
        "dead": 0,
        "left": {"events": 0, "pending": 0, "dead": 0},
    }


def test_relay_once_says_it_to_people() -> None:
    lines = said("relay", "--once").splitlines()

    assert lines[3] == "events    0"
    assert lines[-1] == "left      0 events, 0 pending, 0 dead"


def test_warm_caches_refuses_what_nobody_warms() -> None:
    with pytest.raises(CommandError, match="No plugin warms nothing"):
        said("warm_caches", "nothing")


def test_warm_caches_refuses_a_tenant_that_does_not_exist() -> None:
    with pytest.raises(CommandError, match="no tenant nobody"):
        said("warm_caches", "--tenant", "nobody")


@pytest.mark.parametrize("budget", ["-3", "0", "nan", "soon"])
def test_warm_caches_refuses_a_budget_that_is_no_time(budget: str) -> None:
    with pytest.raises(CommandError, match="invalid number of seconds above 0 value"):
        said("warm_caches", f"--budget={budget}")
