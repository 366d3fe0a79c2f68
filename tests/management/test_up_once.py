"""`up --once` buys in a shop of its own, tells nobody outside, and says what went wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.hooks.gallery import Gallery
from tests.house.tree import ROOT
from tests.management.test_up import up

pytestmark = [pytest.mark.once, pytest.mark.slow]

REFUSES = """
class Refuses:
    info = PaymentInfo(code="refuses", label="Refuses", features=FEATURES)
    def start(self, request, call):
        return Declined(code=DeclineCode.NOT_SUPPORTED, text="members only")
    def inquire(self, request, call):
        return NotFound()

@hookimpl
def payment_strategies():
    return [Refuses()]
"""

BELL = """
class Bell:
    info = ChannelInfo(code="bell", label="Bell")
    def deliver(self, message, call):
        raise RuntimeError("nobody is to be told")

@hookimpl
def notification_channels():
    return [Bell()]
"""


def importable(*folders: Path) -> str:
    return ":".join(map(str, (*folders, ROOT)))


def test_once_touches_nothing_of_yours(tmp_path: Path) -> None:
    shelf = Gallery(tmp_path / "shelf")
    shelf.add("notify-bell", BELL, hooks=["notification_channels"])
    yours = tmp_path / "yours"
    yours.mkdir()

    done = up(
        tmp_path / "data",
        "--once",
        DATABASE_URL=f"sqlite:///{yours / 'shop.sqlite3'}",
        CACHE_URL="redis://127.0.0.1:1/0",
        EMAIL_URL=f"filemail:///{yours}/mail",
        ORDERLOOM_EVENTS_LOG__PATH=str(yours / "events.jsonl"),
        ORDERLOOM_PLUGIN_SETTINGS=json.dumps({"notify-email": {"sender": "real@shop.example"}}),
        ORDERLOOM_PLUGINS="payment-bank-transfer,notify-email,notify-bell,events-log",
        ORDERLOOM_PAYMENT_BANK_TRANSFER__ACCOUNT_HOLDER="Our Shop",
        ORDERLOOM_PAYMENT_BANK_TRANSFER__IBAN="DE02120300000000202051",
        PYTHONPATH=importable(tmp_path / "shelf"),
    )

    assert done.returncode == 0, done.stderr
    assert list(yours.iterdir()) == []
    assert not list((tmp_path / "data").glob("*.sqlite3*"))
    assert not list((tmp_path / "data").glob("once-*"))
    assert "waits for the customer (Show)" in done.stdout
    assert "email to anna@shop.example" in done.stdout
    assert "bell to" not in done.stdout
    assert "Left out, since they tell others: notify-bell." in done.stdout


def test_once_refuses_where_a_settings_module_names_your_database(tmp_path: Path) -> None:
    yours = tmp_path / "yours.sqlite3"
    (tmp_path / "mine.py").write_text(
        "from core.project.settings import *\n"
        f"DATABASES['default']['NAME'] = {str(yours)!r}\n"
        "CACHES['default']['BACKEND'] = 'django.core.cache.backends.redis.RedisCache'\n",
        encoding="utf-8",
    )

    done = up(
        tmp_path / "data",
        "--once",
        ORDERLOOM_PLUGINS="",
        DJANGO_SETTINGS_MODULE="mine",
        PYTHONPATH=importable(tmp_path),
    )

    assert done.returncode == 1
    assert "mine leads out of it: DATABASES['default'], CACHES['default']." in done.stderr
    assert not list(tmp_path.glob("yours*"))
    assert not list((tmp_path / "data").glob("once-*"))


def test_a_decline_is_no_wait_for_a_person(tmp_path: Path) -> None:
    manual = REFUSES.replace("FEATURES", "frozenset({Feature.MANUAL})")
    Gallery(tmp_path / "shelf").add("payment-refuses", manual, hooks=["payment_strategies"])

    done = up(
        tmp_path / "data",
        "--once",
        ORDERLOOM_PLUGINS="payment-refuses",
        PYTHONPATH=importable(tmp_path / "shelf"),
    )

    assert done.returncode == 1
    assert "  declined: NOT_SUPPORTED members only\n" in done.stdout
    assert "waits for" not in done.stdout


def test_once_for_programs_names_the_decline(tmp_path: Path) -> None:
    at_once = REFUSES.replace("FEATURES", "frozenset()")
    Gallery(tmp_path / "shelf").add("payment-refuses", at_once, hooks=["payment_strategies"])

    done = up(
        tmp_path / "data",
        *("--once", "--json"),
        ORDERLOOM_PLUGINS="payment-refuses",
        PYTHONPATH=importable(tmp_path / "shelf"),
    )

    (order,) = json.loads(done.stdout)["orders"]
    assert (done.returncode, order["declined"]) == (1, "NOT_SUPPORTED members only")
    assert (order["waits_for"], order["as_promised"]) == ("", False)


def test_once_with_no_way_to_pay_says_what_is_missing(tmp_path: Path) -> None:
    none = up(tmp_path, "--once", ORDERLOOM_PLUGINS="")
    bare = up(tmp_path, "--once", ORDERLOOM_PLUGINS="payment-bank-transfer")

    assert (none.returncode, bare.returncode) == (1, 1)
    assert "No way to pay is configured: " in none.stderr
    assert "payment-bank-transfer is BLOCKED (not named in ORDERLOOM_PLUGINS)" in none.stderr
    assert "payment-bank-transfer is NOT_CONFIGURED (" in bare.stderr
