"""Plugins with Django apps of their own: proved before they are installed, left out if they fail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hooks.gallery import TELL
from tests.hooks.starting import Shop

pytestmark = pytest.mark.once

VISITS = "tests.hooks.visits"
APP = 'django_app = "PACKAGE.apps.Config"'
MODELS = """
from django.db import models
class Row(models.Model):
    sku = models.CharField(max_length=10)
    class Meta:
        app_label = "PACKAGE"
"""
MIGRATION = """
from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    dependencies = [DEPENDENCIES]
    operations = [migrations.CreateModel("Row", [
        ("id", models.BigAutoField(primary_key=True)), ("sku", models.CharField(max_length=10)),
    ])]
"""
CONFIG = """
from django.apps import AppConfig
from django.core import checks
class Config(AppConfig):
    name = "PACKAGE"
    default_auto_field = "django.db.models.BigAutoField"
"""
CHECK = """
@checks.register
def mine(app_configs, **_):
    return SAYS
"""
FILES = {
    "apps.py": CONFIG,
    "models.py": MODELS,
    "migrations/__init__.py": "",
    "migrations/0001_first.py": MIGRATION.replace("DEPENDENCIES", ""),
    "admin.py": "from django.contrib import admin\nfrom PACKAGE.models import Row\n"
    "admin.site.register(Row)\n",
    "templatetags/__init__.py": "",
    "templatetags/PACKAGE.py": "from django import template\nregister = template.Library()\n",
    "urls.py": """
    from django.http import HttpResponse
    from django.urls import path
    urlpatterns = [path("", lambda request: HttpResponse("well"))]
    """,
}
FOREIGN = "    order = models.ForeignKey('orderloom.Order', models.CASCADE)\n"

BROKEN: dict[str, tuple[dict[str, str], str]] = {
    "models": ({"models.py": "1 / 0"}, "models.py, line 1: ZeroDivisionError: division by zero"),
    "exits": ({"models.py": "raise SystemExit(0)"}, "it ended the process with code 0"),
    "admin": ({"admin.py": "import not_there"}, "admin.py, line 1: ModuleNotFoundError"),
    "urls": (
        {
            "urls.py": "from django.conf.urls.i18n import i18n_patterns\n"
            "urlpatterns = [*i18n_patterns()]\n"
        },
        "Using i18n_patterns in an included URLconf is not allowed",
    ),
    "views": ({"urls.py": "urlpatterns = ['/', lambda request: None]\n"}, "urls.E004"),
    "tags": ({"templatetags/PACKAGE.py": "import not_there"}, "InvalidTemplateLibrary"),
    "checks": (
        {
            "apps.py": CONFIG
            + CHECK.replace("SAYS", "[checks.Error('not like this', id='mine.E001')]")
        },
        "mine.E001: not like this",
    ),
    "raises": ({"apps.py": CONFIG + CHECK.replace("SAYS", "1 / 0")}, "ZeroDivisionError"),
    "graph": (
        {"migrations/0001_first.py": MIGRATION.replace("DEPENDENCIES", '("PACKAGE", "0000")')},
        "NodeNotFoundError",
    ),
    "leaves": (
        {"migrations/0001_other.py": MIGRATION.replace("DEPENDENCIES", "")},
        "its migrations 0001_first and 0001_other are both the last of",
    ),
    "depends": (
        {
            "migrations/0001_first.py": MIGRATION.replace(
                "DEPENDENCIES", '("orderloom", "0001_initial")'
            )
        },
        "orderloom.E005: The migration 0001_first of",
    ),
    "foreign": (
        {"models.py": MODELS + FOREIGN},
        "orderloom.E004: Row.order is a foreign key to a table of the core",
    ),
    "prefix": (
        {"models.py": MODELS + "        db_table = 'orderloom_mine'\n"},
        "orderloom.E004: The table orderloom_mine of",
    ),
    "label": ({"apps.py": CONFIG + "    label = 'another'\n"}, "orderloom.E004: The app of"),
}
QUICK = ("exits", "urls", "graph", "foreign")


def add(shop: Shop, name: str, files: dict[str, str] | None = None) -> str:
    more = f'{APP}\nurls = "PACKAGE.urls"'
    return shop.gallery.add(
        name, TELL, hooks=("order_placed",), more=more, files=FILES | (files or {})
    )


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "sorts", [QUICK, pytest.param(tuple(BROKEN), marks=pytest.mark.full)], ids=["some", "all"]
)
def test_apps_that_would_stop_django_are_named_and_left_out(
    sorts: tuple[str, ...], shop: Shop
) -> None:
    for sort in sorts:
        add(shop, sort, BROKEN[sort][0])
    package = add(shop, "well")
    allowed = {"ORDERLOOM_PLUGINS": ",".join((*sorts, "well"))}

    migrated = shop.run("migrate", "--verbosity=0", **allowed)
    rows = shop.listed(**allowed)
    seen = shop.ask(f"{VISITS}:look", {"package": package}, **allowed)

    assert migrated.returncode == 0, migrated.stderr
    assert {sort: rows[sort]["state"] for sort in sorts} == dict.fromkeys(sorts, "LOAD_FAILED")
    unsaid = {sort: rows[sort]["why"] for sort in sorts if BROKEN[sort][1] not in rows[sort]["why"]}
    assert not unsaid
    assert rows["well"]["state"] == "ENABLED"
    assert (seen["page"], seen["console"], seen["listed"]) == (200, [200, 200, 200], True)


@pytest.mark.parametrize("sort", ["exits", pytest.param("urls", marks=pytest.mark.full)])
def test_unproved_such_an_app_does_stop_it(sort: str, shop: Shop) -> None:
    add(shop, sort, BROKEN[sort][0])
    unproved = {"ORDERLOOM_PLUGINS": sort, "ORDERLOOM_PROVING": "1"}

    done = shop.run("check", **unproved)

    assert "System check" not in done.stdout + done.stderr


@pytest.mark.full
def test_an_app_that_fails_beside_another_is_named_and_not_both(shop: Shop) -> None:
    greedy = {
        "admin.py": "from django.contrib import admin\n"
        "from django.contrib.auth.models import Group\n"
        "admin.site.unregister(Group)\n"
    }
    add(shop, "one", greedy)
    add(shop, "two", greedy)

    rows = shop.listed(ORDERLOOM_PLUGINS="one,two")

    assert [rows[name]["state"] for name in ("one", "two")] != ["LOAD_FAILED"] * 2
    assert rows["two"]["state"] == "LOAD_FAILED"
    assert rows["two"]["why"].startswith("beside one its Django app can't be started")


@pytest.mark.full
def test_what_was_proved_is_not_proved_again_until_something_changes(shop: Shop) -> None:
    package = add(shop, "well")
    add(shop, "exits", BROKEN["exits"][0])
    memory = shop.folder / "proved_apps.json"
    home = shop.gallery.folder / package
    states, times = [], []
    shop.run("migrate", "--verbosity=0", ORDERLOOM_PLUGINS="exits,well")

    for change in (None, None, "1 / 0"):
        if change:
            (home / "models.py").write_text(change, encoding="utf-8")
        rows = shop.listed(ORDERLOOM_PLUGINS="exits,well")
        states.append((rows["exits"]["state"], rows["well"]["state"]))
        times.append(memory.stat().st_mtime_ns)

    assert states == [
        ("LOAD_FAILED", "ENABLED"),
        ("LOAD_FAILED", "ENABLED"),
        ("LOAD_FAILED", "LOAD_FAILED"),
    ]
    assert times[0] == times[1] != times[2]


@pytest.mark.full
def test_check_proves_by_hand_what_is_remembered_as_well(shop: Shop) -> None:
    add(shop, "well")
    add(shop, "unlucky", {"admin.py": "import os\nif os.environ.get('ILL'): 1 / 0\n"})
    allowed = {"ORDERLOOM_PLUGINS": "unlucky,well"}
    shop.run("migrate", "--verbosity=0", **allowed)
    shop.listed(**allowed)
    verb = ("plugins", "check", "--isolated", "--json")

    well = shop.run(*verb, **allowed)
    (shop.gallery.folder / "sitecustomize.py").write_text(
        "import os, sys\nif '-m' in sys.orig_argv: os.environ['ILL'] = '1'\n", encoding="utf-8"
    )
    ill = shop.run(*verb, **allowed)

    assert (well.returncode, well.stdout) == (0, "[]\n")
    assert ill.returncode == 1, ill.stdout
    assert [said["plugin"] for said in json.loads(ill.stdout)] == ["unlucky"]


def test_a_plugin_whose_tables_are_behind_waits_for_migrate(shop: Shop) -> None:
    package = add(shop, "well")
    why = "its tables are behind its code: run `manage.py migrate`"

    seen = shop.ask(f"{VISITS}:migrate_meanwhile", {"package": package}, ORDERLOOM_PLUGINS="well")

    assert seen == [["NOT_CONFIGURED", why], ["NOT_CONFIGURED", why], ["ENABLED", ""]]


def test_switched_off_its_pages_and_its_console_are_gone_and_its_tables_are_not(
    shop: Shop,
) -> None:
    package = add(shop, "well")
    allowed: dict[str, Any] = {"ORDERLOOM_PLUGINS": "well"}
    shop.run("migrate", "--verbosity=0", **allowed)

    off = shop.ask(
        f"{VISITS}:look", {"package": package}, ORDERLOOM_PLUGINS_DISABLED="well", **allowed
    )
    gone = shop.ask(f"{VISITS}:look", {"package": package}, ORDERLOOM_PLUGINS="")
    back = shop.ask(f"{VISITS}:look", {"package": package}, **allowed)

    hidden = {"page": 404, "console": [404] * 3, "listed": False, "users": 200, "table": True}
    assert off == hidden | {"installed": True}
    assert gone == hidden | {"installed": False}
    assert (back["page"], back["console"], back["listed"]) == (200, [200] * 3, True)
