"""`doctor`: what was resolved, from where, and whom it can reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.house.tree import ROOT

CANARY = "canary-4f1c"


def doctor(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {n: v for n, v in os.environ.items() if n not in {"DATABASE_URL", "CACHE_URL"}}
    here = {"ORDERLOOM_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "core.project.settings"}
    return subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"],
        cwd=ROOT,
        env=kept | here | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.django_db(transaction=True)
def test_all_is_well() -> None:
    out = StringIO()

    call_command("doctor", "--json", stdout=out)

    told = json.loads(out.getvalue())
    assert {one["name"]: one["ok"] for one in told["reached"]} == {
        "database": True,
        "cache": True,
        "mail": True,
    }
    assert told["versions"].keys() == {"orderloom", "django", "python"}


@pytest.mark.django_db(transaction=True)
def test_people_read_where_each_setting_comes_from() -> None:
    out = StringIO()

    call_command("doctor", stdout=out)

    assert "SECRET_KEY = ••••••  (environment)" in out.getvalue()
    assert "ORDERLOOM_CURRENCY = EUR  (default)" in out.getvalue()


@pytest.mark.once
def test_what_cannot_be_reached_is_named_and_secrets_are_not(tmp_path: Path) -> None:
    began = time.monotonic()

    done = doctor(
        tmp_path,
        DATABASE_URL=f"postgres://shop:{CANARY}@127.0.0.1:1/shop",
        CACHE_URL=f"redis://:{CANARY}@127.0.0.1:1/0",
        EMAIL_URL=f"smtp://shop:{CANARY}@127.0.0.1:1",
        SECRET_KEY=CANARY,
        ORDERLOOM_SECRETS_KEY=CANARY,
        ORDERLOOM_PAYMENT_STRIPE_LIKE__API_KEY=CANARY,
    )

    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert [one["ok"] for one in told["reached"]] == [False, False, False]
    assert CANARY not in done.stdout + done.stderr
    assert time.monotonic() - began < 30


@pytest.mark.once
def test_tables_behind_the_code_are_named(tmp_path: Path) -> None:
    done = doctor(tmp_path)

    database = json.loads(done.stdout)["reached"][0]
    assert done.returncode == 1
    assert "run migrate" in database["text"]


@pytest.mark.once
def test_a_setting_of_a_plugin_says_where_it_comes_from(tmp_path: Path) -> None:
    done = doctor(tmp_path, ORDERLOOM_NOTIFY_EMAIL__SHOP="Leaf & Letter")

    found = {one["name"]: one for one in json.loads(done.stdout)["settings"]}
    assert found["ORDERLOOM_NOTIFY_EMAIL__SHOP"]["value"] == "Leaf & Letter"
    assert found["ORDERLOOM_NOTIFY_EMAIL__SHOP"]["source"] == "environment"


@pytest.mark.once
def test_what_it_says_can_be_copied_into_the_environment(tmp_path: Path) -> None:
    done = doctor(tmp_path, DEBUG="1")

    found = {one["name"]: one for one in json.loads(done.stdout)["settings"]}
    said = {name: one["value"] for name, one in found.items()}
    assert said["DATABASE_URL"] == f"sqlite:///{tmp_path}/orderloom.sqlite3"
    assert (said["CACHE_URL"], said["LOG_FORMAT"]) == ("locmem://", "console")
    assert said["ORDERLOOM_BEHIND_PROXY"] == "False"
    if "SECRET_KEY" not in os.environ:
        assert found["SECRET_KEY"]["source"] == str(tmp_path / "secret_key")
    again = doctor(
        tmp_path, DEBUG="1", **{name: said[name] for name in ("DATABASE_URL", "EMAIL_URL")}
    )
    then = {one["name"]: one["value"] for one in json.loads(again.stdout)["settings"]}
    assert [then[name] for name in ("DATABASE_URL", "EMAIL_URL")] == [
        said[name] for name in ("DATABASE_URL", "EMAIL_URL")
    ]
