"""A plugin in use is left out, switched off, broken or removed, and the shop goes on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle.conftest import ACTS, Ground, Opens
from tests.prefix import Prefix, Shop

pytestmark = pytest.mark.timeout(240)

PAID = ["PAID", "On the ledger", "CAPTURED"]
BEGUN = ["CONFIRMED", "On the ledger, later", "REQUIRES_ACTION"]
UNAVAILABLE = {
    "status_code": 409,
    "code": "PLUGIN_UNAVAILABLE",
    "plugin": "pay-ledger",
    "distribution": "orderloom-pay-ledger",
}


def look(shop: Shop, ground: Ground) -> dict[str, Any]:
    seen: dict[str, Any] = shop.ask(f"{ACTS}:look", ground.history)
    return seen


def the_shop_goes_on(seen: dict[str, Any]) -> bool:
    """Say whether orders are priced and taken, and the old ones shown as they were."""
    return (
        (seen["quote"], seen["placed"]) == ({"status_code": 200, "total": 3000}, 201)
        and seen["pages"] == {"paid": PAID, "begun": BEGUN}
        and seen["shown"] == {"paid": [200, *PAID[:2]], "begun": [200, *BEGUN[:2]]}
    )


def is_unavailable(answer: dict[str, Any]) -> bool:
    return UNAVAILABLE.items() <= answer.items()


def is_gone(seen: dict[str, Any]) -> bool:
    """Say whether nothing is offered and what is open is refused, naming the package."""
    return (
        seen["choices"] == []
        and seen["started"]["code"] == "UNKNOWN_PAYMENT_STRATEGY"
        and is_unavailable(seen["resumed"])
        and is_unavailable(seen["refunded"])
    )


def broken(package: str, prefix: Prefix, folder: Path) -> str:
    """Return a folder whose copy of a package comes first and raises."""
    copy = shutil.copytree(prefix.site / package, folder / "broken" / package)
    (copy / "plugin.py").write_text("raise RuntimeError('half an upgrade')\n", encoding="utf-8")
    return str(folder / "broken")


def test_a_plugin_that_is_on_serves_old_orders_and_new_ones(
    opens: Opens, installed: Prefix, ground: Ground
) -> None:
    shop = opens(installed, ORDERLOOM_PLUGINS="pay-ledger")

    row = shop.listed()["pay-ledger"]
    seen = look(shop, ground)

    assert (row["state"], row["why"], row["open_work"]) == ("ENABLED", "", True)
    assert the_shop_goes_on(seen)
    assert seen["choices"] == ["ledger", "ledger-later", "ledger-lost"]
    assert seen["started"] == {"status_code": 201, "order_payment_status": "PAID"}
    assert seen["resumed"] == {"status_code": 200, "order_payment_status": "PAID"}
    assert seen["refunded"] == {"status_code": 200, "order_payment_status": "REFUNDED"}


def test_the_allow_list_leaves_a_plugin_out(
    opens: Opens, installed: Prefix, ground: Ground
) -> None:
    shop = opens(installed, ORDERLOOM_PLUGINS="")

    row = shop.listed()["pay-ledger"]
    seen = look(shop, ground)

    assert (row["state"], row["why"]) == ("BLOCKED", "not named in ORDERLOOM_PLUGINS")
    assert the_shop_goes_on(seen)
    assert is_gone(seen)


def test_a_plugin_that_is_switched_off_serves_what_is_open(
    opens: Opens, installed: Prefix, ground: Ground
) -> None:
    shop = opens(installed, ORDERLOOM_PLUGINS="pay-ledger", ORDERLOOM_PLUGINS_DISABLED="pay-ledger")

    before = shop.listed()["pay-ledger"]
    seen = look(shop, ground)
    after = shop.listed()["pay-ledger"]

    why = "ORDERLOOM_PLUGINS_DISABLED switches it off"
    assert (before["state"], before["why"]) == ("SERVICING", why)
    assert the_shop_goes_on(seen)
    assert (seen["choices"], seen["started"]["code"]) == ([], "UNKNOWN_PAYMENT_STRATEGY")
    assert seen["resumed"] == {"status_code": 200, "order_payment_status": "PAID"}
    assert seen["refunded"] == {"status_code": 200, "order_payment_status": "REFUNDED"}
    assert (after["state"], after["open_work"]) == ("DISABLED", False)


def test_safe_mode_leaves_out_what_is_not_bundled(
    opens: Opens, installed: Prefix, ground: Ground
) -> None:
    shop = opens(installed, ORDERLOOM_PLUGINS="pay-ledger", ORDERLOOM_SAFE_MODE="1")

    row = shop.listed()["pay-ledger"]
    seen = look(shop, ground)

    assert row["state"] == "BLOCKED"
    assert row["why"] == "not bundled, and ORDERLOOM_SAFE_MODE is on"
    assert the_shop_goes_on(seen)
    assert is_gone(seen)


def test_strict_mode_does_not_start_with_a_plugin_that_the_shop_else_leaves_out(
    opens: Opens, installed: Prefix, ground: Ground, tmp_path: Path
) -> None:
    path = broken("pay_ledger", installed, tmp_path)
    shop = opens(installed, ORDERLOOM_PLUGINS="pay-ledger", PYTHONPATH=path)
    why = "importing pay_ledger.plugin raised RuntimeError: half an upgrade"

    strict = shop.manage("check", ORDERLOOM_STRICT="1")
    row = shop.listed()["pay-ledger"]
    seen = look(shop, ground)

    assert strict.returncode == 1
    assert strict.stderr.splitlines()[1:] == [f"  pay-ledger: LOAD_FAILED: {why}"]
    assert (row["state"], row["why"]) == ("LOAD_FAILED", why)
    assert the_shop_goes_on(seen)
    assert is_gone(seen)


def test_an_uninstalled_plugin_is_missed_by_name_until_it_is_back(
    opens: Opens, wheels: list[Path], ground: Ground, tmp_path: Path
) -> None:
    prefix = Prefix.made(tmp_path / "prefix")
    prefix.install(*wheels)
    shop = opens(prefix)
    allowed = {"ORDERLOOM_PLUGINS": "pay-ledger"}

    there = shop.listed(**allowed)["pay-ledger"]["state"]
    prefix.uninstall("orderloom-pay-ledger")
    row = shop.listed(**allowed)["pay-ledger"]
    strict = shop.manage("check", ORDERLOOM_STRICT="1", **allowed)
    seen = shop.ask(f"{ACTS}:look", ground.history, **allowed)
    prefix.install(*wheels)
    back = shop.ask(f"{ACTS}:look", ground.history, **allowed)

    assert there == "ENABLED"
    assert (row["state"], row["why"]) == ("MISSING", "install orderloom-pay-ledger")
    assert (row["title"], row["version"]) == ("Ledger", "1.0")
    assert strict.returncode == 1
    assert "pay-ledger: ORDERLOOM_PLUGINS names it" in strict.stderr
    assert the_shop_goes_on(seen)
    assert is_gone(seen)
    assert seen["refunded"]["detail"].endswith("install orderloom-pay-ledger.")
    assert back["refunded"] == {"status_code": 200, "order_payment_status": "REFUNDED"}


FREE = "pricing-third-free"
FULL = {"status_code": 200, "total": 3000}
LESS = {"status_code": 200, "total": 2000}


def is_refused(answer: dict[str, Any]) -> bool:
    return {"status_code": 503, "code": "PRICING_UNAVAILABLE", "plugin": FREE}.items() <= (
        answer.items()
    )


def test_a_rule_that_is_uninstalled_stops_all_quotes_until_a_person_decides(
    opens: Opens, wheels: list[Path], tmp_path: Path
) -> None:
    prefix = Prefix.made(tmp_path / "prefix")
    prefix.install(*wheels)
    shop = opens(prefix, ORDERLOOM_PLUGINS=FREE)

    with_it = shop.ask(f"{ACTS}:quote")
    prefix.uninstall(f"orderloom-{FREE}")
    without = shop.ask(f"{ACTS}:quote")
    row = shop.listed()[FREE]
    switched_off = shop.ask(f"{ACTS}:quote", ORDERLOOM_PLUGINS_DISABLED=FREE)
    not_wanted = shop.ask(f"{ACTS}:quote", ORDERLOOM_PLUGINS="")

    assert with_it == LESS
    assert is_refused(without)
    assert without["detail"] == (
        f"Nothing can be priced while {FREE} is out of order: install orderloom-{FREE}."
    )
    assert row["state"] == "MISSING"
    assert (switched_off, not_wanted) == (FULL, FULL)


def test_a_rule_that_is_broken_or_blocked_by_safe_mode_stops_all_quotes(
    opens: Opens, installed: Prefix, tmp_path: Path
) -> None:
    shop = opens(installed, ORDERLOOM_PLUGINS=FREE)
    path = broken("pricing_third_free", installed, tmp_path)

    with_it = shop.ask(f"{ACTS}:quote")
    failed = shop.ask(f"{ACTS}:quote", PYTHONPATH=path)
    unset = shop.ask(f"{ACTS}:quote", ORDERLOOM_PRICING_THIRD_FREE__EVERY="never")
    safe = shop.ask(f"{ACTS}:quote", ORDERLOOM_SAFE_MODE="1")
    decided = shop.ask(f"{ACTS}:quote", PYTHONPATH=path, ORDERLOOM_PLUGINS_DISABLED=FREE)

    assert with_it == LESS
    assert [is_refused(each) for each in (failed, unset, safe)] == [True, True, True]
    assert "half an upgrade" in failed["detail"]
    assert decided == FULL
