"""A process that starts with rogues on its path: what it lists, and when it refuses to start."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.hooks.gallery import STRATEGY, TELL
from tests.hooks.starting import Shop
from tests.house.tree import ROOT

pytestmark = pytest.mark.once

PAY = ("payment_strategies",)


def test_a_shop_starts_without_plugins(shop: Shop) -> None:
    shop.gallery.add("pay", STRATEGY.format(code="pay", account=None), hooks=PAY)

    rows = shop.listed(ORDERLOOM_PLUGINS="")

    assert {row["state"] for row in rows.values()} == {"BLOCKED"}


def test_a_shop_starts_beside_plugins_that_end_the_process(shop: Shop) -> None:
    shop.gallery.add("exits", "raise SystemExit(3)", hooks=("order_placed",))
    shop.gallery.add("pay", STRATEGY.format(code="pay", account=None), hooks=PAY)

    rows = shop.listed(ORDERLOOM_PLUGINS="exits,pay")

    assert rows["exits"]["state"] == "LOAD_FAILED"
    assert rows["exits"]["why"].endswith("raised SystemExit: 3")
    assert rows["pay"]["state"] == "ENABLED"
    assert rows["pay"]["offers"] == ["pay"]


def test_strict_mode_refuses_to_start_and_names_the_plugin(shop: Shop) -> None:
    shop.gallery.add("exits", "raise SystemExit(3)", hooks=("order_placed",))

    done = shop.run("check", ORDERLOOM_PLUGINS="exits", ORDERLOOM_STRICT="1")

    assert done.returncode == 1
    assert "exits: LOAD_FAILED: importing" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", [("check",), ("plugins", "check")])
def test_strict_mode_finds_a_plugin_without_settings_by_either_command(
    shop: Shop, verb: tuple[str, ...]
) -> None:
    allowed = {"ORDERLOOM_PLUGINS": "payment-stripe-like", "ORDERLOOM_STRICT": "1"}
    migrated = shop.run("migrate", "--verbosity=0", **allowed | {"ORDERLOOM_STRICT": "0"})

    done = shop.run(*verb, **allowed)

    assert (migrated.returncode, done.returncode) == (0, 1)
    assert "orderloom.W004" in done.stdout + done.stderr


def test_a_misspelt_plugin_in_a_variable_is_found_by_either_command(shop: Shop) -> None:
    variables = {"ORDERLOOM_PLUGINS": "", "ORDERLOOM_STORFRONT__Y": "2"}

    checked = shop.run("check", **variables)
    ours = shop.run("plugins", "check", **variables)
    strict = shop.run("check", **variables, ORDERLOOM_STRICT="1")

    assert "orderloom.W005" in checked.stderr
    assert "orderloom.W005" in ours.stdout
    assert (checked.returncode, ours.returncode, strict.returncode) == (0, 1, 1)


def test_strict_mode_starts_where_nothing_is_wrong(shop: Shop) -> None:
    shop.gallery.add("told", TELL, hooks=("order_placed",))

    done = shop.run("check", ORDERLOOM_PLUGINS="told", ORDERLOOM_STRICT="1")

    assert (done.returncode, done.stderr) == (0, "")


def test_check_ends_with_one_if_a_plugin_has_a_problem(shop: Shop) -> None:
    shop.gallery.add("exits", "raise SystemExit(3)", hooks=("order_placed",))

    bad = shop.run("plugins", "check", "--json", ORDERLOOM_PLUGINS="exits")
    good = shop.run("plugins", "check", ORDERLOOM_PLUGINS="")

    assert bad.returncode == 1
    assert [problem["plugin"] for problem in json.loads(bad.stdout)] == ["exits"]
    assert (good.returncode, good.stdout) == (0, "No plugin has a problem.\n")


def test_show_says_where_a_setting_comes_from_and_masks_secrets(shop: Shop) -> None:
    shop.gallery.add(
        "pay",
        STRATEGY.format(code="pay", account=None),
        hooks=PAY,
        more='settings = "PACKAGE.settings:Settings"',
        files={
            "settings.py": """
            from dataclasses import dataclass
            from hookspecs import Secret
            @dataclass(frozen=True)
            class Settings:
                key: Secret
                base: str = "https://one.example"
            """
        },
    )

    done = shop.run(
        "plugins", "show", "pay", "--json", ORDERLOOM_PLUGINS="pay", ORDERLOOM_PAY__KEY="sk_canary"
    )

    settings = {row["name"]: row for row in json.loads(done.stdout)["settings"]}
    assert (settings["key"]["value"], settings["key"]["source"]) == ("••••••", "environment")
    assert settings["base"]["source"] == "default"
    assert "canary" not in done.stdout


def test_show_refuses_a_name_that_nobody_knows(shop: Shop) -> None:
    done = shop.run("plugins", "show", "pya", ORDERLOOM_PLUGINS="")

    assert done.returncode == 1
    assert "There is no plugin pya" in done.stderr


def test_the_table_degrades_to_plain_lines(shop: Shop) -> None:
    shop.gallery.add("told", TELL, hooks=("order_placed",))

    done = shop.run("plugins", "list", ORDERLOOM_PLUGINS="told")

    assert re.search(r"^told +ENABLED +1\.0$", done.stdout, re.MULTILINE)
    assert "\x1b" not in done.stdout


def test_another_package_named_core_is_refused(shop: Shop) -> None:
    foreign = shop.gallery.folder / "hookspecs.py"
    foreign.write_text((ROOT / "hookspecs.py").read_text(encoding="utf-8"), encoding="utf-8")
    program = (
        f"import sys; sys.path.insert(0, {str(shop.gallery.folder)!r}); "
        "from core.project.cli import main; main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, "check"],
        env={**os.environ, "ORDERLOOM_PLUGINS": ""}
        | {"DJANGO_SETTINGS_MODULE": "core.project.settings", "ORDERLOOM_DATA": str(shop.folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "orderloom.E001" in done.stderr
